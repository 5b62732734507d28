import numpy as np
import pytest
from scipy import stats

from actionunits.metrics.classification import f1_score
from actionunits.metrics.ranking import roc_auc
from actionunits.metrics.statistics import (
    benjamini_hochberg,
    bootstrap_scores,
    holm,
    paired_t_test,
    permutation_test,
    subject_draws,
    wilcoxon_test,
)

RNG = np.random.default_rng(3)
LABELS = RNG.integers(-1, 2, (600, 2)).astype(np.int8)
SCORES = np.clip(LABELS * 0.3 + RNG.random((600, 2)) * 0.7, 0, 1)
SUBJECTS = np.array([f"S{n}" for n in RNG.integers(0, 12, 600)])


def test_the_bootstrap_equals_scoring_the_drawn_frames():
    decisions = (SCORES >= 0.5).astype(np.int8)
    found = bootstrap_scores(LABELS, decisions, SCORES, SUBJECTS, ("F1", "AUC"), draws=40, seed=5)
    names, groups = np.unique(SUBJECTS, return_inverse=True)
    values = {"F1": [], "AUC": []}
    for weights in subject_draws(len(names), 40, 5):
        rows = np.repeat(np.arange(600), weights.astype(int)[groups])
        values["F1"].append(f1_score(LABELS[rows], decisions[rows]))
        values["AUC"].append(roc_auc(LABELS[rows], SCORES[rows]))
    for name, drawn in values.items():
        np.testing.assert_allclose(found[name].low, np.quantile(drawn, 0.025, axis=0))
        np.testing.assert_allclose(found[name].high, np.quantile(drawn, 0.975, axis=0))
        means = np.mean(drawn, axis=1)
        np.testing.assert_allclose(found[name].mean[1:], np.quantile(means, [0.025, 0.975]))
    np.testing.assert_allclose(found["F1"].value, f1_score(LABELS, decisions))
    np.testing.assert_allclose(found["AUC"].value, roc_auc(LABELS, SCORES))


def test_an_au_of_one_subject_has_no_interval():
    labels = np.zeros((100, 1), np.int8)
    labels[:10] = 1
    subjects = np.arange(100) // 10
    found = bootstrap_scores(labels, labels, None, subjects, ("recall",), draws=200)["recall"]
    assert found.value[0] == 1.0
    assert found.low[0] == 1.0  # drawn in about 65 % of the cases
    nothing = bootstrap_scores(labels * 0, labels * 0, None, subjects, ("recall",), draws=50)["recall"]
    assert np.isnan([nothing.value[0], nothing.low[0], *nothing.mean]).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Subjects differ: accuracy 0.7 on average; frames of one subject all agree more than chance."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        ability = rng.beta(7, 3, 30)
        subjects = np.repeat(np.arange(30), 20)
        labels = np.ones((600, 1), np.int8)
        right = (rng.random(600) < ability[subjects]).astype(np.int8)[:, None]
        found = bootstrap_scores(labels, right, None, subjects, ("ACC",), draws=300, seed=trial)["ACC"]
        covered += found.low[0] <= 0.7 <= found.high[0]
    assert 0.88 <= covered / 200 <= 0.99


def test_unknown_metrics_are_refused():
    with pytest.raises(ValueError, match="AUC"):
        bootstrap_scores(LABELS, LABELS, None, SUBJECTS, ("AUC",))
    with pytest.raises(ValueError, match="speed"):
        bootstrap_scores(LABELS, LABELS, None, SUBJECTS, ("speed",))


OURS, THEIRS = RNG.random((2, 8, 3))


def test_paired_tests_are_scipys():
    for test, reference in ((paired_t_test, stats.ttest_rel), (wilcoxon_test, stats.wilcoxon)):
        found, expected = test(OURS, THEIRS), reference(OURS, THEIRS)
        np.testing.assert_allclose(found.p, expected.pvalue)
        np.testing.assert_allclose(found.statistic, expected.statistic)


@pytest.mark.parametrize("draws", [9999, 100])
def test_permutation_is_scipys(draws):
    expected = stats.permutation_test(
        (OURS, THEIRS), lambda a, b, axis: (a - b).mean(axis), permutation_type="samples", n_resamples=np.inf
    )
    found = permutation_test(OURS, THEIRS, draws=draws)
    np.testing.assert_allclose(found.p, expected.pvalue, atol=1e-12 if draws > 256 else 0.15)


def test_missing_folds_and_equal_scores():
    ours, theirs = OURS.copy(), THEIRS.copy()
    ours[0, 0] = np.nan
    ours[:, 1] = theirs[:, 1]
    ours[:, 2] = theirs[:, 2] + 0.25  # the same difference everywhere: t would divide by zero
    found = paired_t_test(ours, theirs)
    assert found.p[0] == pytest.approx(stats.ttest_rel(OURS[1:, 0], THEIRS[1:, 0]).pvalue)
    assert np.isnan(found.p[1:]).all()
    assert permutation_test(ours, theirs).p[2] == pytest.approx(2 / 256)
    with pytest.raises(ValueError, match="paired"):
        paired_t_test(OURS, THEIRS[:3])


def test_corrections():
    p = np.array([0.001, np.nan, 0.04, 0.03, 0.2, 0.01])
    np.testing.assert_allclose(holm(p), [0.005, np.nan, 0.09, 0.09, 0.2, 0.04])
    # Benjamini-Hochberg by hand: p_(i) m / i, made monotone from the largest down
    np.testing.assert_allclose(benjamini_hochberg(p), [0.005, np.nan, 0.05, 0.05, 0.2, 0.025])
    assert np.isnan(holm([np.nan])).all()
