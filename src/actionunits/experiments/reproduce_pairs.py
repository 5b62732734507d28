"""Tables 3 and 4 of seed 000 on labels: which AUs go together, and how often each is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.pair_intervals import pair_intervals, pairs_beside_table3
from actionunits.analysis.published import published
from actionunits.datasets.expressions import expression_labels
from actionunits.datasets.joined import join_data_sets
from actionunits.experiments.micro_strip import micro_strip
from actionunits.experiments.recipe import DataSettings
from actionunits.experiments.reproduce_labels import COUNTS, synthetic_labels
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.experiments.synthetic import coded_set
from actionunits.facs.cooccurrence import NEGATIVE_PAIRS, POSITIVE_PAIRS
from actionunits.facs.sets import au_set
from actionunits.reports.distributions import interval_plot
from actionunits.synthesis.micro_set import MicroSet

__all__ = ["PAIR_MAKERS"]

#: People and expressions of each: CASME has 35 and 195 in all.
PEOPLE: Mapping[str, tuple[int, int]] = {"tiny": (10, 6), "small": (35, 12), "paper": (35, 12)}
#: Of the plausible expressions without people, so many in a row count as one person's.
A_PERSON = 100
#: Expressions of which the accuracies of the paper's Table 5 are shares.
PAPER_N = 421

BY_DESIGN = (
    "The synthetic micro-expressions show AUs together as we chose (their rates are Table 4's, their pairs "
    "agree with Table 3): an agreement here says that the choice was carried out, no more."
)
SAMPLE = (
    "The picture: a synthetic micro-expression, from before its onset to after its offset, the apex "
    "in the middle, with the paper's brow, nose and lip regions; below, what has changed since the first "
    "frame, eight times as strong. The rims are what alignment leaves of the head's motion."
)
UNIT = (
    "A row of the labels is one micro-expression. The lift is the chance of one AU given the other, over its "
    "rate; intervals (95 %) are over people, drawn with replacement. An interval that holds 1 leaves open "
    "whether the two go together."
)


@dataclass(frozen=True)
class _Labels:
    """Micro-expressions: i8[N,A], and [N] whose each is."""

    line: str
    aus: tuple[int, ...]
    shown: NDArray[np.int8]
    people: NDArray[np.str_]


def _micro_labels(request: Request, aus: Sequence[int]) -> _Labels:
    """Of the licensed sets, or of synthetic people; AUs that a set does not code are unknown."""
    if request.sets:
        reading, _ = join_data_sets(request.sets)
        micro = [event for event in reading.events if event.kind == "micro"]
        shown, people = expression_labels(reading.index, micro, aus)
        line = f"Data: {request.data_name.replace('+', ' + ')}, {len(shown):,} micro-expressions of "
        return _Labels(f"{line}{len(np.unique(people))} people.", tuple(aus), shown, people)
    subjects, each = PEOPLE[request.scale]
    settings = DataSettings(coding="micro", subjects=subjects, sequences=each, frames=40, rate_hz=60.0)
    set_ = coded_set(settings, au_set("casme-13"))
    courses = [set_.courses(who, number)[0] for who in range(subjects) for number in range(each)]
    shown = np.array([[au in course.aus for au in set_.aus] for course in courses], np.int8)
    line = (
        f"Data: synthetic, {len(shown):,} micro-expressions of {subjects} people; ours are not meant to "
        "equal the paper's numbers, which are of its own data set."
    )
    return _Labels(line, set_.aus, shown, np.repeat(np.array(set_.names), each))


def _table3(request: Request) -> Product:
    """Table 3's pairs with what the labels say of each."""
    asked = tuple(sorted({au for pair in (*POSITIVE_PAIRS, *NEGATIVE_PAIRS) for au in pair}))
    labels = _micro_labels(request, asked)
    found = pairs_beside_table3(pair_intervals(labels.shown, labels.aus, labels.people))
    tables, notes = {"": found}, [UNIT]
    if not request.sets:
        plausible = synthetic_labels(asked, COUNTS[request.scale])
        people = (np.arange(len(plausible)) // A_PERSON).astype(str)
        tables["-plausible"] = pairs_beside_table3(pair_intervals(plausible, asked, people))
        notes += [
            BY_DESIGN,
            f"The second table is of {len(plausible):,} strong expressions that FACS calls plausible, over "
            f"all of Table 3's AUs; {A_PERSON} in a row stand for a person.",
        ]
    picture = interval_plot(
        [f"AU{pair.replace(', ', ' and AU')}" for pair in found.index],
        *(found[name].to_numpy(float) for name in ("lift", "lift low", "lift high")),
        groups=[f"Table 3: {sign}" for sign in found["Table 3"]],
        axis="lift: chance of one AU given the other, over its rate",
        line=1.0,
        title="Pairs of Table 3 on the labels, with 95 % intervals over people",
    )
    return Product(labels.line, tables, {"": picture}, (*notes, _verdict(found)))


def _verdict(found: pd.DataFrame) -> str:
    """How many pairs agree, in a sentence."""
    signed = found[found["agrees"] != ""]
    counts = signed["agrees"].value_counts()
    both = found.index[found["Table 3"] == "both"].tolist()
    said = ", ".join(f"({pair}): {found.loc[pair, 'labels say']}" for pair in both)
    return (
        f"Of {len(signed)} pairs with one sign, {counts.get('yes', 0)} agree, {counts.get('no', 0)} do not "
        f"and {counts.get('open', 0)} stay open" + (f". Listed with both signs: {said}." if both else ".")
    )


def _table4(request: Request) -> Product:
    """How many micro-expressions show each AU, beside the paper's."""
    labels = _micro_labels(request, au_set("casme-13"))
    facts = published("facts")
    facts = facts[(facts["paper"] == "cooccurrence") & (facts["item"] == "table4")]
    paper = pd.Series(facts["value"].to_numpy(int), index=facts["au"].to_numpy(int)).reindex(labels.aus)
    shown, known = (labels.shown == 1).sum(axis=0), (labels.shown >= 0).sum(axis=0)
    table = pd.DataFrame(
        {
            "samples": shown,
            "people": [len(np.unique(labels.people[column == 1])) for column in labels.shown.T],
            "share": shown / np.maximum(known, 1),
            "samples, paper": paper.to_numpy(),
            "share, paper": paper.to_numpy() / PAPER_N,
        },
        index=[f"AU{au}" for au in labels.aus],
    )
    notes = [
        f"The paper's shares are of {PAPER_N} samples, the number that the accuracies of its Table 5 imply; "
        "it does not say how CASME's 195 and CAS(ME)^2's 57 clips became so many.",
    ]
    if request.sets:
        return Product(labels.line, {"": table}, notes=tuple(notes))
    notes += [BY_DESIGN, SAMPLE]
    return Product(labels.line, {"": table}, {"-sample": _sample()}, tuple(notes))


def _sample() -> bytes:
    """A micro-expression of the set, to look at."""
    settings = DataSettings(coding="micro", subjects=2, sequences=2, frames=40, rate_hz=60.0)
    people = coded_set(settings, au_set("casme-13"))
    assert isinstance(people, MicroSet)
    _, data = cv2.imencode(".png", cv2.cvtColor(micro_strip(people, 1, 1), cv2.COLOR_RGB2BGR))
    return data.tobytes()


PAIR_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("cooccurrence", "table3"): _table3,
    ("cooccurrence", "table4"): _table4,
}
