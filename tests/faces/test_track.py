"""Following faces through clips made of a public-domain photograph."""

from __future__ import annotations

from itertools import islice, pairwise

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.detect import HogDetector, make_detector
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.track import FaceTracker
from actionunits.faces.video import open_source
from actionunits.records import Face, Frame

GREY = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
HEAD = GREY[40:225, 130:315]  # her head alone
HEIGHT, WIDTH = 360, 480


def room(seed=0):
    """A background without a face."""
    noise = np.random.default_rng(seed).integers(60, 200, (12, 16), np.uint8)
    return cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def with_head(x, y, size=185, picture=None, flip=False, angle=0.0):
    """The room with the head's top left corner at (x, y), blended in by a soft oval."""
    picture = room() if picture is None else picture
    head = HEAD[:, ::-1] if flip else HEAD
    scale = size / 185
    middle = (92.0, 92.0)
    matrix = cv2.getRotationMatrix2D(middle, angle, scale)
    matrix[:, 2] += np.array([x + size / 2, y + size / 2]) - middle
    warped = cv2.warpAffine(
        np.ascontiguousarray(head), matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
    )
    oval = np.zeros((185, 185), np.float32)
    cv2.ellipse(oval, (92, 92), (72, 88), 0, 0, 360, 1, -1)
    oval = cv2.GaussianBlur(oval, (0, 0), 4)
    mask = cv2.warpAffine(oval, matrix, (WIDTH, HEIGHT))
    return np.rint(mask * warped + (1 - mask) * picture).astype(np.uint8)


def frames_of(greys, rate_hz=30.0):
    for index, grey in enumerate(greys):
        yield Frame(grey, index, index / rate_hz, lambda grey=grey: np.repeat(grey[:, :, None], 3, 2))


def follow(greys, rate_hz=30.0, **options):
    tracker = FaceTracker(HogDetector(), **options)
    return [tracker.update(f) for f in frames_of(greys, rate_hz)]


def numbers(rows):
    return [tuple(f.face.track for f in row) for row in rows]


def test_a_moving_face_keeps_its_number_and_its_points():
    """Along a curve, nearer and farther, tilting: the points must follow, without lag."""
    steps = np.linspace(0, 1, 60)
    greys = [
        with_head(40 + 200 * s, 60 + 50 * np.sin(6 * s), 185 - 50 * np.sin(3 * s), angle=12 * np.sin(8 * s))
        for s in steps
    ]
    rows = follow(greys)
    assert numbers(rows) == [(0,)] * 60
    for grey, row in zip(greys[::6], rows[::6], strict=True):
        found = HogDetector().find(grey)
        expected = find_landmarks(grey, found[0]).points
        away = np.hypot(*(row[0].landmarks.points - expected).T).mean()
        assert away < 0.06 * inter_ocular_distance(row[0].landmarks)
    confidence = [row[0].confidence for row in rows]
    assert np.median(confidence) > 0.9
    assert min(confidence) > 0.4, "tilted by 12 degrees the detector is less sure"


def test_a_face_leaves_the_table_when_it_is_hidden_and_comes_back_with_its_number():
    there, hidden = with_head(120, 80), room()
    rows = numbers(follow([there] * 12 + [hidden] * 20 + [there] * 12))
    assert rows[:12] == [(0,)] * 12
    assert rows[15:32] == [()] * 17
    assert rows[35:] == [(0,)] * 9


def test_a_slowly_covered_face_leaves_too():
    greys = []
    for k in range(40):
        grey = with_head(120, 80)
        grey[:, : 60 + 8 * k] = room()[:, : 60 + 8 * k]
        greys.append(grey)
    rows = numbers(follow(greys))
    assert rows[0] == (0,)
    assert rows[-12:] == [()] * 12


def test_a_face_that_fades_away_leaves():
    there, without = with_head(120, 80).astype(np.float32), room().astype(np.float32)
    greys = [np.rint(there + (without - there) * min(1.0, k / 20)).astype(np.uint8) for k in range(40)]
    rows = numbers(follow(greys))
    assert rows[:8] == [(0,)] * 8
    assert rows[-16:] == [()] * 16


def test_a_face_that_stays_away_too_long_has_a_new_number():
    there = with_head(120, 80)
    rows = numbers(follow([there] * 5 + [room()] * 80 + [there] * 5))
    assert rows[4] == (0,)
    assert rows[-1] == (1,)


