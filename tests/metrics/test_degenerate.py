"""Every metric on inputs that leave something undefined: torchmetrics' value where there is one, else NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from actionunits.metrics.agreement import concordance, mean_absolute_error, root_mean_square_error
from actionunits.metrics.classification import average_class_accuracy, confusion_matrix
from actionunits.metrics.events import event_f1
from actionunits.metrics.scoring import METRIC_NAMES, score_table

#: Name to labels and scores of one AU; NaN = no face.
CASES = {
    "no positives": ([0, 0, 0, 0], [0.1, 0.6, 0.2, 0.3]),
    "no positives, none decided": ([0, 0, 0], [0.1, 0.2, 0.3]),
    "no negatives": ([1, 1, 1, 1], [0.1, 0.6, 0.2, 0.7]),
    "no negatives, all decided": ([1, 1, 1], [0.9, 0.6, 0.7]),
    "never decided": ([1, 0, 1, 0], [0.1, 0.3, 0.2, 0.0]),
    "always decided": ([1, 0, 1, 0], [0.9, 0.6, 0.7, 0.8]),
    "constant score": ([1, 0, 0, 1, 0], [0.4] * 5),
    "ties across classes": ([1, 0, 1, 0, 1, 0], [0.5, 0.5, 0.7, 0.7, 0.2, 0.2]),
    "perfect": ([1, 0, 1, 0], [0.9, 0.1, 0.8, 0.2]),
    "opposite": ([1, 0, 1, 0], [0.1, 0.9, 0.2, 0.8]),
    "one positive row": ([1], [0.7]),
    "one missed row": ([1], [0.2]),
    "one negative row": ([0], [0.2]),
    "all unknown": ([-1, -1], [0.2, 0.8]),
    "no face anywhere": ([1, 0], [np.nan, np.nan]),
    "unknown here and no face there": ([1, -1, 0, 1], [0.8, 0.9, 0.3, np.nan]),
    "no row": ([], []),
}


def is_defined(name, truth, said):
    """Whether a metric has a value, by what it divides by."""
    both = len(set(truth)) == 2
    return {
        "F1": 1 in truth or 1 in said,
        "F1-half": 1 in truth or 1 in said,
        "NA": 0 in truth or 0 in said,
        "balanced ACC": both,
        "precision": 1 in said,
        "recall": 1 in truth,
        "F1-norm": both,
        "kappa": not (len(set(truth)) <= 1 and set(truth) == set(said)),
        "MCC": both and len(set(said)) == 2,
        "AUC": both,
        "AP": 1 in truth,
        "F1-oracle": 1 in truth,
    }.get(name, len(truth) > 0)


def reference(name, truth, said, score):
    torch = pytest.importorskip("torch")
    tm = pytest.importorskip("torchmetrics.functional.classification")
    y, d, s = torch.tensor(truth), torch.tensor(said), torch.tensor(score)
    negative = tm.binary_f1_score(1 - d, 1 - y)
    accuracy = tm.binary_accuracy(d, y)
    hits, quiet = tm.binary_recall(d, y), tm.binary_specificity(d, y)
    match name:
        case "F1" | "F1-half":
            return tm.binary_f1_score(d, y)
        case "NA":
            return negative
        case "F1-macro":
            there = [
                value
                for value, n in ((tm.binary_f1_score(d, y), 1), (negative, 0))
                if n in truth or n in said
            ]
            return sum(there) / len(there)
        case "ACC" | "F1-micro":
            return accuracy
        case "S":
            return 2 * accuracy - 1
        case "balanced ACC":
            return (hits + quiet) / 2
        case "precision":
            return tm.binary_precision(d, y)
        case "recall":
            return hits
        case "F1-norm":
            return 2 * hits / (1 + hits + 1 - quiet)
        case "kappa":
            return tm.binary_cohen_kappa(d, y)
        case "MCC":
            return tm.binary_matthews_corrcoef(d, y)
        case "AUC":
            return tm.binary_auroc(s, y)
        case "AP":
            return tm.binary_average_precision(s, y)
        case "F1-oracle":
            return max(tm.binary_f1_score((s >= bound).int(), y) for bound in s)
    raise AssertionError(name)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", METRIC_NAMES)
def test_degenerate_inputs(name, case):
    labels, scores = (np.array(part, float).reshape(-1, 1) for part in CASES[case])
    ours = score_table((12,), labels.astype(np.int8), scores, (name,)).values[0, 0]
    known = (labels[:, 0] >= 0) & ~np.isnan(scores[:, 0])
    truth, score = labels[known, 0].astype(int).tolist(), scores[known, 0].tolist()
    said = [int(value >= 0.5) for value in score]
    if is_defined(name, truth, said):
        assert ours == pytest.approx(float(reference(name, truth, said, score)), abs=1e-6)
    else:
        assert np.isnan(ours)


CODES = st.integers(0, 25).flatmap(
    lambda n: st.tuples(
        arrays(np.int8, (n, 1), elements=st.sampled_from([-1, 0, 1, 1])),
        arrays(np.int8, (n, 1), elements=st.sampled_from([0, 1, 1])),
        arrays(bool, n),
    )
)


@given(CODES, st.sampled_from([0.25, 0.5, 1.0]))
def test_event_f1_by_walking_the_frames(codes, overlap):
    truth, said, starts = codes

    def runs(shown):
        found = []
        for row, is_shown in enumerate(shown):
            if is_shown and found and found[-1][-1] == row - 1 and not starts[row]:
                found[-1].append(row)
            elif is_shown:
                found.append([row])
        return found

    known = truth[:, 0] >= 0
    true, decided = known & (truth[:, 0] == 1), known & (said[:, 0] == 1)
    events, alarms = runs(true), runs(decided)
    found = sum(np.mean(decided[run]) >= overlap for run in events)
    right = sum(np.mean(true[run]) >= overlap for run in alarms)
    ours = event_f1(truth, said, starts, overlap)[0]
    if not events and not alarms:
        assert np.isnan(ours)
    else:
        recall, precision = found / max(len(events), 1), right / max(len(alarms), 1)
        expected = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        assert ours == pytest.approx(expected)


PAIRS = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        *(arrays(float, (n, 1), elements=st.integers(0, 50).map(lambda v: v / 10)) for _ in "ab")
    )
)


@given(PAIRS)
def test_concordance_and_errors(pair):
    truth, said = pair
    a, b = truth[:, 0], said[:, 0]
    ours = concordance(truth, said)[0]
    under = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    if len(a) < 2 or under < 1e-12:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(2 * np.mean((a - a.mean()) * (b - b.mean())) / under, abs=1e-9)
    assert mean_absolute_error(truth, said)[0] == pytest.approx(sk.mean_absolute_error(a, b))
    assert root_mean_square_error(truth, said)[0] == pytest.approx(sk.root_mean_squared_error(a, b))


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), max_size=40))
def test_confusion_matrix_of_known_rows(rows):
    truth, said = (np.array([row[side] for row in rows], int) for side in (0, 1))
    known = (truth >= 0) & (said >= 0)
    matrix = confusion_matrix(truth, said, 5)
    if known.any():
        expected = sk.confusion_matrix(truth[known], said[known], labels=range(5))
        np.testing.assert_array_equal(matrix, expected)
        recalls = [np.mean(said[known][truth[known] == one] == one) for one in np.unique(truth[known])]
        assert average_class_accuracy(matrix) == pytest.approx(np.mean(recalls))
    else:
        assert matrix.sum() == 0
        assert np.isnan(average_class_accuracy(matrix))
