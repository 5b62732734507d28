"""Points, boxes and flow go where the pixels go."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.faces.align import crop_by_points, to_crop
from actionunits.faces.regions import regions_of
from actionunits.facs.sets import au_set
from actionunits.records import InputSpec, Landmarks, Regions, Sample
from actionunits.synthesis.painting import paint_portrait
from actionunits.training.augment import AugmentSettings, augment, mirror, move

SIZE = 64
BOXES = np.array([[4, 5, 20, 30], [40, 6, 60, 33], [10, 40, 50, 60]], np.float32)


def clip(length: int = 2, seed: int = 0) -> Sample:
    """White dots on black where the 68 points are, in iBUG order on a lattice that is not symmetric."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(12, SIZE - 13, (length, 68, 2)).astype(np.float32)
    regions = tuple(
        Regions(
            np.array([[4, 5, 20, 30], [40, 6, 60, 33], [10, 40, 50, 60]], np.float32), ((1, 2), (1, 2), (12,))
        )
        for _ in range(length)
    )
    return Sample(
        frames=rng.integers(0, 256, (length, SIZE, SIZE, 1)).astype(np.uint8),
        labels=np.array([[1, 0], [0, -1]], np.int8)[:length],
        landmarks=points,
        regions=regions,
        flow=rng.normal(0, 1, (length, SIZE, SIZE, 2)).astype(np.float16),
        subject="s",
    )


def test_mirroring_twice_changes_nothing() -> None:
    sample = clip()
    twice = mirror(mirror(sample))
    assert np.array_equal(twice.frames, sample.frames)
    np.testing.assert_allclose(twice.landmarks, sample.landmarks, atol=1e-5)
    assert np.array_equal(twice.flow, sample.flow)
    np.testing.assert_allclose(twice.regions[0].boxes, sample.regions[0].boxes, atol=1e-5)
    assert np.array_equal(twice.labels, sample.labels)


def test_the_mirror_swaps_sides_of_points_boxes_and_flow() -> None:
    sample = clip()
    other = mirror(sample)
    # the subject's right outer eye corner (36) stands where the left one (45) stood, mirrored
    np.testing.assert_allclose(other.landmarks[:, 36, 0], SIZE - 1 - sample.landmarks[:, 45, 0])
    np.testing.assert_allclose(other.landmarks[:, 36, 1], sample.landmarks[:, 45, 1])
    assert other.regions[0].boxes.tolist() == [[4, 6, 24, 33], [44, 5, 60, 30], [14, 40, 54, 60]]
    assert other.flow[0, 3, 5, 0] == -sample.flow[0, 3, SIZE - 6, 0]
    assert other.flow[0, 3, 5, 1] == sample.flow[0, 3, SIZE - 6, 1]
    assert other.frames[1, 3, 5, 0] == sample.frames[1, 3, SIZE - 6, 0]


@given(angle=st.floats(-0.3, 0.3), scale=st.floats(0.85, 1.15), x=st.floats(-4, 4), y=st.floats(-4, 4))
def test_a_dot_stays_on_its_point(angle: float, scale: float, x: float, y: float) -> None:
    place = np.array([25.0, 37.0])
    frame = np.zeros((1, SIZE, SIZE, 1), np.uint8)
    cv2.circle(frame[0], (25, 37), 3, 255, -1)
    points = np.tile(place, (1, 68, 1)).astype(np.float32)
    sample = Sample(frames=frame, labels=np.zeros((1, 1), np.int8), landmarks=points)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.full(2, (SIZE - 1) / 2)
    moved = move(sample, np.column_stack([turn, centre - turn @ centre + [x, y]]))
    weight = moved.frames[0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    np.testing.assert_allclose(found, moved.landmarks[0, 0], atol=0.15)


def test_a_quarter_turn_turns_flow_and_boxes() -> None:
    sample = clip()
    quarter = np.array([[0.0, -1.0, SIZE - 1], [1.0, 0.0, 0.0]])  # (x, y) -> (63 - y, x)
    moved = move(sample, quarter)
    assert np.array_equal(moved.frames[0, 10, 63 - 7, 0], sample.frames[0, 7, 10, 0])
    np.testing.assert_allclose(
        moved.flow[0, 10, 63 - 7], [-sample.flow[0, 7, 10, 1], sample.flow[0, 7, 10, 0]], atol=2e-3
    )
    np.testing.assert_allclose(moved.regions[0].boxes[0], [64 - 30, 4, 64 - 5, 20], atol=1e-4)


def test_switched_off_it_changes_nothing() -> None:
    off = AugmentSettings(**dict.fromkeys(AugmentSettings.__dataclass_fields__, 0.0))
    sample = clip()
    same = augment(sample, off, np.random.default_rng(0))
    assert np.abs(same.frames.astype(int) - sample.frames).max() <= 1
    assert np.array_equal(same.landmarks, sample.landmarks)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["brightness", "contrast", "gamma", "noise", "blur", "jpeg", "cutout"])
