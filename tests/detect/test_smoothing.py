from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.smoothing import smooth

MakeFace = Callable[..., FaceResult]


def _values(results: list[FrameResult], track: int = 0) -> np.ndarray:
    return np.array([face.probability[0] for r in results for face in r.faces if face.track == track])


def test_zero_leaves_everything(face_result: MakeFace) -> None:
    results = [FrameResult(0, 0.0, (face_result(0, [0.25]),))]
    assert list(smooth(results, 0.0)) == results


def test_at_a_steady_rate_it_is_scipys_gaussian(face_result: MakeFace) -> None:
    signal = np.random.default_rng(0).random(120).astype(np.float32)
    results = [FrameResult(i, i / 25, (face_result(0, [v], [5 * v]),)) for i, v in enumerate(signal)]
    smoothed = list(smooth(results, 4.1 / 25))
    reference = gaussian_filter1d(signal.astype(float), 4.1, radius=int(4.1 * 2.5))
    inside = slice(10, -10)
    np.testing.assert_allclose(_values(smoothed)[inside], reference[inside], atol=1e-5)
    intensities = np.array([r.faces[0].intensity[0] for r in smoothed if r.faces[0].intensity is not None])
    np.testing.assert_allclose(intensities, 5 * _values(smoothed), rtol=1e-4)
    assert [(r.frame_index, r.time_s) for r in smoothed] == [(r.frame_index, r.time_s) for r in results]


def test_an_apex_stays_where_it_was_at_a_variable_rate(face_result: MakeFace) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.08, 200))
    apex_s = times[100]
    curve = np.exp(-0.5 * ((times - apex_s) / 0.3) ** 2).astype(np.float32)
    results = [
        FrameResult(i, t, (face_result(0, [v]),)) for i, (t, v) in enumerate(zip(times, curve, strict=True))
    ]
    smoothed = _values(list(smooth(results, 0.1)))
    assert abs(times[smoothed.argmax()] - apex_s) < 0.08  # a filter without look-ahead would be later by more
    assert 0.8 < smoothed.max() < curve.max()


def test_faces_do_not_mix_and_a_lost_face_stays_lost(face_result: MakeFace) -> None:
    def faces(i: int) -> tuple[FaceResult, ...]:
        return (face_result(0, [0.0]), face_result(1, [1.0])) if i % 3 else (face_result(1, [1.0]),)

    smoothed = list(smooth([FrameResult(i, i / 30, faces(i)) for i in range(60)], 0.2))
    assert [len(r.faces) for r in smoothed] == [len(faces(i)) for i in range(60)]
    assert _values(smoothed, 0) == pytest.approx(0.0)
    assert _values(smoothed, 1) == pytest.approx(1.0)


def test_it_looks_ahead_only_as_far_as_it_reaches(face_result: MakeFace) -> None:
    drawn = 0

    def results() -> Iterator[FrameResult]:
        nonlocal drawn
        for i in range(200):
            drawn += 1
            yield FrameResult(i, i / 20, (face_result(0, [0.5]),))

    for given_out, _ in enumerate(smooth(results(), 0.2), start=1):
        assert drawn - given_out <= 0.2 * 2.5 * 20 + 1
