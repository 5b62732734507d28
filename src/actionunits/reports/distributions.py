"""Figures of how values are spread: box plots of lengths, histograms over named ranges, intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from actionunits.reports.figures import _INK, COLOURS, _new_figure, _plain_axes, _render

__all__ = ["box_plot", "histogram", "interval_plot"]


def box_plot(
    names: Sequence[str],
    samples: Sequence[ArrayLike],
    *,
    title: str = "",
    axis: str = "",
    file_format: str = "png",
) -> bytes:
    """A box a name over a logarithmic axis, whiskers to the smallest and largest, with the sample's size.

    Args:
        names: the N samples, top down.
        samples: N of [K], positive; an empty one has no box.
        title: stands above.
        axis: what is measured, with its unit.
        file_format: ``png`` or ``svg``.

    Raises:
        ValueError: another number of samples, or a value that is not above 0.
    """
    arrays = [np.asarray(sample, np.float64) for sample in samples]
    if len(arrays) != len(names) or any((each <= 0).any() for each in arrays):
        raise ValueError(
            f"a box plot of {len(names)} names got {len(arrays)} samples, each of values above 0"
        )
    figure = _new_figure(8.0, 1.2 + 0.3 * max(len(names), 2))
    axes = _plain_axes(figure, title)
    filled = [place for place, each in enumerate(arrays) if len(each)]
    if filled:
        low, start, middle, end, high = np.transpose(
            [np.quantile(arrays[place], [0, 0.25, 0.5, 0.75, 1]) for place in filled]
        )
        axes.hlines(filled, low, high, color=_INK, linewidth=0.8, zorder=2)
        axes.plot(np.concatenate([low, high]), filled * 2, "|", color=_INK, markersize=9, zorder=2)
        axes.barh(filled, end - start, 0.6, start, color=COLOURS[5], edgecolor=_INK, linewidth=0.8, zorder=3)
        places = np.array(filled)
        axes.vlines(middle, places - 0.3, places + 0.3, color=COLOURS[1], linewidth=1.8, zorder=4)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.margins(x=0.06)
    sizes = axes.secondary_yaxis("right")
    sizes.set_yticks(range(len(names)), [f"n = {len(each):,}" for each in arrays], fontsize=8, color=_INK)
    sizes.spines["right"].set_visible(False)
    sizes.tick_params(length=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(axis, fontsize=10, color=_INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    return _render(figure, file_format)


def histogram(
    ranges: Sequence[str],
    heights: ArrayLike,
    *,
    title: str = "",
    x_axis: str = "",
    y_axis: str = "",
    file_format: str = "png",
) -> bytes:
    """Upright bars over named ranges in their order, with the numbers above.

    Args:
        ranges: the N names.
        heights: [N].
        title: stands above.
        x_axis: what the ranges are of, with its unit.
        y_axis: what the heights are, with its unit.
        file_format: ``png`` or ``svg``.
    """
    values = np.asarray(heights, np.float64)
    if values.shape != (len(ranges),):
        raise ValueError(f"a histogram of {len(ranges)} ranges got heights {values.shape}")
    figure = _new_figure(1.6 + 1.0 * len(ranges), 3.6)
    axes = _plain_axes(figure, title)
    drawn = axes.bar(range(len(ranges)), values, 0.85, color=COLOURS[0])
    axes.bar_label(drawn, [f"{value:.3g}" for value in values], padding=2, fontsize=8, color=_INK)
    axes.set_xticks(range(len(ranges)), ranges)
    axes.set_xlabel(x_axis, fontsize=10, color=_INK)
    axes.set_ylabel(y_axis, fontsize=10, color=_INK)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(y=0.1)
    return _render(figure, file_format)


def interval_plot(
    names: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    groups: Sequence[str],
    axis: str,
    line: float,
    title: str = "",
    file_format: str = "png",
) -> bytes:
    """A dot with its interval a name, over a logarithmic axis, coloured by group.

    Args:
        names: the N values, top down.
        values: [N]; one of 0 stands at the axis' left end, NaN is not drawn.
        low: [N], lower ends; 0 is an arrow at the left end, NaN has no interval.
        high: [N], upper ends.
        groups: N names that give the colours.
        axis: what is measured.
        line: a value to compare with.
        title: stands above.
        file_format: ``png`` or ``svg``.
    """
    dots, starts, ends = (np.asarray(each, np.float64) for each in (values, low, high))
    if not len(names) == len(groups) == len(dots) == len(starts) == len(ends):
        raise ValueError(f"an interval plot of {len(names)} names got {len(dots)} values")
    figure = _new_figure(8.0, 1.3 + 0.3 * max(len(names), 2))
    axes = _plain_axes(figure, title)
    shown = np.concatenate([dots, starts, ends, [line]])
    positive = shown[np.isfinite(shown) & (shown > 0)]
    left, right = positive.min() / 1.6, positive.max() * 1.6
    places = np.arange(len(names))
    for number, group in enumerate(dict.fromkeys(groups)):
        own = np.array([each == group for each in groups])
        colour = COLOURS[number % 7]
        known = own & np.isfinite(starts)
        axes.hlines(places[known], np.maximum(starts[known], left), ends[known], color=colour, linewidth=2.2)
        axes.plot(np.maximum(dots[own], left), places[own], "o", color=colour, markersize=6, label=group)
        below = known & (starts <= 0)
        axes.plot(np.full(below.sum(), left), places[below], "<", color=colour, markersize=6, clip_on=False)
    axes.axvline(line, color=_INK, linewidth=0.8, linestyle=(0, (5, 4)), zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(axis, fontsize=10, color=_INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, fontsize=9, loc="outside upper right", ncols=4)
    return _render(figure, file_format)
