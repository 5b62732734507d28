"""Windows hold every position that a patch can change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.explain.windows import Kernel, Windows, courses, reached

kernels = st.builds(Kernel, st.integers(1, 5), st.integers(1, 3), st.booleans())


@st.composite
def slides(draw):
    """A stack of layers that leaves something of a map, and a patch's places on it."""
    side = draw(st.integers(6, 60))
    stack, left = [], side
    for kernel in draw(st.lists(kernels, min_size=1, max_size=7)):
        if kernel.outputs(left) < 1:
            break
        stack.append(kernel)
        left = kernel.outputs(left)
    patch, step = draw(st.integers(1, side)), draw(st.integers(1, 7))
    starts = np.arange(0, side - patch + 1, step)
    return side, stack, Windows(starts, starts + patch)


def changed_positions(start: int, stop: int, stack: list[Kernel], side: int) -> list[np.ndarray]:
    """The plain way: mark every output that reads a marked input."""
    marks = [(np.arange(side) >= start) & (np.arange(side) < stop)]
    for kernel in stack:
        read = [marks[-1][kernel.stride * p :][: kernel.size] for p in range(kernel.outputs(len(marks[-1])))]
        marks.append(np.array([r.any() for r in read]))
    return [np.flatnonzero(m) for m in marks]


@given(slides())
@settings(max_examples=150)
def test_windows_hold_every_changed_position_and_no_more(slide) -> None:
    side, stack, patches = slide
    found = reached(patches, stack, side)
    for place in range(len(patches.start)):
        plain = changed_positions(patches.start[place], patches.stop[place], stack, side)
        for (windows, _), positions in zip(found, plain, strict=True):
            start, stop = windows.start[place], windows.stop[place]
            assert all(start <= p < stop for p in positions)
            if all(kernel.size >= kernel.stride for kernel in stack):  # else there may be gaps
                assert max(0, stop - start) == len(positions)


@given(slides())
@settings(max_examples=150)
def test_courses_hold_what_their_layers_need(slide) -> None:
    side, stack, patches = slide
    found = reached(patches, stack, side)
    groups = courses(patches, stack, side)
    assert sorted(np.concatenate([g.numbers for g in groups])) == list(range(len(patches.start)))
    for group in groups:
        assert (group.patch == patches.start[group.numbers]).all()
        for number, (windows, length) in enumerate(found):
            start, size = group.starts[number], group.sizes[number]
            assert start.min() >= 0
            assert (start + size).max() <= length
            after = number == len(stack) or stack[number].by_change
            if after:  # the changed positions are all here
                there = (windows.stop > windows.start)[group.numbers]
                assert (start <= windows.start[group.numbers])[there].all()
                assert (start + size >= windows.stop[group.numbers])[there].all()
            elif group.sizes[-1]:  # everything that the next windows read is here
                assert (start == group.starts[number + 1] * stack[number].stride).all()
                reads = (group.sizes[number + 1] - 1) * stack[number].stride + stack[number].size
                assert size == reads


@pytest.mark.parametrize(
    ("kernel", "start", "stop"),
    [(Kernel(5, 2), 13, 23), (Kernel(3), 28, 45), (Kernel(2, 2), 15, 23), (Kernel(), 30, 45)],
)
def test_a_patch_of_15_px_reaches_this_far(kernel: Kernel, start: int, stop: int) -> None:
    after = Windows(np.array([30]), np.array([45])).after(kernel, 200)
    assert (after.start.item(), after.stop.item()) == (start, stop)


def test_nothing_is_reached_from_a_border_that_no_layer_reads() -> None:
    edge = Windows(np.array([199]), np.array([200]))
    stack = [Kernel(5, 2), Kernel(2, 2)]
    (group,) = courses(edge, stack, 200)
    assert group.sizes[-1] == 0
