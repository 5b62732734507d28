from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.special import expit, logit

from actionunits.detect.baseline import LEAST_FRAMES, REST_GAP, Baseline, rebased
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.errors import UserError

MakeFace = Callable[..., FaceResult]
THRESHOLDS = np.array([0.5, 0.2], np.float32)
AUTO, FIRST = Baseline(), Baseline(2.0)


def _video(
    make: MakeFace, odds: np.ndarray, grades: np.ndarray, rate_hz: float = 20.0, track: int = 0
) -> list[FrameResult]:
    return [
        FrameResult(i, i / rate_hz, (make(track, expit(o), g),))
        for i, (o, g) in enumerate(zip(odds, grades, strict=True))
    ]


def _odds(results: list[FrameResult], track: int = 0) -> np.ndarray:
    return logit(np.array([f.probability for r in results for f in r.faces if f.track == track], float))


def _grades(results: list[FrameResult], track: int = 0) -> np.ndarray:
    return np.array([f.intensity for r in results for f in r.faces if f.track == track])


@pytest.mark.parametrize("baseline", [AUTO, FIRST])
def test_a_face_that_rests_near_the_threshold_is_brought_below_it(
    face_result: MakeFace, baseline: Baseline
) -> None:
    """A synthetic person: AU 1 at rest above its threshold, AU 2 far below; each is shown for a while."""
    rng = np.random.default_rng(0)
    odds = np.tile([0.7, -6.0], (400, 1)) + rng.normal(0, 0.1, (400, 2))
    grades = np.tile([1.5, 0.0], (400, 1)) + np.abs(rng.normal(0, 0.05, (400, 2)))
    odds[200:280] += 3.0
    grades[200:280] += 2.0
    video = _video(face_result, odds, grades)
    found = list(rebased(video, baseline, THRESHOLDS))
    assert [(r.frame_index, r.time_s) for r in found] == [(r.frame_index, r.time_s) for r in video]
    rest, shown = _odds(found)[:100], _odds(found)[210:270]
    assert abs(np.median(rest[:, 0]) - (logit(0.5) - REST_GAP)) < 0.15
    np.testing.assert_allclose(shown[:, 0].mean() - rest[:, 0].mean(), 3.0, atol=0.05)  # one shift for all
    assert (shown[:, 0] > 0).all()
    np.testing.assert_allclose(_odds(found)[:, 1], odds[:, 1], atol=1e-3)  # far below: nothing is raised
    assert np.median(_grades(found)[:100, 0]) < 0.1
    assert abs(_grades(found)[210:270, 0].mean() - 2.0) < 0.15
    assert (_grades(found) >= 0).all()


@pytest.mark.parametrize("baseline", [AUTO, FIRST])
def test_an_au_that_is_surely_shown_all_the_time_does_not_fall_apart_into_events(
    face_result: MakeFace, baseline: Baseline
) -> None:
    odds = np.random.default_rng(3).uniform(4.5, 10.0, (400, 2))
    found = _odds(list(rebased(_video(face_result, odds, np.zeros((400, 2))), baseline, THRESHOLDS)))
    np.testing.assert_allclose(found, np.tile(logit(THRESHOLDS) - REST_GAP, (400, 1)), atol=1e-3)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.65])
def test_the_level_over_a_whole_source_bears_an_au_that_is_shown_often(
    face_result: MakeFace, share: float
) -> None:
    rng = np.random.default_rng(1)
    shown = rng.random(600) < share
    odds = np.column_stack([np.where(shown, 3.0, -1.0), np.full(600, -5.0)]) + rng.normal(0, 0.1, (600, 2))
    found = _odds(list(rebased(_video(face_result, odds, np.zeros((600, 2))), AUTO, THRESHOLDS)))[:, 0]
    assert (found[shown] > 0).all()
    assert abs(np.median(found[~shown]) + REST_GAP) < 0.2