def test_two_faces_keep_apart_while_both_move():
    greys = [with_head(20 + 2 * k, 20, 150, with_head(290 - k, 170, 160, flip=True)) for k in range(40)]
    rows = follow(greys)
    assert all(len(row) == 2 for row in rows)
    assert len({n for row in numbers(rows) for n in row}) == 2
    for before, after in pairwise(rows):
        for one, other in zip(before, after, strict=True):
            assert one.face.track == other.face.track
            assert np.abs(one.face.box - other.face.box).max() < 15


def test_a_second_face_that_enters_is_found_within_about_a_second():
    alone = with_head(20, 20, 150)
    both = with_head(290, 170, 160, alone, flip=True)
    rows = numbers(follow([alone] * 10 + [both] * 40))
    assert rows[9] == (0,)
    assert rows[-1] == (0, 1)
    assert rows.index((0, 1)) <= 10 + 32


class Counted(HogDetector):
    """Notes the pixels that it searches."""

    def __init__(self):
        super().__init__()
        self.searched_px = []

    def find(self, grey, least_px=0.0):
        self.searched_px.append(grey.size)
        return super().find(grey, least_px)


def test_new_faces_are_looked_for_where_the_picture_has_changed():
    """Nobody moves for 4 s: one search. Then a head appears in a corner: not the whole frame is searched."""
    alone = with_head(20, 20, 130)
    both = with_head(340, 220, 130, alone, flip=True)
    detector = Counted()
    tracker = FaceTracker(detector)
    rows = numbers([tracker.update(f) for f in frames_of([alone] * 114 + [both] * 33)])
    assert rows[113] == (0,)
    assert rows[-1] == (0, 1)
    assert len(detector.searched_px) == 2
    assert detector.searched_px[1] < 0.6 * detector.searched_px[0]


def test_a_lost_face_is_looked_for_everywhere():
    """One of two faces is hidden for a while and comes back."""
    both = with_head(290, 170, 160, with_head(20, 20, 150), flip=True)
    hidden = with_head(20, 20, 150)
    rows = numbers(follow([both] * 20 + [hidden] * 20 + [both] * 40))
    assert rows[19] == (0, 1)
    assert len(rows[38]) == 1
    assert rows[-1] == (0, 1), "the same number within its memory"
    assert rows.index((0, 1), 40) <= 40 + 32


def test_now_and_then_the_whole_frame_is_searched_all_the_same():
    detector = Counted()
    tracker = FaceTracker(detector)
    for frame in frames_of([with_head(20, 20, 130)] * 200):
        tracker.update(frame)
    assert detector.searched_px == [HEIGHT * WIDTH] * 2


def test_largest_keeps_one_and_changes_only_for_a_larger_one():
    small = with_head(20, 20, 140)
    both = with_head(240, 120, 230, small, flip=True)
    similar = with_head(290, 190, 145, small, flip=True)
    rows = numbers(follow([small] * 5 + [both] * 40, keep="largest"))
    assert rows[4] == (0,)
    assert rows[-1] == (1,)
    assert all(len(row) == 1 for row in rows)
    assert numbers(follow([small] * 5 + [similar] * 40, keep="largest")) == [(0,)] * 45


def test_only_the_largest_is_given_when_it_is_hidden_for_a_frame():
    small = with_head(300, 20, 120)
    both = with_head(20, 100, 200, small, flip=True)
    rows = follow([both] * 9 + [small] + [both] * 12, keep="largest", search_every_s=0.3)
    assert max(map(len, rows)) == 1
    assert rows[0][0].face.box[0] < 200 < rows[9][0].face.box[0], "the small one while the large is hidden"
    assert rows[-1][0].face.box[0] < 200


def test_a_cut_to_another_scene_gives_a_new_number_at_once():
    first = with_head(60, 60)
    other_room = 255 - room(4)
    second = with_head(250, 120, 200, np.roll(other_room, 50, 1), flip=True)
    rows = numbers(follow([first] * 10 + [second] * 10))
    assert rows == [(0,)] * 10 + [(1,)] * 10


def test_a_cut_to_a_scene_without_a_face_is_empty_at_once():
    rows = numbers(follow([with_head(60, 60)] * 10 + [np.clip(255 - room(4), 0, 90)] * 10))
    assert rows == [(0,)] * 10 + [()] * 10


