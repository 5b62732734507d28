"""Micro-expressions: which AUs are shown together, how long and how weakly.

An expression lasts 0.04 to 0.5 s from onset to offset and reaches a tenth to a third of the full intensity.
AUs are shown together as the coders of CASME and CASME II name emotions by them: happiness 12; disgust 9,
10, or 4 with 7 or 9; surprise 1 with 2, 2, or 25; sadness 1; fear 1 with 2 and 4, or 20; repression 15 or 17;
and tense faces, mostly 4 alone or with 7. How often each set is shown is not published: the counts here are
chosen so that each AU is shown as often as in Table 4 of Jia et al. (2020), among 421 expressions (the number
that the accuracies of their Table 5 imply). AUs outside their thirteen, such as 6, are not shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from actionunits.facs.sets import AU_SETS
from actionunits.synthesis.coded_faces import PatternTable
from actionunits.synthesis.timeline import MICRO, Timeline, episode, moved

__all__ = ["MARGIN_FRAMES", "MICRO_PATTERNS", "SUBTLE", "micro_timeline"]

#: The pace of micro-expressions, with a tenth to a third of the intensities that there are (0 to 5).
SUBTLE = replace(MICRO, intensity=(0.5, 5 / 3))

#: Neutral frames before the onset and after the offset: seven frames around any apex lie within a sequence.
MARGIN_FRAMES = 4

_COUNTS = {
    (12,): 88,
    (4,): 82,
    (4, 7): 42,
    (4, 12): 28,
    (1, 2, 4): 16,
    (1, 2): 14,
    (4, 9): 11,
    (4, 10): 11,
    (12, 24): 10,
    (4, 7, 9): 9,
    (4, 7, 12): 6,
    (2, 4): 6,
    (1, 2, 12): 6,
    (4, 15): 5,
    (4, 15, 17): 5,
    (12, 25): 5,
    (1, 4): 5,
    (4, 7, 10): 4,
    (4, 17): 4,
    (10, 12): 4,
    (12, 17): 4,
    (12, 15): 4,
    (7, 12): 4,
    (2,): 4,
    (4, 24): 3,
    (4, 17, 24): 3,
    (7,): 3,
    (12, 17, 24): 3,
    (15,): 3,
    (17,): 3,
    (1,): 2,
    (1, 2, 25): 2,
    (1, 2, 4, 20): 2,
    (15, 17): 2,
    (17, 24): 2,
    (15, 24): 2,
    (24,): 2,
    (4, 9, 17): 2,
    (4, 25): 2,
    (9,): 1,
    (10,): 1,
    (1, 2, 26): 1,
    (25,): 1,
    (4, 20): 1,
    (15, 17, 24): 1,
    (9, 17): 1,
    (1, 4, 15): 1,
}

#: What micro-expressions show, and how often.
MICRO_PATTERNS = PatternTable(AU_SETS["casme-13"], tuple(_COUNTS), tuple(map(float, _COUNTS.values())))


def micro_timeline(
    rng: np.random.Generator, duration_s: float, rate_hz: float, table: PatternTable = MICRO_PATTERNS
) -> Timeline:
    """One micro-expression somewhere in a clip; before and after it the face is neutral.

    Args:
        rng: the source of chance.
        duration_s: length of the clip. Expressions that would not fit into it are shortened.
        rate_hz: frames a second, of which the margins are counted.
        table: what is shown together, and how often.

    Raises:
        ValueError: the clip has no room for the shortest expression between its margins.
    """
    margin = MARGIN_FRAMES / rate_hz
    longest = min(SUBTLE.total_s[1], duration_s - 2 * margin)
    if longest < SUBTLE.total_s[0]:
        raise ValueError(
            f"a clip with a micro-expression needs {SUBTLE.total_s[0]:g} s between {MARGIN_FRAMES} frames on "
            f"either side, got {duration_s:g} s at {rate_hz:g} frames/s"
        )
    events = episode(rng, table.draw(rng, 1)[0], SUBTLE, longest)
    spare = duration_s - 2 * margin - max(event.offset_s for event in events)
    begin = margin + rng.uniform(0.0, max(spare, 0.0))
    return Timeline(tuple(moved(event, begin) for event in events), duration_s)
