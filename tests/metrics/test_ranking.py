import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from actionunits.metrics.classification import f1_score
from actionunits.metrics.ranking import average_precision, count_pairs, roc_auc
from actionunits.metrics.thresholds import choose_thresholds, decide, oracle_f1

TIED = st.one_of(st.just(np.nan), st.integers(0, 4).map(lambda v: v / 4))
CELLS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.int8, (n, 2), elements=st.sampled_from([-1, 0, 1])), arrays(float, (n, 2), elements=TIED)
    )
)


@given(CELLS)
def test_auc_and_ap_are_scikit_learns_on_the_known_cells(cells):
    labels, scores = cells
    for au, (auc, ap) in enumerate(
        zip(roc_auc(labels, scores), average_precision(labels, scores), strict=True)
    ):
        known = (labels[:, au] >= 0) & ~np.isnan(scores[:, au])
        truth, value = labels[known, au], scores[known, au]
        if (truth == 1).any():
            assert ap == pytest.approx(sk.average_precision_score(truth, value))
        else:
            assert np.isnan(ap)
        if len(np.unique(truth)) == 2:
            assert auc == pytest.approx(sk.roc_auc_score(truth, value))
        else:
            assert np.isnan(auc)


@given(CELLS, st.integers(0, 2**31))
def test_the_auc_of_drawn_subjects_is_that_of_their_frames(cells, seed):
    labels, scores = cells
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, len(labels))
    pairs = count_pairs(labels, scores, groups)
    subjects = pairs.wins.shape[1]
    weights = np.bincount(rng.integers(0, subjects, subjects), minlength=subjects).astype(float)[None]
    rows = np.repeat(np.arange(len(labels)), weights[0][groups].astype(int))
    expected = roc_auc(labels[rows], scores[rows])
    np.testing.assert_allclose(pairs.auc(weights)[0], expected, atol=1e-12, equal_nan=True)


def test_a_constant_score_ranks_like_chance():
    assert roc_auc([[1], [0], [0]], np.full((3, 1), 0.3, np.float32))[0] == 0.5


def test_a_large_table_with_whole_number_scores():
    labels = np.array([[0], [1], [1]])
    assert roc_auc(labels, np.array([[0], [2], [1]]))[0] == 1.0


@given(CELLS)
def test_the_chosen_threshold_reaches_the_best_f1_of_all_thresholds(cells):
    labels, scores = cells
    best, thresholds = oracle_f1(labels, scores), choose_thresholds(labels, scores)
    reached = f1_score(labels, decide(scores, thresholds))
    for au in range(2):
        known = (labels[:, au] >= 0) & ~np.isnan(scores[:, au])
        if not (labels[known, au] == 1).any():
            assert np.isnan(best[au])
            assert thresholds[au] == 0.5
            continue
        one = slice(au, au + 1)
        every = [f1_score(labels[:, one], decide(scores[:, one], t))[0] for t in np.unique(scores[known, au])]
        assert best[au] == pytest.approx(np.nanmax(every))
        assert reached[au] == pytest.approx(best[au])


def test_a_missing_score_gives_no_decision():
    assert decide([[np.nan, 0.5]], [0.1, 0.6]).tolist() == [[-1, 0]]


def test_shapes_and_codes_are_checked():
    with pytest.raises(ValueError, match="same"):
        roc_auc([[1]], [[0.1, 0.2]])
    with pytest.raises(ValueError, match="unknown"):
        roc_auc([[9]], [[0.1]])