@pytest.mark.parametrize("baseline", [AUTO, FIRST])
def test_quantiles_are_numpys(face_result: MakeFace, baseline: Baseline) -> None:
    rng = np.random.default_rng(2)
    odds = rng.normal(1.0, 1.5, (301, 2))
    video = _video(face_result, odds, np.zeros((301, 2)), rate_hz=1000.0 / 7)
    found = _odds(list(rebased(video, baseline, THRESHOLDS)))
    used = odds if baseline is AUTO else odds[: int(np.ceil(2.0 * 1000 / 7))]
    rest = np.quantile(used, 0.25 if baseline is AUTO else 0.5, axis=0)
    expected = np.maximum(rest - (logit([0.5, 0.2]) - REST_GAP), 0)
    np.testing.assert_allclose((odds - found).mean(axis=0), expected, atol=0.06)


@pytest.mark.parametrize("baseline", [AUTO, FIRST])
def test_faces_have_their_own_and_one_seen_shortly_has_none(
    face_result: MakeFace, baseline: Baseline
) -> None:
    def faces(i: int) -> tuple[FaceResult, ...]:
        there = [face_result(0, expit([1.0, -5.0]), [1.0, 0.0])] if i >= 30 else []
        if 10 <= i < 10 + LEAST_FRAMES - 1:
            there.append(face_result(1, expit([1.0, -5.0]), [1.0, 0.0]))
        return (*there, face_result(2, expit([-4.0, 2.0]), [0.0, 3.0]))

    video = [FrameResult(i, i / 20, faces(i)) for i in range(200)]
    found = list(rebased(video, baseline, THRESHOLDS))
    assert [len(r.faces) for r in found] == [len(r.faces) for r in video]
    np.testing.assert_allclose(_odds(found, 0)[:, 0], -REST_GAP, atol=0.06)
    np.testing.assert_allclose(_odds(found, 1)[:, 0], 1.0, atol=1e-3)
    np.testing.assert_allclose(_odds(found, 2)[:, 1], logit(0.2) - REST_GAP, atol=0.06)
    np.testing.assert_allclose(_odds(found, 2)[:, 0], -4.0, atol=1e-3)


def test_the_first_seconds_are_held_and_no_more(face_result: MakeFace) -> None:
    drawn = 0

    def results() -> Iterator[FrameResult]:
        nonlocal drawn
        for i in range(300):
            drawn += 1
            there = (face_result(0, [0.5, 0.5]),) if i < 150 else (face_result(1, [0.5, 0.5]),)
            yield FrameResult(i, i / 20, there)

    for given_out, result in enumerate(rebased(results(), FIRST, THRESHOLDS), start=1):
        assert drawn - given_out <= 2.0 * 20 + 1
        assert result.frame is None
    assert given_out == 300


@pytest.mark.parametrize("baseline", [AUTO, FIRST])
def test_what_a_face_shows_at_rest_is_told_once(face_result: MakeFace, baseline: Baseline) -> None:
    told: list[tuple[int, list[bool]]] = []
    odds = np.tile([1.0, -4.0], (200, 1))
    results = [
        FrameResult(i, i / 20, (face_result(0, expit(o)), face_result(3, expit(-o))))
        for i, o in enumerate(odds)
    ]
    shortly = FrameResult(200, 10.0, (face_result(7, expit([9.0, 9.0])),))
    list(rebased([*results, shortly], baseline, THRESHOLDS, 0, lambda face, aus: told.append((face, [*aus]))))
    assert told == [(0, [True, False]), (3, [False, True])]


def test_memory_over_a_whole_source_does_not_grow_with_it(face_result: MakeFace) -> None:
    face = face_result(0, [0.5, 0.5], [1.0, 1.0])

    def peak(frames: int) -> int:
        tracemalloc.start()
        for _ in rebased((FrameResult(i, i / 20, (face,)) for i in range(frames)), AUTO, THRESHOLDS):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(3000) < peak(300) + 50_000


def test_none_leaves_everything(face_result: MakeFace) -> None:
    video = [FrameResult(0, 0.0, (face_result(0, [0.25, 0.5]),))]
    assert list(rebased(video, None, THRESHOLDS)) == video


@pytest.mark.parametrize(
    "text", ["", "first", "first:", "first:0s", "first:5m", "first:90s", "Auto", "first:-1s"]
)
def test_a_mistake_says_what_is_expected(text: str) -> None:
    with pytest.raises(UserError, match="a baseline is auto, none, or first: and"):
        Baseline.parse(text)
