"""How AUs move the face: scaling, sides, combinations, and against a measured 3-D face."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.facs.motion import (
    LID_PAIRS,
    LIP_PAIRS,
    MOVING_AUS,
    NAMED_POINTS,
    POINT_INDEX,
    TEMPLATE_POINTS,
    FacePlaces,
    displacement,
    face_frame,
    intensity_of_share,
    intensity_share,
    lip_gap,
    lips_part_intensity,
    place_points,
    smile_measure,
)
from actionunits.facs.points import MIRROR_68
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression

# Each AU as weights of the 3-D model's shapes (those with `_L` and `_R` on both sides).
SHAPES: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 0.9},
    4: {"browDown": 1.2},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0, "cheekRaiser": 0.8, "eyeSquint": 0.3},
    7: {"eyeSquint": 1.1},
    9: {"noseSneer": 1.0},
    10: {"mouthUpperUp": 0.9},
    12: {"mouthSmile": 1.0},
    14: {"mouthDimple": 1.35, "mouthSmile": -0.12},
    15: {"mouthFrown": 1.1},
    17: {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.25},
    18: {"mouthPucker": 1.0},
    20: {"mouthStretch": 0.9},
    22: {"mouthFunnel": 1.0},
    23: {"mouthRollLower": 0.5, "mouthRollUpper": 0.5, "mouthPucker": 0.28},
    24: {"mouthPress": 0.9, "mouthRollLower": 0.18, "mouthRollUpper": 0.18},
    25: {"mouthLowerDown": 0.75, "mouthUpperUp": 0.35, "jawOpen": 0.08},
    26: {"jawOpen": 0.75},
    27: {"jawOpen": 1.0},
    30: {"jawLeft": 1.0},
    45: {"eyeBlink": 1.0},
}
MOVES_CHIN = {17, 22, 24, 25, 26, 27, 30}

paired = sorted(n for n in MOVING_AUS if ACTION_UNITS[n].paired)
intensities = st.dictionaries(st.sampled_from(MOVING_AUS), st.floats(0, 5), max_size=6)


def mirrored(field: np.ndarray) -> np.ndarray:
    turned = np.empty_like(field)
    for name, row in POINT_INDEX.items():
        if isinstance(name, int):
            twin = MIRROR_68[name]
        else:
            sides = {"_L": "_R", "_R": "_L"}
            twin = POINT_INDEX[name[:-2] + sides[name[-2:]]] if name[-2:] in sides else row
        turned[twin] = field[row] * (-1, 1)
    return turned


def test_template_is_symmetric_and_in_inter_ocular_units() -> None:
    assert TEMPLATE_POINTS.shape == (68 + len(NAMED_POINTS), 2)
    np.testing.assert_allclose(mirrored(TEMPLATE_POINTS), TEMPLATE_POINTS, atol=1e-6)
    origin, axes = face_frame(TEMPLATE_POINTS[:68])
    np.testing.assert_allclose(origin, 0, atol=1e-6)
    np.testing.assert_allclose(axes, np.eye(2), atol=1e-6)


def test_every_au_of_the_model_moves_points() -> None:
    assert set(DEFAULT_17) < set(MOVING_AUS)
    for number in MOVING_AUS:
        moved = np.hypot(*displacement(Expression.both({number: 5.0})).T)
        assert 0.01 < moved.max() < 0.45, number
        assert moved[68:].max() > 0.005, number


@pytest.mark.parametrize("number", MOVING_AUS)
def test_movement_grows_with_intensity(number: int) -> None:
    fields = [displacement(Expression.both({number: float(i)})) for i in range(6)]
    assert not fields[0].any()
    sizes = [np.linalg.norm(field) for field in fields]
    assert all(a < b for a, b in pairwise(sizes))
    moved = fields[3].astype(float)
    np.testing.assert_allclose(moved, intensity_share(3) * fields[5], atol=2e-3)


@given(intensities)
def test_same_on_both_sides_is_symmetric(aus: dict[int, float]) -> None:
    aus.pop(30, None)
    field = displacement(Expression.both(aus))
    np.testing.assert_allclose(mirrored(field), field, atol=1e-5)


@given(intensities, intensities)
def test_mirrored_expression_mirrors_the_movement(left: dict[int, float], right: dict[int, float]) -> None:
    if left.get(30) == right.get(30):
        left.pop(30, None)
        right.pop(30, None)
    one, other = displacement(Expression(left, right)), displacement(Expression(right, left))
    np.testing.assert_allclose(mirrored(one), other, atol=1e-5)


@given(intensities, intensities)
def test_lids_and_lips_never_cross(left: dict[int, float], right: dict[int, float]) -> None:
    moved = TEMPLATE_POINTS + displacement(Expression(left, right))
    for upper, lower in (*LID_PAIRS, *LIP_PAIRS):
        assert moved[POINT_INDEX[lower], 1] - moved[POINT_INDEX[upper], 1] > -1e-6


@pytest.mark.parametrize("number", paired)
def test_one_side_leaves_the_other_in_place(number: int) -> None:
    one = displacement(Expression({number: 5.0}, {}))
    both = displacement(Expression.both({number: 5.0}))
    away = TEMPLATE_POINTS[:, 0] > 0.25
    np.testing.assert_allclose(one[away], both[away], atol=0.02)
    assert np.abs(one[TEMPLATE_POINTS[:, 0] < -0.25]).max() < 0.02


def gap(aus: dict[int, float]) -> float:
    field = displacement(Expression.both(aus))
    return float(field[66, 1] - field[62, 1])


def test_what_aus_do_together() -> None:
    smile, parted, both = (
        displacement(Expression.both(a)) for a in ({12: 4.0}, {25: 4.0}, {12: 4.0, 25: 4.0})
    )
    assert both[62, 1] < smile[62, 1] + parted[62, 1] - 0.01, "12 with 25 bares the upper teeth"
    inner = [displacement(Expression.both(a))[21, 1] for a in ({1: 5.0}, {4: 5.0}, {1: 5.0, 4: 5.0})]
    assert inner[0] < inner[2] < 0 < inner[1], "1 raises the inner brow in spite of 4"
    cheek = POINT_INDEX["cheek_apex_L"]
    up = [displacement(Expression.both(a))[cheek, 1] for a in ({6: 5.0}, {12: 5.0}, {6: 5.0, 12: 5.0})]
    assert up[0] + up[1] < up[2] < min(up[:2]), "the cheek rises with both, but not twice"
    assert gap({25: 5.0, 24: 5.0}) < 0.3 * gap({25: 5.0}), "pressed lips do not part"
    assert gap({26: 3.0}) > 0.05, "the jaw parts the lips"
    assert gap({9: 5.0, 10: 5.0}) < gap({9: 5.0}) + gap({10: 5.0})


def test_jaw_goes_to_the_named_side() -> None:
    assert displacement(Expression({30: 5.0}, {}))[8, 0] > 0.08
    assert displacement(Expression({}, {30: 5.0}))[8, 0] < -0.08


@given(st.floats(0, 5))
def test_au25_is_read_back_from_the_gap(intensity: float) -> None:
    field = displacement(Expression.both({25: intensity}))
    apart = lip_gap(TEMPLATE_POINTS + field) - lip_gap(TEMPLATE_POINTS)
    assert lips_part_intensity(apart) == pytest.approx(intensity, abs=0.05)
    assert intensity_of_share(float(intensity_share(intensity))) == pytest.approx(intensity, abs=1e-6)
    assert [lips_part_intensity(-0.1), lips_part_intensity(1.0)] == [0, 5]


@given(st.floats(-0.6, 0.6), st.floats(20, 300), st.floats(-500, 500))
def test_named_points_follow_scale_and_tilt(tilt: float, scale: float, x: float) -> None:
    turn = scale * np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    placed = place_points(TEMPLATE_POINTS[:68] @ turn + (x, 40))
    np.testing.assert_allclose(placed, TEMPLATE_POINTS @ turn + (x, 40), atol=0.01 * scale)


def test_named_points_follow_the_face_near_them() -> None:
    person = TEMPLATE_POINTS[:68].copy() * 100
    person[48:68, 1] += 12  # a longer upper lip
    placed = place_points(person)
    np.testing.assert_array_equal(placed[:68], person)
    lower = placed - TEMPLATE_POINTS * 100
    assert lower[POINT_INDEX["mouth_side_L"], 1] > 6
    assert abs(lower[POINT_INDEX["forehead_mid_L"], 1]) < 5
    with pytest.raises(ValueError, match="68"):
        place_points(person[:60])


def test_places_chosen_are_the_same_places() -> None:
    places = FacePlaces(TEMPLATE_POINTS[68:])
    person = (TEMPLATE_POINTS[:68] * 80 + 200).astype(np.float32)
    chosen = np.arange(len(NAMED_POINTS)) % 3 == 0
    np.testing.assert_allclose(places.on(person, chosen), places.on(person)[chosen])


def measured(model: np.lib.npyio.NpzFile, number: int) -> np.ndarray:
    """f64[68,2] in inter-ocular units, y down, from the 3-D model's shapes."""
    vertices = model["landmarks68"]
    rest = model["neutral"][vertices]
    unit = np.linalg.norm(rest[[36, 39]].mean(0) - rest[[42, 45]].mean(0))
    names = list(model["expression_names"])
    total = np.zeros((68, 2))
    for shape, weight in SHAPES[number].items():
        for name in (shape, f"{shape}_L", f"{shape}_R"):
            if name in names:
                total += weight * model["expression_delta"][names.index(name), vertices, :2].astype(float)
    return total * (1, -1) / unit