def test_each_change_of_light_changes_pixels_and_no_point(name: str, channels: int) -> None:
    off = dict.fromkeys(AugmentSettings.__dataclass_fields__, 0.0)
    strong = {"blur": 0.05, "jpeg": 1.0, "cutout": 1.0, "noise": 30.0, "brightness": 40.0}
    settings = AugmentSettings(**{**off, name: strong.get(name, 0.5)})
    gradient = np.linspace(20, 220, SIZE)[:, None] + 20 * np.sin(np.arange(SIZE))
    frames = np.repeat(gradient.astype(np.uint8)[None, :, :, None], channels, axis=3)
    sample = Sample(frames=frames, labels=np.zeros((1, 1), np.int8), landmarks=clip(1).landmarks)
    changed = [augment(sample, settings, np.random.default_rng(seed)) for seed in range(5)]
    assert max(np.abs(c.frames.astype(int) - frames).max() for c in changed) > 2
    assert all(np.array_equal(c.landmarks, sample.landmarks) for c in changed)
    assert all(c.frames.shape == frames.shape and c.frames.dtype == np.uint8 for c in changed)


def test_a_clip_is_moved_and_lit_as_one() -> None:
    still = Sample(frames=np.repeat(clip(1).frames, 3, axis=0), labels=np.zeros((3, 1), np.int8))
    settings = AugmentSettings(noise=0.0, jpeg=0.0)
    changed = augment(still, settings, np.random.default_rng(3)).frames
    assert np.array_equal(changed[0], changed[1])
    assert np.array_equal(changed[1], changed[2])


def test_boxes_that_lie_over_each_other_keep_their_places_in_the_mirror() -> None:
    """DISFA's groups 5 and 6 carry the same AUs and are not two sides of one group."""
    aus = au_set("disfa-8")
    spec = InputSpec(aus, 128, 50.0, crop="points", needs_regions=True)
    portrait = paint_portrait(1, 200)
    crop = crop_by_points(portrait.image, portrait.landmarks, 128)
    points = to_crop(portrait.landmarks.points, crop)
    regions = regions_of(spec, Landmarks(points))
    assert regions.aus[-2] == regions.aus[-1] == (12, 25, 26)
    labels = np.zeros((1, 8), np.int8)
    other = mirror(Sample(crop.image[None], labels, landmarks=points[None], regions=(regions,)))
    again = regions_of(spec, Landmarks(other.landmarks[0]))
    assert other.regions[0].aus == again.aus
    np.testing.assert_allclose(other.regions[0].boxes, again.boxes, atol=1.01)


def test_jittered_boxes_stay_in_the_crop_and_the_same_in_all_frames() -> None:
    settings = AugmentSettings(
        **{**dict.fromkeys(AugmentSettings.__dataclass_fields__, 0.0), "box_jitter": 0.2}
    )
    sample = clip()
    rng = np.random.default_rng(0)
    apart = []
    for _ in range(50):
        one, two = (part.boxes for part in augment(sample, settings, rng).regions)
        np.testing.assert_array_equal(one, two)
        assert one.min() >= 0
        assert one.max() <= SIZE
        assert (one[:, 2:] - one[:, :2] >= 1).all()
        apart.append((one - BOXES)[0] / [16, 25, 16, 25])
    assert np.std(apart, axis=0)[2:] == pytest.approx([0.2, 0.2], rel=0.35)
    still = AugmentSettings(**dict.fromkeys(AugmentSettings.__dataclass_fields__, 0.0))
    np.testing.assert_array_equal(augment(sample, still, rng).regions[0].boxes, BOXES)
