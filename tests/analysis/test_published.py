import numpy as np
import pandas as pd
import pytest

from actionunits.analysis.baselines import base_rate_correlation, deviation_over_methods
from actionunits.analysis.published import (
    PUBLISHED,
    misprinted_averages,
    published,
    published_base_rates,
    published_scores,
    published_table,
)
from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS


def by_name(rates: pd.Series) -> pd.Series:
    return rates.set_axis([f"AU{au}" for au in rates.index])


def test_every_file_is_there_and_scores_are_shares():
    for name in PUBLISHED:
        assert len(published(name)) > 0
    scores = published("scores")
    assert scores["value"].between(0, 1).all()
    assert set(scores["au"]) <= set(ACTION_UNITS)
    assert not scores.duplicated(["paper", "item", "data", "method", "metric", "au"]).any()


def test_a_table_has_the_papers_columns_in_order():
    table = published_table("au_rcnn", "table7")
    assert list(table.columns)[-4:] == ["CNNres", "ARvgg16", "ARvgg19", "ARres"]
    assert table.loc["AU25", "ROI-Nets"] == 0.889
    assert np.isnan(published_table("au_rcnn", "table4").loc["AU24", "FERA"])
    with pytest.raises(UserError, match="au_rcnn table4 F1"):
        published_table("au_rcnn", "table99")


@pytest.mark.parametrize(
    ("item", "data", "rule", "method", "expected"),
    [
        ("table7", "disfa", "intensity >= 1", "DRML", 0.834),
        ("table7", "disfa", "intensity >= 1", "ROI-Nets", 0.769),
        ("table7", "disfa", "intensity >= 1", "APL", 0.513),
        ("table7", "disfa", "intensity >= 1", "LSVM", 0.356),
        ("table4", "bp4d", "coded", "DRML", 0.967),
        ("table4", "bp4d", "coded", "EAC-Net", 0.961),
        ("table4", "bp4d", "coded", "ROI-Nets", 0.962),
    ],
)
def test_correlation_of_published_f1_with_the_base_rate(item, data, rule, method, expected):
    rates = by_name(published_base_rates(data, rule))
    found = base_rate_correlation(published_table("au_rcnn", item), rates)
    assert found[method] == pytest.approx(expected, abs=0.003)


def test_facs3d_rows_satisfy_the_identity_of_s_and_accuracy():
    accuracy, s = published_table("facs3d", "table1", "ACC"), published_table("facs3d", "table1", "S")
    np.testing.assert_allclose(s, 2 * accuracy - 1, atol=0.02)


def test_the_misprinted_averages_of_table_nine_are_found():
    found = misprinted_averages().set_index(["paper", "item", "metric", "method"])
    for network, mean in (("Network 5", 0.388), ("Network 6", 0.454)):
        assert found.loc[("patterns", "table9", "F1", network), "mean"] == pytest.approx(mean, abs=5e-4)
    assert not any(item == "table1" for item in found.index.get_level_values("item"))


def test_network_one_repeats_table_ten_in_table_nine():
    nine, ten = (published_table("patterns", f"table{n}", "F1-macro")["Network 1"] for n in (9, 10))
    pd.testing.assert_series_equal(nine, ten)


def test_printed_correlations_have_the_means_that_the_spec_calculates():
    rows = published("correlations").query("item == 'table1'").groupby("data")["value"].mean()
    assert rows["bp4d"] == pytest.approx(0.919, abs=5e-4)
    assert rows["disfa"] == pytest.approx(0.718, abs=1e-3)


def test_the_casme_table_scores_like_saying_never():
    """Accuracy of an all-negative classifier is 1 - n / N with N of about 421."""
    facts = published("facts").query("item == 'table4' and data == 'casme'").set_index("au")["value"]
    accuracy = published_scores(paper="cooccurrence", item="table5", metric="ACC").set_index("au")["value"]
    assert np.abs(accuracy - (1 - facts / 421)).median() < 0.005


def test_deviation_is_the_sample_standard_deviation():
    table = pd.DataFrame({"a": [0.2, 0.4], "b": [0.4, np.nan], "c": [0.6, 0.5]})
    assert deviation_over_methods(table).tolist() == pytest.approx([0.2, np.std([0.4, 0.5], ddof=1)])


def test_unknown_requests_name_what_there_is():
    with pytest.raises(KeyError, match="scores"):
        published("score")
    with pytest.raises(UserError, match="disfa intensity >= 1"):
        published_base_rates("disfa", "coded")


def test_a_callers_change_stays_with_the_caller():
    mine = published("scores")
    mine["value"] = 0
    assert published("scores")["value"].max() > 0
