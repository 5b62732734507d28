import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.datasets.folds import (
    Fold,
    Folds,
    k_fold,
    leave_one_subject_out,
    named_folds,
    read_folds,
    subject_keys,
    thirds,
    with_validation,
    write_folds,
)
from actionunits.errors import UserError
from actionunits.records import LabelIndex

SUBJECTS = st.sets(
    st.builds(lambda d, n: f"{d}S{n:03d}", st.sampled_from(["", "ck/", "rafd/"]), st.integers(0, 99)),
    min_size=4,
    max_size=60,
)


def check_apart(folds):
    tested = []
    for fold in folds.folds:
        sides = [set(fold.train), set(fold.validation), set(fold.test)]
        assert sum(map(len, sides)) == len(set.union(*sides))
        tested += fold.test
    assert len(tested) == len(set(tested))
    return tested


@given(SUBJECTS, st.integers(2, 4), st.integers(0, 99))
def test_every_k_fold_tests_everyone_once_and_nobody_stands_on_two_sides(subjects, k, seed):
    folds = k_fold(subjects, k, seed)
    assert sorted(check_apart(folds)) == sorted(subjects)
    sizes = [len(fold.test) for fold in folds.folds]
    assert max(sizes) - min(sizes) <= 1
    for name in ("ck/", "rafd/"):  # joined sets: each part has its share of each
        shares = [sum(s.startswith(name) for s in fold.test) for fold in folds.folds]
        assert max(shares) - min(shares) <= 1
    assert folds == k_fold(sorted(subjects, reverse=True), k, seed)


@given(SUBJECTS, st.integers(0, 99))
def test_thirds_and_leave_one_out(subjects, seed):
    (fold,) = thirds(subjects, seed).folds
    check_apart(thirds(subjects, seed))
    assert {*fold.train, *fold.validation, *fold.test} == subjects
    assert min(map(len, (fold.train, fold.validation, fold.test))) >= len(subjects) // 3
    alone = leave_one_subject_out(subjects)
    assert sorted(check_apart(alone)) == sorted(subjects)
    assert all(len(f.test) == 1 and len(f.train) == len(subjects) - 1 for f in alone.folds)


@given(SUBJECTS, st.floats(0.01, 0.99), st.integers(0, 99))
def test_validation_is_cut_out_of_the_training_subjects(subjects, share, seed):
    folds = k_fold(subjects, 2, 0)
    cut = with_validation(folds, share, seed)
    check_apart(cut)
    for before, after in zip(folds.folds, cut.folds, strict=True):
        assert before.test == after.test
        assert {*after.train, *after.validation} == set(before.train)
        assert after.train
        assert after.validation
    again = with_validation(cut, share, seed)
    assert again == cut


@given(SUBJECTS, st.data())
def test_a_subject_on_two_sides_is_an_error(subjects, data):
    ordered = sorted(subjects)
    twice = data.draw(st.sampled_from(ordered))
    sides = [list(ordered[0::3]), list(ordered[1::3]), list(ordered[2::3])]
    home = next(i for i, side in enumerate(sides) if twice in side)
    sides[(home + data.draw(st.integers(0, 2))) % 3].append(twice)
    with pytest.raises(UserError, match=twice):
        Fold(*map(tuple, sides))


def test_a_subject_tested_twice_is_an_error():
    with pytest.raises(UserError, match="tested in fold 1 and in fold 2"):
        Folds("x", (Fold(("a",), (), ("b",)), Fold(("c",), (), ("b",))))


def test_named_folds_hold_their_data_sets():
    bp4d, disfa = named_folds("bp4d-3"), named_folds("disfa-3")
    assert len(check_apart(bp4d)) == 41
    assert sum(s.startswith("F") for s in bp4d.subjects) == 23
    assert len(check_apart(disfa)) == 27
    assert [len(f.test) for f in disfa.folds] == [9, 9, 9]
    assert all(len(f.train) + len(f.test) == 41 for f in bp4d.folds)
    with pytest.raises(UserError, match="bp4d-3"):
        named_folds("bp4d-4")


def test_named_folds_of_a_part():
    part = named_folds("bp4d-3").restricted_to(["F001", "F003", "F004", "M001"])
    assert [fold.test for fold in part.folds] == [("F001", "M001"), ("F003",), ("F004",)]
    with pytest.raises(UserError, match="do not know subject X"):
        named_folds("bp4d-3").restricted_to(["F001", "X"])
    with pytest.raises(UserError, match="left without"):
        named_folds("bp4d-3").restricted_to(["F001", "M001"])


def test_files_come_back_and_are_checked(tmp_path):
    folds = with_validation(named_folds("bp4d-3"), 0.2, 1)
    path = tmp_path / "folds.json"
    write_folds(path, folds)
    assert read_folds(path) == folds
    values = json.loads(path.read_text())
    values["folds"][0]["train"].append(values["folds"][0]["test"][0])
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="each belongs to one side"):
        read_folds(path)
    for text in ("", "[]", '{"name": "x", "folds": [{"train": "F001"}]}', '{"folds": 3}', "\x00"):
        path.write_text(text)
        with pytest.raises(UserError, match="holds no folds"):
            read_folds(path)
    with pytest.raises(UserError, match="holds no folds"):
        read_folds(tmp_path / "absent.json")


def test_rows_and_keys():
    table = pd.DataFrame({"subject": ["a", "b", "c"], "sequence": "1", "frame": 1, "dataset": "x", "AU01": 0})
    index = LabelIndex.make(table)
    keys = subject_keys(index)
    train, validation, test = Fold(("a",), ("c",), ("b",)).rows(keys)
    assert (train.tolist(), validation.tolist(), test.tolist()) == (
        [True, False, False],
        [False, False, True],
        [False, True, False],
    )
    with pytest.raises(UserError, match="subject c is in the data"):
        Fold(("a",), (), ("b",)).rows(keys)
    joined = LabelIndex.make(table.assign(dataset=["x", "y", "x"]))
    assert sorted(subject_keys(joined).tolist()) == ["x/a", "x/c", "y/b"]


@pytest.mark.parametrize(("subjects", "k"), [(["a"], 2), (["a", "b"], 3), (["a", "b"], 1)])
def test_too_few_subjects(subjects, k):
    with pytest.raises(UserError):
        k_fold(subjects, k, 0)


def test_other_bad_requests():
    with pytest.raises(UserError, match="validation share"):
        with_validation(named_folds("bp4d-3"), 1.0, 0)
    with pytest.raises(UserError, match="too few"):
        with_validation(k_fold(["a", "b"], 2, 0), 0.5, 0)
    with pytest.raises(UserError, match="leaving one"):
        leave_one_subject_out(["a"])
    assert np.unique([f.test for f in k_fold("abcd", 4, 0).folds]).size == 4
