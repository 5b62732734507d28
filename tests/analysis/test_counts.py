from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import jaccard_score, matthews_corrcoef

from actionunits.analysis.baselines import baseline_scores, ones_f1
from actionunits.analysis.cooccurrence import base_rates, conditional, jaccard, phi
from actionunits.analysis.durations import durations
from actionunits.analysis.patterns import (
    PatternCounts,
    count_patterns,
    patterns_by_group,
    shared_by_range,
    unseen_patterns,
)
from actionunits.analysis.published import published, published_base_rates
from actionunits.analysis.summary import summarise_labels
from actionunits.errors import UserError
from actionunits.facs.patterns import decode, encode
from actionunits.facs.sets import AU_SETS
from actionunits.metrics.classification import f1_score
from actionunits.records import LabelIndex

LABELS = st.integers(0, 40).flatmap(
    lambda n: arrays(np.int8, (n, 3), elements=st.sampled_from([-1, 0, 0, 1, 1]))
)


@given(LABELS)
def test_patterns_are_what_counting_rows_finds(labels):
    known = [tuple(row) for row in labels.tolist() if -1 not in row]
    counts = count_patterns(labels, (1, 2, 4))
    found = dict(zip(map(tuple, decode(counts.codes, 3).tolist()), counts.frames.tolist(), strict=True))
    assert found == {row: known.count(row) for row in set(known)}
    assert counts.unknown == len(labels) - len(known)
    assert (np.diff(counts.frames) <= 0).all()
    if known:
        np.testing.assert_allclose(counts.base_rates(), np.mean(known, axis=0))


@given(LABELS)
def test_pairs_are_scikit_learns(labels):
    ours = {"jaccard": jaccard(labels), "phi": phi(labels), "conditional": conditional(labels)}
    for i in range(3):
        for j in range(3):
            known = (labels[:, i] >= 0) & (labels[:, j] >= 0)
            a, b = labels[known, i], labels[known, j]
            expected = jaccard_score(a, b) if (a | b).any() else np.nan
            np.testing.assert_allclose(ours["jaccard"][i, j], expected)
            expected = b[a == 1].mean() if a.any() else np.nan
            np.testing.assert_allclose(ours["conditional"][i, j], expected)
            varies = len(a) and 0 < a.mean() < 1 and 0 < b.mean() < 1
            expected = matthews_corrcoef(a, b) if varies else np.nan
            np.testing.assert_allclose(ours["phi"][i, j], expected, atol=1e-12)


def test_ranges_cover_every_pattern_once():
    counts = PatternCounts.of((1, 2, 4), range(6), [1, 1, 2, 10, 11, 20000])
    table = shared_by_range(counts)
    assert table["patterns"].tolist() == [2, 2, 1, 0, 0, 1]
    assert table["share"].sum() == pytest.approx(1)
    assert table.index.tolist()[:2] == ["1", "2–10"]


def test_top_bottom_groups_and_unseen():
    labels = np.array([[1, 0], [1, 0], [0, 1], [1, 1], [0, -1]])
    counts = count_patterns(labels, (6, 12))
    table = counts.table(top=1, bottom=1)
    assert table["AUs"].tolist() == ["6", "6+12"]
    assert table["share"].tolist() == [0.5, 0.25]
    assert len(counts.table(top=2, bottom=5)) == 3  # no row twice
    groups = patterns_by_group(labels, (6, 12), ["b", "a", "a", "b", "b"])
    assert list(groups) == ["a", "b"]
    assert groups["b"].unknown == 1
    assert unseen_patterns(groups["a"], groups["b"]).codes.tolist() == [3]
    with pytest.raises(ValueError, match="cannot be compared"):
        unseen_patterns(counts, PatternCounts.of((1, 2), [0], [1]))


def test_durations_with_and_without_frame_gaps():
    table = pd.DataFrame(
        {
            "subject": "a",
            "sequence": ["1"] * 5 + ["2"],
            "frame": [1, 2, 5, 6, 7, 1],
            "AU12": [1, 1, 1, 0, 1, 1],
        }
    )
    index = LabelIndex.make(table)
    broken = durations(index.labels([12]), (12,), index.starts(frame_gaps=True))
    joined = durations(index.labels([12]), (12,), index.starts())
    assert [each.tolist() for each in broken.lengths] == [[2, 1, 1, 1]]
    assert [each.tolist() for each in joined.lengths] == [[3, 1, 1]]
    assert joined.table(rate_hz=25).loc["AU12"].tolist() == pytest.approx([3, 5 / 75, 1 / 25, 3 / 25])
    with pytest.raises(ValueError, match=r"\[N,2\]"):
        durations(index.labels([12]), (12, 6), index.starts())