@pytest.fixture(scope="module")
def face_model(shared_data: Path) -> dict[str, np.ndarray]:
    path = shared_data / "face_model" / "ict_facekit_light.npz"
    if not path.is_file():
        pytest.skip("no measured face model beside the checkout")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.shared
@pytest.mark.parametrize("number", sorted(SHAPES))
def test_agrees_with_the_measured_face(face_model: dict[str, np.ndarray], number: int) -> None:
    """Same direction, similar size, on the points that move.

    The jaw's outline is left out but for the chin, and that only for AUs of the chin: the model's jaw points
    are fixed to the skin, while landmarks follow the outline.
    """
    theirs, ours = (
        measured(face_model, number),
        displacement(Expression.both({number: 5.0}))[:68].astype(float),
    )
    compared = np.arange(5 if number in MOVES_CHIN else 17, 68)
    size = np.maximum(np.hypot(*theirs.T), np.hypot(*ours.T))
    moving = compared[size[compared] > 0.01]
    assert len(moving) >= 4
    a, b = ours[moving].ravel(), theirs[moving].ravel()
    assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) > 0.92
    assert 0.6 < np.linalg.norm(a) / np.linalg.norm(b) < 1.25


def test_a_dimpler_bunches_the_skin_and_is_no_little_smile() -> None:
    """FACS has the corners narrowed and pulled inwards, the lower lip stretched; a smile draws them out."""
    moved, smile = (displacement(Expression.both({au: 5.0})) for au in (14, 12))
    assert 0 <= moved[54, 0] < 0.1 * smile[54, 0], "the corner is not drawn out"
    assert np.hypot(*moved[54]) < 0.3 * np.hypot(*smile[54])
    assert moved[POINT_INDEX["mouth_side_L"], 0] < moved[54, 0] - 0.02, "the skin beside is drawn against it"
    rest = TEMPLATE_POINTS[:68].astype(np.float32)
    ours, theirs = (
        smile_measure((rest + m[:68])[None])[0] - smile_measure(rest[None])[0] for m in (moved, smile)
    )
    assert 0 < ours < 0.2 * theirs
