"""Pairs with intervals over people: numbers by hand, coverage by simulation, and what Table 3 says beside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.analysis.cooccurrence import conditional
from actionunits.analysis.pair_intervals import pair_intervals, pairs_beside_table3
from actionunits.reports.distributions import interval_plot


def _people(count: int, rows: int) -> np.ndarray:
    return np.repeat([f"s{number}" for number in range(count)], rows)


@given(arrays(np.int8, (24, 3), elements=st.sampled_from([-1, 0, 0, 1, 1])), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_values_are_those_of_all_rows_and_lie_within_their_intervals(labels: np.ndarray, seed: int) -> None:
    found = pair_intervals(labels, (1, 2, 4), _people(6, 4), draws=60, seed=seed)
    np.testing.assert_allclose(found.conditional.value, conditional(labels))
    np.testing.assert_allclose(found.lift.value, found.lift.value.T)
    np.testing.assert_allclose(found.lift.high, found.lift.high.T)
    for measured in (found.conditional, found.lift):
        known = ~np.isnan(measured.low)
        assert (measured.low[known] <= measured.high[known]).all()
        assert not known[np.isnan(measured.value) & (found.both > 0)].any()
    for i in range(3):
        for j in range(3):
            both = (labels[:, i] >= 0) & (labels[:, j] >= 0)
            a, b = labels[both, i] == 1, labels[both, j] == 1
            expected = (a & b).mean() / (a.mean() * b.mean()) if a.any() and b.any() else np.nan
            np.testing.assert_allclose(found.lift.value[i, j], expected)
            rows = both & (labels[:, i] == 1) & (labels[:, j] == 1)
            assert (found.both[i, j], found.people[i, j]) == (rows.sum(), len(np.unique(_people(6, 4)[rows])))


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """People who differ in how often they show the first AU; the second is shown in 60 % of its frames."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        rates = np.repeat(rng.uniform(0.1, 0.7, 20), 30)
        first = rng.random(600) < rates
        second = rng.random(600) < np.where(first, 0.6, 0.1)
        labels = np.stack([first, second], axis=1).astype(np.int8)
        found = pair_intervals(labels, (1, 2), _people(20, 30), draws=200).conditional
        held += found.low[0, 1] <= 0.6 <= found.high[0, 1]
    assert 0.88 <= held / 200 <= 0.99


def test_what_is_never_shown_together_is_apart_only_if_many_could_have() -> None:
    """Everyone shows each AU in half of the frames, never both: five people say more than two."""
    labels = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.int8)
    found = {n: pair_intervals(np.tile(labels, (n, 1)), (12, 15), _people(n, 4)) for n in (1, 2, 5, 8)}
    says = {n: pairs_beside_table3(each).loc["12, 15", "labels say"] for n, each in found.items()}
    assert says == {1: "unknown", 2: "open", 5: "open", 8: "apart"}
    assert found[5].conditional.high[0, 1] == pytest.approx(1 - 0.025 ** (1 / 5))
    assert found[5].lift.high[0, 1] == pytest.approx(2 * (1 - 0.025 ** (1 / 5)))
    assert found[5].lift.low[0, 1] == 0


def test_pairs_stand_beside_table_3() -> None:
    rng = np.random.default_rng(1)
    one = rng.random(2000) < 0.3
    labels = np.stack([one, one ^ (rng.random(2000) < 0.1), rng.random(2000) < 0.3], axis=1).astype(np.int8)
    found = pair_intervals(labels, (1, 2, 7), _people(20, 100), draws=200)
    table = pairs_beside_table3(found)
    assert table["Table 3"].to_dict() == {"1, 2": "together", "2, 7": "apart"}
    assert table.loc["1, 2", ["labels say", "agrees"]].tolist() == ["together", "yes"]
    assert table.loc["2, 7", "labels say"] in ("open", "together")
    assert table.loc["1, 2", "p(second | first)"] == pytest.approx(labels[labels[:, 0] == 1, 1].mean())
    assert table.loc["1, 2", "p(first | second)"] == pytest.approx(labels[labels[:, 1] == 1, 0].mean())
    whole = pairs_beside_table3(found, all_pairs=True)
    assert whole.index.tolist() == ["1, 2", "1, 7", "2, 7"]
    assert whole.loc["1, 7", "agrees"] == ""
    turned = pair_intervals(labels[:, ::-1], (7, 2, 1), _people(20, 100), draws=200)
    np.testing.assert_allclose(pairs_beside_table3(turned)["p(second | first)"], table["p(second | first)"])


def test_intervals_are_drawn_with_zeros_and_unknown_ones() -> None:
    names = ["AU1 and AU2", "AU2 and AU7", "AU12 and AU15"]
    picture = interval_plot(
        names, [2.0, 0.0, np.nan], [1.5, 0.0, np.nan], [2.5, 0.8, np.nan],
        groups=["together", "apart", "apart"], axis="lift", line=1.0,
    )  # fmt: skip
    assert picture.startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="3 names got 1 values"):
        interval_plot(names, [1.0], [1.0], [1.0], groups=["a"], axis="", line=1.0)
