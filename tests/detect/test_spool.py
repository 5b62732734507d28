from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.spool import Spool
from actionunits.detect.tested import TestedRange

SHARE = st.floats(0, 1, width=32)
TESTED = TestedRange(pitch_deg=20.0, yaw_deg=25.0, inter_ocular_px=15.0)


@st.composite
def faces(draw: st.DrawFn, boxes: int = 0) -> FaceResult:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    graded = draw(st.booleans())
    return FaceResult(
        draw(st.integers(0, 10**6)),
        draw(st.floats(0, 1)),
        rng.normal(0, 1e3, 4).astype(np.float32),
        rng.normal(0, 1e3, (68, 2)).astype(np.float32),
        np.array(draw(st.lists(SHARE, min_size=3, max_size=3)), np.float32),
        rng.uniform(0, 5, 3).astype(np.float32) if graded else None,
        TESTED,
        rng.normal(0, 1e3, (boxes, 4, 2)).astype(np.float32) if boxes else None,
        finder="dlib",
    )


@st.composite
def sources(draw: st.DrawFn) -> list[FrameResult]:
    times = draw(st.lists(st.floats(0, 1e6), max_size=6))
    some = st.lists(faces(draw(st.sampled_from([0, 8]))), max_size=3)  # one model: as many boxes for all
    return [FrameResult(i, t, tuple(draw(some)), left_out=i % 3) for i, t in enumerate(times)]


@given(sources())
def test_what_comes_back_is_what_was_put_in_each_time(results: list[FrameResult]) -> None:
    spool = Spool(3)
    for result in results:
        spool.add(result)
    for _ in range(2):
        found = list(spool)
        assert [(r.frame_index, r.time_s, len(r.faces), r.left_out) for r in found] == [
            (r.frame_index, r.time_s, len(r.faces), r.left_out) for r in results
        ]
        for one, other in zip(found, results, strict=True):
            for face, given_face in zip(one.faces, other.faces, strict=True):
                np.testing.assert_equal(vars(face), vars(given_face))
    spool.close()


def test_pictures_are_not_put_aside(face_result: Callable[..., FaceResult]) -> None:
    spool = Spool(2)
    spool.add(replace(FrameResult(0, 0.0, (face_result(0, [0.5, 0.5]),)), frame=None))
    assert next(iter(spool)).frame is None
    spool.close()