def test_a_jump_within_the_scene_is_followed():
    rows = follow([with_head(40, 60)] * 8 + [with_head(240, 120)] * 8)
    assert numbers(rows)[:8] == [(0,)] * 8
    assert all(len(row) == 1 for row in rows[11:])
    assert rows[-1][0].face.box[0] > 240


def test_a_flash_does_not_change_the_number():
    grey = with_head(120, 80)
    flash = np.clip(grey.astype(int) // 2 + 120, 0, 255).astype(np.uint8)
    assert numbers(follow([grey] * 5 + [flash] + [grey] * 5)) == [(0,)] * 11


def test_frames_far_apart_are_all_searched():
    """At one frame in two seconds nothing may be left to the next search."""
    greys = [room(), with_head(120, 80), room(), with_head(120, 80)]
    assert [len(row) for row in follow(greys, rate_hz=0.5)] == [0, 1, 0, 1]


def test_without_tracking_each_picture_stands_alone():
    both = with_head(240, 120, 230, with_head(20, 20, 140), flip=True)
    greys = [with_head(60, 60), both, room(), cv2.resize(both, None, fx=1.5, fy=1.5)]
    rows = follow(greys, tracking=False)
    assert numbers(rows) == [(0,), (0, 1), (), (0, 1)]
    assert rows[1][0].face.box[0] > rows[1][1].face.box[0]
    assert numbers(follow(greys, tracking=False, keep="largest")) == [(0,), (0,), (), (0,)]


def test_the_same_frames_give_the_same_rows():
    greys = [with_head(40 + 3 * k, 60 + k) for k in range(20)]
    one, other = follow(greys), follow(greys)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a[0].landmarks.points, b[0].landmarks.points)
        assert a[0].confidence == b[0].confidence


def test_a_standing_face_stands_still():
    """Sensor noise only: the points may tremble by little and must not drift away."""
    rng = np.random.default_rng(2)
    still = with_head(120, 80).astype(np.float32)
    greys = [np.clip(still + rng.normal(0, 3, still.shape), 0, 255).astype(np.uint8) for _ in range(60)]
    rows = follow(greys)
    points = np.stack([row[0].landmarks.points for row in rows])
    distance = inter_ocular_distance(rows[0][0].landmarks)
    assert points.std(axis=0).mean() < 0.02 * distance
    assert np.abs(points[-10:].mean(axis=0) - points[5:15].mean(axis=0)).mean() < 0.02 * distance


def test_boxes_belong_to_the_points():
    row = follow([with_head(120, 80)])[0]
    assert isinstance(row[0].face, Face)
    inside = (row[0].landmarks.points > row[0].face.box[:2] - 5) & (
        row[0].landmarks.points < row[0].face.box[2:] + 15
    )
    assert inside.all()


@pytest.mark.parametrize("name", ["hog", "viola-jones"])
def test_either_detector_drives_it(name):
    tracker = FaceTracker(make_detector(name))
    greys = [with_head(100 + k, 80) for k in range(20)] + [room()] * 8
    rows = numbers([tracker.update(f) for f in frames_of(greys)])
    assert rows[:20] == [(0,)] * 20
    assert rows[-3:] == [()] * 3


def rows_of(path, first=0, last=None):
    source = open_source(path)
    tracker = FaceTracker(HogDetector(), tracking=source.kind == "video")
    return numbers([tracker.update(f) for f in islice(source, first, last)])


@pytest.mark.shared
def test_real_oddities(shared_data):
    folder = shared_data / "oddities"
    assert rows_of(folder / "face_noface.mov", 0, 90) == [(0,)] * 72 + [()] * 18
    comes = rows_of(folder / "noface_face.mov", 84)
    assert comes == [()] * 12 + [(0,)] * 72 + [()]  # its last frame is black
    assert rows_of(folder / "no_face.mp4", 0, 30) == [()] * 30
    assert rows_of(folder / "single_face.mp4") == [(0,)] * 72
    assert rows_of(folder / "free-mountain-vector-01.jpg") == [()]
    assert len(rows_of(folder / "multi_face.jpg")[0]) >= 4


@pytest.mark.shared
@pytest.mark.parametrize("name", ["brother", "help", "sister"])
def test_hands_before_the_face_do_not_end_a_track(shared_data, name):
    assert set(rows_of(shared_data / "videos" / f"{name}.mkv")) == {(0,)}
