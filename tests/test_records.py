from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.records import (
    Batch,
    Crop,
    Expression,
    Face,
    Frame,
    InputSpec,
    LabelIndex,
    Landmarks,
    Prediction,
    Sample,
)


def test_arrays_are_checked_when_a_record_is_made():
    with pytest.raises(ValueError, match=r"Face.box must be float32 \[4\], got float64 \[4\]"):
        Face(np.zeros(4), 1.0)
    with pytest.raises(ValueError, match="Landmarks.points"):
        Landmarks(np.zeros((5, 2), np.float32))
    with pytest.raises(ValueError, match="Crop.image"):
        Crop(np.zeros((4, 4, 4), np.uint8), np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="Prediction.probability"):
        one = np.zeros(1, np.int64)
        Prediction((1, 2), np.zeros((1, 3), np.float32), one, np.zeros(1), one)


def test_a_frame_makes_its_colours_once_and_only_when_asked():
    calls = []

    def colours():
        calls.append(1)
        return np.zeros((2, 3, 3), np.uint8)

    frame = Frame(np.zeros((2, 3), np.uint8), 0, 0.0, colours)
    assert not calls
    assert frame.image is frame.image
    assert len(calls) == 1


def test_colours_of_another_size_are_refused():
    frame = Frame(np.zeros((2, 3), np.uint8), 0, 0.0, np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"Frame.image must be uint8 \[2, 3, 3\]"):
        _ = frame.image


@given(
    st.dictionaries(st.integers(1, 45), st.floats(0, 5)),
    st.dictionaries(st.integers(1, 45), st.floats(0, 5)),
)
def test_a_face_is_coded_by_its_stronger_side(left, right):
    expression = Expression(left, right)
    for number in {*left, *right}:
        assert expression.intensity(number) == max(expression.sides(number))
        assert (number in expression.aus) == (expression.intensity(number) > 0)


def test_intensities_outside_0_to_5_are_refused():
    with pytest.raises(ValueError, match="AU12 must be within 0 to 5, got 6"):
        Expression.both({12: 6.0})


@given(
    st.lists(st.integers(1, 64), min_size=1, max_size=20, unique=True),
    st.integers(8, 512),
    st.floats(4, 200),
    st.sampled_from([1, 3]),
    st.booleans(),
)
def test_an_input_spec_survives_json(aus, size, distance, channels, landmarks):
    normalisation = ((0.5,) * channels, (2.0,) * channels)
    spec = InputSpec(
        tuple(aus), size, distance, channels=channels, needs_landmarks=landmarks, normalisation=normalisation
    )
    assert InputSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_how_flow_is_found_stands_in_the_spec():
    spec = InputSpec((12,), 100, 40.0, needs_flow=True, flow="tvl1")
    assert InputSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    before = {name: value for name, value in spec.to_dict().items() if name != "flow"}
    assert InputSpec.from_dict(before).flow == "dis"  # files that were written before it had a name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "does not know colour"),
        ({"aus": None}, "not complete"),
        ({"channels": 2}, "1 or 3"),
        ({"flow": "farneback"}, "flow must be dis or tvl1"),
    ],
)
def test_a_foreign_input_spec_is_refused(change, message):
    values = InputSpec((12,), 100, 40.0).to_dict() | change
    with pytest.raises(ValueError, match=message):
        InputSpec.from_dict(values)


@pytest.mark.parametrize("code", [255, 256, 9, 0.5, np.nan])
def test_a_code_that_is_none_is_not_read_as_one(code):
    """255 and 256 would become -1 and 0 as int8."""
    rows = pd.DataFrame({"subject": "1", "sequence": "1", "frame": [1, 2], "AU12": [0, code]})
    with pytest.raises(ValueError, match="AU12 must hold -1, 0 and 1 only"):
        LabelIndex.make(rows)


def test_emotions_are_a_number_a_frame():
    frames, labels = np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 3), np.int8)
    assert Sample(frames, labels, emotion=np.array([1, -1], np.int8)).emotion is not None
    for wrong in (np.zeros(3, np.int8), np.zeros(2, np.int64), np.zeros((2, 1), np.int8)):
        with pytest.raises(ValueError, match="Sample.emotion must be int8 "):
            Sample(frames, labels, emotion=wrong)
    with pytest.raises(ValueError, match=r"Batch.emotion must be int8 \[4, 2\]"):
        Batch(np.zeros((4, 2, 1, 8, 8), np.float32), emotion=np.zeros((4, 3), np.int8))
