from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.detect.agreement import LEAST_SHOWN, agreeing
from actionunits.detect.layouts import layout_of
from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.writers import open_table

THRESHOLDS = np.array([0.5, 0.25], np.float32)
SHARES = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2)
GRADES = st.lists(st.floats(0, 5, width=32), min_size=2, max_size=2)


def _face(probability: list[float], intensity: list[float] | None) -> FaceResult:
    points = np.random.default_rng(0).uniform(0, 99, (68, 2)).astype(np.float32)
    graded = None if intensity is None else np.array(intensity, np.float32)
    return FaceResult(0, 0.9, np.zeros(4, np.float32), points, np.array(probability, np.float32), graded)


@given(st.lists(st.tuples(SHARES, GRADES), min_size=1, max_size=20))
def test_in_the_table_an_au_is_shown_where_its_intensity_is_1_or_more(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[list[float], list[float]]]
) -> None:
    given_results = [FrameResult(i, i / 25, (_face(p, r),)) for i, (p, r) in enumerate(values)]
    path = tmp_path_factory.mktemp("t") / "t.csv"
    with open_table(path, layout_of("openface", (1, 12), THRESHOLDS)) as table:
        for result in agreeing(given_results, THRESHOLDS):
            table.add(result)
    written = pd.read_csv(path)
    for column, au in enumerate(("AU01", "AU12")):
        shown, graded = written[f"{au}_c"] == 1, written[f"{au}_r"]
        np.testing.assert_array_equal(shown, graded >= LEAST_SHOWN)
        before = np.array([r[column] for _, r in values])
        fits = shown.to_numpy() == (before >= LEAST_SHOWN)
        np.testing.assert_allclose(graded[fits], np.round(before[fits], 3), atol=1.01e-3)  # others are moved
        np.testing.assert_array_equal(shown, [np.float32(p[column]) >= THRESHOLDS[column] for p, _ in values])


def test_a_model_without_intensities_stays_without() -> None:
    result = FrameResult(0, 0.0, (_face([0.9, 0.9], None),))
    assert next(agreeing([result], THRESHOLDS)).faces[0].intensity is None


@pytest.mark.parametrize("options", [{}, {"smooth_s": 0.1}, {"baseline": "auto"}, {"baseline": "first:0.5s"}])
def test_whatever_is_done_with_the_values_they_agree(
    make_model: Callable[..., Path], talk: Path, options: dict[str, object]
) -> None:
    detector = Detector(make_model(card={"thresholds": [0.4, 0.6]}), **options)  # type: ignore[arg-type]
    faces = [face for result in detector.run(talk) for face in result.faces]
    shown = np.array([face.probability for face in faces]) >= detector.thresholds
    assert 0 < shown.mean() < 1
    graded = np.array([face.intensity for face in faces])
    np.testing.assert_array_equal(shown, graded >= LEAST_SHOWN)
