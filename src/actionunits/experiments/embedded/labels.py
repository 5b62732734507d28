"""What is said of a training picture: of animated faces, of photographed smiles, of mouths in doubt."""

from __future__ import annotations

import numpy as np

from actionunits.experiments.embedded.people import NEUTRAL_BELOW, SMILE_ABOVE
from actionunits.experiments.embedded.store import PictureStore
from actionunits.facs.motion import lips_part_intensity
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression
from actionunits.synthesis.clip import OCCURRENCE_FROM

__all__ = [
    "CLOSED_BELOW",
    "DOUBTFUL_AUS",
    "NOT_IN_A_SMILE",
    "ON_A_SMILE",
    "PARTED_FROM",
    "label_expression",
    "label_on_smile",
    "label_smile",
    "unlabel_doubtful",
]

#: Gap of the lips, in inter-ocular distances, from which they are parted, and below which they are shut.
PARTED_FROM, CLOSED_BELOW = SMILE_ABOVE[1], NEUTRAL_BELOW[1]

#: AUs of the mouth that posed joy does not show (and 15, 23 and 24 cannot well be seen in parted, stretched
#: lips). It shows few others either, but who learns that from every smile does not look for them in one.
NOT_IN_A_SMILE = (10, 14, 15, 17, 20, 23, 24)

#: AUs that are animated on faces that smile in the photograph: those that leave the mouth as it is, but for
#: 7, which many a smile has already.
ON_A_SMILE = (1, 2, 4, 5, 9)

#: AUs that a face whose lips are together but which may smile can show already (23 and 24 hold a smile back):
#: unknown on such a face, and not animated there. Its lips may also be a little apart (25) without the points
#: telling it.
DOUBTFUL_AUS = (6, 7, 12, 14, 23, 24)


def label_expression(store: PictureStore, row: int, expression: Expression, gap: float) -> None:
    """Write what a face shows into a row: intensity as drawn, occurrence from B up.

    AU25 is what the lips show, whatever parts them.

    Args:
        store: is changed.
        row: of the picture.
        expression: that was animated.
        gap: of the lips, wider than at rest, in inter-ocular distances.
    """
    aus = store.layout.aus
    values = np.array([expression.intensity(au) for au in aus], np.float32)
    if 25 in aus:
        values[aus.index(25)] = lips_part_intensity(gap)
    store.intensity[row] = values
    store.labels[row] = values >= OCCURRENCE_FROM
    sides = np.array([expression.sides(au) for au in aus], np.float32)
    sides[[not ACTION_UNITS[au].paired for au in aus]] = np.nan
    store.sides[row] = sides


def unlabel_doubtful(store: PictureStore, row: int) -> None:
    """Make unknown what a face that may smile can show besides what was animated on it."""
    aus, labels = store.layout.aus, store.labels[row]
    unknown = [
        column for column, au in enumerate(aus) if au in DOUBTFUL_AUS or (au == 25 and labels[column] == 0)
    ]
    store.labels[row, unknown], store.intensity[row, unknown], store.sides[row, unknown] = -1, np.nan, np.nan


def label_smile(store: PictureStore, row: int, gap: float) -> None:
    """A real smile for a photograph: 12 is shown, 25 as the points tell, and 6 and its like are weak labels.

    Nobody coded it. Where the lips are clearly apart it is a broad smile, and what the published codings of
    posed joy say of those holds for it: 6 is shown, and none of :data:`NOT_IN_A_SMILE`. The rest is unknown,
    all intensities are.
    """
    aus = store.layout.aus
    known = {12: 1}
    if gap > PARTED_FROM:
        known |= dict.fromkeys(NOT_IN_A_SMILE, 0) | {6: 1, 25: 1}
    elif gap < CLOSED_BELOW:
        known |= {25: 0}
    store.intensity[row], store.sides[row] = np.nan, np.nan
    store.labels[row] = [known.get(au, -1) for au in aus]


def label_on_smile(store: PictureStore, row: int, expression: Expression) -> None:
    """What was animated on a face that smiles in the photograph; the rest is unknown.

    What was not animated is absent, as in the photograph. The smile itself is learnt from photographs as they
    are: shown so often with one kind of smile, AU12 would be read less well in others.
    """
    store.labels[row], store.intensity[row], store.sides[row] = -1, np.nan, np.nan
    for au in set(ON_A_SMILE) & set(store.layout.aus):
        column, value = store.layout.aus.index(au), expression.intensity(au)
        store.intensity[row, column] = value
        store.labels[row, column] = value >= OCCURRENCE_FROM
        if ACTION_UNITS[au].paired:
            store.sides[row, column] = expression.sides(au)
