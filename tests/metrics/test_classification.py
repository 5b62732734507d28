import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from actionunits.metrics import agreement, classification
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import COUNT_METRICS, average_class_accuracy, confusion_matrix, count

CODES = st.sampled_from([-1, 0, 1])
CELLS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(arrays(np.int8, (n, 2), elements=CODES), arrays(np.int8, (n, 2), elements=CODES))
)
NAMED = {
    "F1": classification.f1_score,
    "NA": classification.negative_f1,
    "F1-macro": classification.macro_f1,
    "F1-micro": classification.micro_f1,
    "ACC": classification.accuracy,
    "balanced ACC": classification.balanced_accuracy,
    "precision": classification.precision,
    "recall": classification.recall,
    "F1-norm": classification.skew_normalised_f1,
    "S": agreement.free_marginal_kappa,
    "kappa": agreement.cohens_kappa,
    "MCC": agreement.matthews_correlation,
}


def reference(name, truth, said):
    """scikit-learn's value, NaN where it is not defined there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        undefined = {"zero_division": np.nan}
        both = len(np.unique(truth)) == 2
        match name:
            case "F1":
                return sk.f1_score(truth, said, labels=[0, 1], average=None, **undefined)[1]
            case "NA":
                return sk.f1_score(truth, said, labels=[0, 1], average=None, **undefined)[0]
            case "F1-macro":
                return sk.f1_score(truth, said, average="macro")
            case "F1-micro":
                return sk.f1_score(truth, said, average="micro")
            case "ACC":
                return sk.accuracy_score(truth, said)
            case "balanced ACC":
                return sk.balanced_accuracy_score(truth, said) if both else np.nan
            case "precision":
                return sk.precision_score(truth, said, **undefined)
            case "recall":
                return sk.recall_score(truth, said, **undefined)
            case "kappa":
                same = len(np.unique(truth)) == len(np.unique(said)) == 1 and truth[0] == said[0]
                return np.nan if same else sk.cohen_kappa_score(truth, said)
            case "MCC":
                varies = both and len(np.unique(said)) == 2
                return sk.matthews_corrcoef(truth, said) if varies else np.nan
            case "S":
                return 2 * sk.accuracy_score(truth, said) - 1
            case "F1-norm":  # as many negatives as positives, by weights
                weight = np.where(truth == 1, 1.0, (truth == 1).sum() / max((truth == 0).sum(), 1))
                return sk.f1_score(truth, said, sample_weight=weight, **undefined) if both else np.nan
    raise AssertionError(name)


@pytest.mark.parametrize("name", list(COUNT_METRICS))
@given(cells=CELLS)
def test_each_metric_is_scikit_learns_on_the_known_cells(name, cells):
    labels, decisions = cells
    ours = NAMED[name](labels, decisions)
    for au in range(2):
        known = (labels[:, au] >= 0) & (decisions[:, au] >= 0)
        if not known.any():
            assert np.isnan(ours[au])
            continue
        expected = reference(name, labels[known, au], decisions[known, au])
        np.testing.assert_allclose(ours[au], expected, atol=1e-12, equal_nan=True)


@given(CELLS, st.integers(0, 2**31))
def test_subjects_counts_add_up_to_all(cells, seed):
    labels, decisions = cells
    groups = np.random.default_rng(seed).integers(0, 4, len(labels))
    whole, parts = count(labels, decisions), count(labels, decisions, groups)
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(parts.summed(), name).tolist() == getattr(whole, name).tolist()
    twice = parts.weighted(np.full((1, parts.tp.shape[0]), 2.0))
    assert twice.tp[0].tolist() == (2 * whole.tp).tolist()


@given(CELLS)
def test_identities(cells):
    labels, decisions = cells
    accuracy = classification.accuracy(labels, decisions)
    np.testing.assert_array_equal(classification.micro_f1(labels, decisions), accuracy)
    np.testing.assert_allclose(agreement.free_marginal_kappa(labels, decisions), 2 * accuracy - 1)


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.9])
def test_ones_f1_is_2p_over_1_plus_p(rate):
    labels = (np.arange(100)[:, None] < 100 * rate).astype(int)
    ones = classification.f1_score(labels, np.ones_like(labels))[0]
    assert ones == pytest.approx(2 * rate / (1 + rate))


def test_skew_normalised_f1_does_not_move_with_the_base_rate():
    def table(copies):
        truth = np.array([1, 1, 1, 1, *([0, 0, 0, 0] * copies)])[:, None]
        said = np.array([1, 1, 1, 0, *([1, 0, 0, 0] * copies)])[:, None]
        return truth, said

    scores = [classification.skew_normalised_f1(*table(n))[0] for n in (1, 10)]
    assert scores[0] == pytest.approx(scores[1])
    assert classification.f1_score(*table(10))[0] < classification.f1_score(*table(1))[0]


def test_bad_values_and_shapes_are_refused():
    with pytest.raises(ValueError, match="unknown"):
        count([[9]], [[1]])
    with pytest.raises(ValueError, match="same"):
        count([[1], [0]], [[1]])
    with pytest.raises(ValueError, match=r"\[N,A\]"):
        count([1], [1])


def test_confusion_matrix_is_scikit_learns():
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 8, 500), rng.integers(0, 8, 500)
    matrix = confusion_matrix(truth, said, 8)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(truth, said, labels=range(8)))
    assert average_class_accuracy(matrix) == pytest.approx(sk.balanced_accuracy_score(truth, said))
    with pytest.raises(ValueError, match="class number"):
        confusion_matrix(truth, said, 7)


def test_average_class_accuracy_without_a_sample_is_undefined():
    assert np.isnan(average_class_accuracy(np.zeros((3, 3), int)))
    assert average_class_accuracy(np.array([[0, 0], [0, 3]])) == 1.0


@given(arrays(float, (6, 3), elements=st.one_of(st.just(np.nan), st.floats(-5, 5))))
def test_mean_defined_is_nanmean_and_counts(values):
    mean, entered = mean_defined(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(mean, np.nanmean(values, axis=0), atol=1e-12)
    assert entered.tolist() == (~np.isnan(values)).sum(0).tolist()