@given(st.floats(0.01, 0.99), st.integers(0, 9))
def test_baselines(rate, seed):
    labels = (np.random.default_rng(seed).random((200, 1)) < rate).astype(np.int8)
    p = labels.mean()
    scores = baseline_scores(labels, (12,))
    if p > 0:
        assert scores["Ones"].loc["AU12", "F1"] == pytest.approx(2 * p / (1 + p))
        assert scores["Ones"].loc["AU12", "F1"] == pytest.approx(f1_score(labels, np.ones_like(labels))[0])
        assert ones_f1(p) == pytest.approx(2 * p / (1 + p))
        assert scores["chance"].loc["AU12", "F1"] == pytest.approx(p)
    assert scores["Zeros"].loc["AU12", "ACC"] == pytest.approx(1 - p)
    assert scores["chance"].loc["AU12", "ACC"] == pytest.approx(p * p + (1 - p) ** 2)


def test_base_rates_mask_unknown_labels():
    assert base_rates(np.array([[1, -1, 1], [0, -1, -1], [1, -1, 0]])).tolist() == pytest.approx(
        [2 / 3, np.nan, 0.5], nan_ok=True
    )


def read_counts(path: Path, aus: tuple[int, ...]) -> PatternCounts:
    table = pd.read_csv(path, dtype={"pattern": "str"})
    codes = encode([[int(digit) for digit in text] for text in table["pattern"]])
    return PatternCounts.of(aus, codes, table["frames"])


@pytest.mark.shared
def test_patterns_of_bp4d(shared_data):
    counts = read_counts(shared_data / "facts/bp4d_pattern_counts.csv", AU_SETS["bp4d-12"])
    assert (len(counts), len(counts.at_least(397))) == (1691, 66)
    assert counts.frames[:5].tolist() == [11599, 8401, 6860, 3571, 1814]
    printed = published("patterns").query("item == 'table3'")["pattern"].tolist()[:5]
    assert counts.table(top=5)["pattern"].tolist() == printed
    rates = published_base_rates("bp4d", "coded")
    np.testing.assert_allclose(counts.base_rates(), rates.loc[list(counts.aus)], atol=1e-6)


@pytest.mark.shared
def test_patterns_of_disfa(shared_data):
    counts = read_counts(shared_data / "facts/disfa_pattern_counts_ge1.csv", AU_SETS["disfa-12"])
    assert len(counts) == 457
    assert counts.frames[:4].tolist() == [48608, 8305, 6033, 5166]
    assert counts.table(top=5)["AUs"].tolist()[4] == "25+26"  # the paper prints 12+25+26
    assert len(read_counts(shared_data / "facts/disfa_pattern_counts_ge2.csv", AU_SETS["disfa-12"])) == 265


def index_of(rows: int = 60) -> LabelIndex:
    rng = np.random.default_rng(0)
    return LabelIndex.make(
        pd.DataFrame(
            {
                "subject": np.repeat(["a", "b", "c"], rows // 3),
                "sequence": "1",
                "task": np.repeat(["T1", "T2", "T1"], rows // 3),
                "frame": np.tile(np.arange(rows // 3), 3),
                "time_s": np.tile(np.arange(rows // 3), 3) / 25,
                "AU06": rng.integers(-1, 2, rows),
                "AU12": rng.integers(0, 2, rows),
            }
        )
    )


def test_the_summary_holds_every_count():
    index = index_of()
    summary = summarise_labels(index, (12, 6), by="task")
    labels = index.labels([12, 6])
    assert (summary.frames, summary.subjects, summary.sequences) == (60, 3, 3)
    assert summary.units["shown"].tolist() == (labels == 1).sum(0).tolist()
    assert summary.units.columns[-1] == "longest (s)"
    assert summary.top_by_group().index.tolist() == ["T1", "T2"]
    assert summary.jaccard.loc["AU12", "AU6"] == pytest.approx(jaccard(labels)[0, 1])
    frames = summary.top_by_group()["frames"].sum()
    assert frames + summary.patterns.unknown == 60


def test_without_steady_times_lengths_are_in_frames():
    table = index_of().table
    assert "longest (frames)" in summarise_labels(LabelIndex(table.assign(time_s=np.nan)), (12,)).units
    uneven = table.assign(time_s=np.tile(np.arange(20.0) ** 2, 3))
    assert "longest (frames)" in summarise_labels(LabelIndex(uneven), (12,)).units


def test_the_summary_refuses_what_it_cannot_count():
    with pytest.raises(UserError, match="unknown grouping 'tasks': did you mean 'task'"):
        summarise_labels(index_of(), (12,), by="tasks")
    with pytest.raises(UserError, match="no labelled frame"):
        summarise_labels(index_of().take(np.zeros(60, bool)), (12,))
    with pytest.raises(UserError, match="no labels for AU 4"):
        summarise_labels(index_of(), (4,))
