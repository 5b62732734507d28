"""Several data sets as one: people stay apart, paths can be read, what one does not code is unknown."""

from pathlib import Path

import numpy as np
import pytest

from actionunits.datasets.adapter import Event
from actionunits.datasets.expressions import expression_labels, without_other_kinds
from actionunits.datasets.folds import k_fold, subject_keys
from actionunits.datasets.joined import join_data_sets
from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS

FAMILY = ("casme", "casme2", "casme_squared")


@pytest.fixture
def roots(fake):
    return {name: fake(name) for name in FAMILY}


def test_the_casme_sets_are_one_and_their_people_apart(roots: dict[str, Path]) -> None:
    reading, base = join_data_sets(roots)
    index = reading.index
    assert set(index.table["dataset"].astype(str)) == set(FAMILY)
    assert all((base / path).is_file() for path in index.table["path"].astype(str))
    assert {event.dataset for event in reading.events} == set(FAMILY)
    people = set(subject_keys(index).tolist())
    assert {"casme/sub01", "casme2/sub01", "casme_squared/s15"} <= people
    folds = k_fold(sorted(people), 3, 0)
    for fold in folds.folds:
        assert not set(fold.train) & set(fold.test)
    assert len(index.labels(AU_SETS["casme-13"])) == len(index)


def test_a_part_of_each_set_can_be_chosen(roots: dict[str, Path]) -> None:
    whole, _ = join_data_sets(roots)
    asked = []

    def first_person(name, index):
        asked.append(name)
        return index.take((index.table["subject"] == index.table["subject"].iloc[0]).to_numpy())

    part, _ = join_data_sets(roots, first_person)
    assert asked == list(FAMILY)
    assert 0 < len(part.index) < len(whole.index)


def test_aus_that_a_set_does_not_code_are_unknown_in_it(roots: dict[str, Path], fake) -> None:
    index = join_data_sets({"casme": roots["casme"], "disfa": fake("disfa")})[0].index
    of_disfa = (index.table["dataset"] == "disfa").to_numpy()
    assert (index.labels([10])[of_disfa] == -1).all()
    assert (index.labels([10])[~of_disfa] >= 0).any()


def test_what_cannot_be_joined_is_said(roots: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data set to join"):
        join_data_sets({})
    with pytest.raises(UserError, match=r"there is no casme2 at .*absent: give its folder"):
        join_data_sets({"casme": roots["casme"], "casme2": tmp_path / "absent"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"expected the table CASME2.*found none"):
        join_data_sets({"casme": roots["casme"], "casme2": tmp_path / "empty"})


def test_frames_of_other_kinds_are_left_out(roots: dict[str, Path]) -> None:
    reading, _ = join_data_sets({"casme_squared": roots["casme_squared"]})
    index, events = reading.index, reading.events
    assert {event.kind for event in events} == {"micro", "macro"}
    kept = without_other_kinds(index, events, "micro")
    table = index.table

    def inside(event: Event) -> np.ndarray:
        own = (table["subject"] == event.subject) & (table["sequence"] == event.sequence)
        return (own & table["frame"].between(event.onset, event.last)).to_numpy()

    for event in events:
        assert kept[inside(event)].all() == (event.kind == "micro")
        assert kept[inside(event)].any() == (event.kind == "micro")
    around = ~np.logical_or.reduce([inside(event) for event in events])
    assert around.any()
    assert kept[around].all()
    with pytest.raises(UserError, match="no expression of these data is posed: they are macro, micro"):
        without_other_kinds(index, events, "posed")


def test_an_expression_is_one_row_of_labels(roots: dict[str, Path]) -> None:
    reading, _ = join_data_sets(roots)
    aus = (*AU_SETS["casme-13"], 46)  # no set codes AU46
    labels, people = expression_labels(reading.index, reading.events, aus)
    assert labels.shape == (len(reading.events), 14)
    for row, who, event in zip(labels, people, reading.events, strict=True):
        assert who == f"{event.dataset}/{event.subject}"
        shown = {au for au, label in zip(aus, row, strict=True) if label == 1}
        assert shown == set(event.aus) & set(aus)
        assert row[-1] == -1
    assert (labels[:, :-1] == -1).any()  # a doubtful AU of the fakes
    with pytest.raises(UserError, match="no such expression with a picture"):
        expression_labels(reading.index, [], aus)
