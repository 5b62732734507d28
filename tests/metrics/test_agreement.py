import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from actionunits.metrics.agreement import (
    concordance,
    icc_2_1,
    icc_3_1,
    mean_absolute_error,
    pearson,
    root_mean_square_error,
)

# Shrout & Fleiss (1979), Table 2: six targets, four judges. Their Table 4: ICC(2,1) .29, ICC(3,1) .71.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_icc_gives_shrout_and_fleiss_values():
    judges = [column[:, None] for column in JUDGES.T]
    assert icc_2_1(*judges)[0] == pytest.approx(0.2898, abs=5e-5)
    assert icc_3_1(*judges)[0] == pytest.approx(0.7148, abs=5e-5)


PAIRS = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        *(arrays(float, (n, 2), elements=st.integers(0, 50).map(lambda v: v / 10)) for _ in "ab")
    )
)


def anova(a, b):
    """Mean squares of a two-way table without repeats, in plain sums."""
    table = np.stack([a, b], 1)
    n, k = table.shape
    grand = table.mean()
    between = k * sum((row.mean() - grand) ** 2 for row in table) / (n - 1)
    judges = n * sum((column.mean() - grand) ** 2 for column in table.T) / (k - 1)
    rest = sum(
        (table[i, j] - table[i].mean() - table[:, j].mean() + grand) ** 2 for i in range(n) for j in range(k)
    )
    return between, judges, rest / ((n - 1) * (k - 1)), n, k


@given(PAIRS)
def test_icc_by_hand(pair):
    truth, said = pair
    ours = icc_3_1(truth, said), icc_2_1(truth, said)
    for au in range(2):
        between, judges, error, n, k = anova(truth[:, au], said[:, au])
        under = between + (k - 1) * error
        if under > 1e-9:
            assert ours[0][au] == pytest.approx((between - error) / under, abs=1e-9)
        under += k * (judges - error) / n
        if abs(under) > 1e-9 and between + error > 1e-9:
            assert ours[1][au] == pytest.approx((between - error) / under, abs=1e-9)


@given(PAIRS)
def test_pearson_is_scipys(pair):
    truth, said = pair
    for au, ours in enumerate(pearson(truth, said)):
        if np.ptp(truth[:, au]) == 0 or np.ptp(said[:, au]) == 0:
            assert np.isnan(ours)
        else:
            assert ours == pytest.approx(stats.pearsonr(truth[:, au], said[:, au]).statistic, abs=1e-9)


def test_concordance_is_torchmetrics():
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("torchmetrics.functional").concordance_corrcoef
    rng = np.random.default_rng(1)
    truth = rng.random((50, 3))
    said = truth + rng.normal(0, 0.2, truth.shape)
    # torchmetrics mixes sample variances with a population difference; large N makes them agree
    truth, said = np.tile(truth, (200, 1)), np.tile(said, (200, 1))
    expected = reference(torch.as_tensor(said), torch.as_tensor(truth)).numpy()
    np.testing.assert_allclose(concordance(truth, said), expected, atol=1e-4)


def test_concordance_sees_an_offset_that_pearson_does_not():
    truth = np.arange(10.0)[:, None]
    assert pearson(truth, truth + 3)[0] == pytest.approx(1)
    assert concordance(truth, truth)[0] == pytest.approx(1)
    assert concordance(truth, truth + 3)[0] == pytest.approx(2 * 8.25 / (2 * 8.25 + 9))


def test_unknown_rows_leave_only_their_au():
    truth, said = np.random.default_rng(2).random((2, 20, 2))
    holed = said.copy()
    holed[5:9, 0] = np.nan
    for metric in (pearson, concordance, icc_2_1, icc_3_1, mean_absolute_error):
        expected = metric(np.delete(truth, slice(5, 9), 0), np.delete(said, slice(5, 9), 0))[0]
        assert metric(truth, holed)[0] == pytest.approx(expected)
        assert metric(truth, holed)[1] == pytest.approx(metric(truth, said)[1])


@pytest.mark.parametrize("metric", [pearson, concordance, icc_2_1, icc_3_1])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_no_variance_is_undefined(metric, rows):
    flat = np.full((rows, 1), 3.7)
    assert np.isnan(metric(flat, flat)).all()


def test_errors():
    assert mean_absolute_error([[1.0], [3.0]], [[2.0], [1.0]])[0] == 1.5
    assert root_mean_square_error([[1.0], [3.0]], [[2.0], [1.0]])[0] == pytest.approx(np.sqrt(2.5))
    assert np.isnan(mean_absolute_error([[np.nan]], [[1.0]])[0])
    with pytest.raises(ValueError, match="two raters"):
        icc_3_1([[1.0]])
