"""Predictions are read, joined without losing a row in silence, and scored."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.analysis.decisions import decisions_of
from actionunits.analysis.joining import join
from actionunits.analysis.predictions import predictions_of, read_predictions
from actionunits.analysis.scoring import EVENT_F1, intensity_scores, score
from actionunits.datasets.table import table_index
from actionunits.errors import UserError
from actionunits.metrics.agreement import icc_3_1
from actionunits.metrics.classification import f1_score
from actionunits.metrics.events import event_f1
from actionunits.metrics.ranking import roc_auc
from actionunits.metrics.statistics import bootstrap_scores

RNG = np.random.default_rng(4)
ROWS = 120
KEYS = {
    "subject": np.repeat(["a", "b", "c"], ROWS // 3),
    "sequence": np.tile(np.repeat(["1", "2"], ROWS // 6), 3),
    "frame": np.tile(np.arange(1, ROWS // 6 + 1), 6),
}
TRUTH = RNG.integers(0, 2, (ROWS, 2))
SCORES = np.clip(0.4 * TRUTH + 0.6 * RNG.random((ROWS, 2)), 0, 1).round(3)


def label_table(**more) -> pd.DataFrame:
    return pd.DataFrame({**KEYS, "AU06": TRUTH[:, 0], "AU12": TRUTH[:, 1], **more})


def predicted(**more) -> pd.DataFrame:
    return pd.DataFrame({**KEYS, "AU06_p": SCORES[:, 0], "AU12_p": SCORES[:, 1], **more})


def joined(predictions=None, labels=None, **options):
    said = predictions_of(predicted() if predictions is None else predictions)
    return join(
        said, table_index(label_table() if labels is None else labels, source="labels.csv"), **options
    )


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random):
    order = list(range(ROWS))
    random.shuffle(order)
    both = joined(predicted().iloc[order])
    np.testing.assert_array_equal(both.predictions.scores, joined().predictions.scores)
    np.testing.assert_array_equal(both.labels.labels([6, 12]), TRUTH)
    assert both.complete


def test_scores_are_those_of_the_metrics():
    both = joined()
    found = score(both, (6, 12), ("F1", "AUC", EVENT_F1), draws=50, seed=3)
    decisions = (SCORES >= 0.5).astype(np.int8)
    aus = ["AU6", "AU12"]
    np.testing.assert_allclose(found.values.loc[aus, "F1"].astype(float), f1_score(TRUTH, decisions))
    np.testing.assert_allclose(found.values.loc[aus, "AUC"].astype(float), roc_auc(TRUTH, SCORES))
    starts = both.labels.starts(frame_gaps=True)
    np.testing.assert_allclose(
        found.values.loc[aus, EVENT_F1].astype(float), event_f1(TRUTH, decisions, starts)
    )
    drawn = bootstrap_scores(TRUTH, decisions, SCORES, KEYS["subject"], ("F1",), draws=50, seed=3)["F1"]
    np.testing.assert_allclose(found.values.loc[aus, "F1 low"].astype(float), drawn.low)
    assert found.values.loc["mean of 2", "F1 high"] == pytest.approx(drawn.mean[2])
    rate = TRUTH.mean(axis=0)
    np.testing.assert_allclose(found.values.loc[aus, "F1 of Ones"].astype(float), 2 * rate / (1 + rate))
    assert found.shown().loc["AU6", "F1"].startswith(f"{found.values.loc['AU6', 'F1']:.3f} [")


def test_missing_rows_are_counted_and_named_on_both_sides():
    both = joined(predicted().drop(index=[0, 50]), label_table().drop(index=[7]))
    assert not both.complete
    assert both.only_labels.count == 2
    assert both.only_predictions.count == 1
    assert both.losses() == (
        "2 labelled rows without a prediction (a 1 frame 1, b 1 frame 11) and "
        "1 predicted row without a label (a 1 frame 8)"
    )
    found = score(both, (6, 12), ("F1",))
    assert found.values.loc["AU6", "frames"] == ROWS - 3
    assert any("left out: 2 labelled rows" in note for note in found.notes)


def test_frames_that_count_from_zero_can_be_shifted():
    zero = predicted(frame=KEYS["frame"] - 1)
    assert joined(zero).only_labels.count == 6  # the last frame of each sequence
    assert joined(zero, shift=1).complete


def test_a_detection_of_one_video_joins_a_nameless_label_file_by_frame():
    rows = slice(0, 20)
    both = joined(
        predicted().iloc[rows].drop(columns=["subject", "sequence"]),
        label_table().iloc[rows].drop(columns=["subject", "sequence"]),
    )
    assert both.keys == ("frame",)
    assert both.complete


def test_rows_that_cannot_be_told_apart_are_refused():
    with pytest.raises(UserError, match="need a column subject and sequence as the labels"):
        joined(predicted().drop(columns=["subject", "sequence"]))
    with pytest.raises(UserError, match="twice: rows are told apart by subject, sequence, frame"):
        joined(pd.concat([predicted(), predicted().head(1)]))
    with pytest.raises(UserError, match="no row of the predictions has a label.*start with x"):
        joined(predicted(subject=np.repeat(["x", "y", "z"], ROWS // 3)))


def test_several_faces_need_a_choice():
    two = pd.concat([predicted(face_id=0), predicted(face_id=1)])
    two["AU06_p"] = np.where(two["face_id"] == 1, 1.0, 0.0)
    with pytest.raises(UserError, match="several faces \\(0, 1\\) in a frame: choose one with --face"):
        predictions_of(two)
    assert (predictions_of(two, face=1).scores[:, 0] == 1).all()
    with pytest.raises(UserError, match="no face 7"):
        predictions_of(two, face=7)


def test_what_a_column_means():
    table = pd.DataFrame(
        {
            "frame": [1, 2, 3],
            "AU01": [0, 1, 9],
            "AU02": [0.2, 0.7, 0.4],
            "AU04": [0, 3, 5],
            "AU06": [1, 1, 1],
            "AU06_p": [0.2, 0.4, np.nan],
            "AU06_t": [0.3, 0.3, 0.3],
            "success": [1, 1, 0],
        }
    )
    found = predictions_of(table)
    assert found.aus == (1, 2, 4, 6)
    np.testing.assert_array_equal(found.decisions[:, 0], [0, 1, np.nan])
    np.testing.assert_array_equal(found.scores[:, 1], [0.2, 0.7, np.nan])  # no face in the third
    np.testing.assert_array_equal(found.intensities[:, 2], [0, 3, np.nan])
    np.testing.assert_array_equal(found.decisions[:, 3], [0, 1, np.nan])
    assert found.faceless.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"frame": [1], "smile": [1]}, "no AU column: expected names such as AU12_c"),
        ({"AU12_p": [0.5]}, "no column frame"),
        ({"frame": [1.5], "AU12_p": [0.5]}, "row 1: the frame number"),
        ({"frame": [1, 2], "AU12_p": [0.5, 1.5]}, "row 2, column AU12_p: 1.5 is not a probability"),
        ({"frame": [1], "AU12_c": ["yes"]}, "row 1, column AU12_c: yes is not a decision"),
        ({"frame": [1], "AU12_r": [7]}, "7 is not an intensity"),
    ],
)
def test_bad_cells_are_named(table, message):
    with pytest.raises(UserError, match=message):
        predictions_of(pd.DataFrame(table))


def test_files_and_folders(tmp_path):
    one = predicted().query("subject == 'a' and sequence == '1'").drop(columns=["subject", "sequence"])
    one.to_csv(tmp_path / "1.csv", index=False, sep=";")
    one.to_parquet(tmp_path / "2.parquet", index=False)
    found = read_predictions(tmp_path)
    assert found.keys["sequence"].tolist() == ["1"] * 20 + ["2"] * 20
    np.testing.assert_array_equal(found.scores[:20], found.scores[20:])
    with pytest.raises(UserError, match="no predictions at"):
        read_predictions(tmp_path / "absent.csv")
    (tmp_path / "bad.csv").write_text("frame,AU12_p\n1,0.5\n2,0.5,0.5\n")
    with pytest.raises(UserError, match=r"bad.csv cannot be read as a table.*line 3"):
        read_predictions(tmp_path / "bad.csv")


def test_where_decisions_come_from():
    both = joined(predicted(AU06_c=1 - TRUTH[:, 0]))
    codes, how = decisions_of(both, (6, 12))
    assert codes[:, 0].tolist() == (1 - TRUTH[:, 0]).tolist()
    assert codes[:, 1].tolist() == (SCORES[:, 1] >= 0.5).astype(int).tolist()
    assert "own decisions, or where an AU has none" in how
    assert decisions_of(both, (6,), 0.5)[0][:, 0].tolist() == (SCORES[:, 0] >= 0.5).astype(int).tolist()
    best, how = decisions_of(both, (6, 12), "oracle")
    assert "oracle" in how
    assert (f1_score(TRUTH, best) >= f1_score(TRUTH, (SCORES >= 0.5).astype(int))).all()
    chosen, _ = decisions_of(both, (6, 12), validation=joined())
    np.testing.assert_array_equal(chosen, best)  # the same frames, so the same thresholds
    with pytest.raises(UserError, match="not both"):
        decisions_of(both, (6,), 0.5, joined())
    with pytest.raises(UserError, match="within 0 to 1"):
        decisions_of(both, (6,), 1.5)
    with pytest.raises(UserError, match="has no AU 25"):
        decisions_of(both, (25,))
    only = joined(pd.DataFrame({**KEYS, "AU06_c": TRUTH[:, 0]}))
    with pytest.raises(UserError, match="needs probabilities"):
        decisions_of(only, (6,), 0.5)
    assert any("no AUC" in note for note in score(only, (6,), ("F1", "AUC")).notes)


def test_the_oracles_columns_say_so():
    found = score(joined(), (6, 12), ("F1", "AUC"), threshold="oracle", draws=20)
    assert found.metrics == ("F1 (oracle)", "AUC")
    assert "F1 (oracle) low" in found.values
    assert "F1" not in found.values


def test_the_oracle_is_named_per_fold_too():
    both = joined(predicted(fold=np.repeat(["1", "2", "3"], ROWS // 3)))
    found = score(both, (6, 12), ("F1", "AUC"), threshold="oracle")
    assert found.per_fold is not None
    assert found.per_fold.columns.tolist() == ["F1 (oracle)", "AUC"]


def test_thresholds_chosen_on_scored_people_are_noted():
    def note(validation):
        notes = score(joined(), (6, 12), ("F1",), validation=validation).notes
        return [one for one in notes if "optimistic" in one]

    one_of_them = pd.Series(KEYS["subject"]).replace({"b": "x", "c": "y"}).to_numpy(str)
    others = pd.Series(KEYS["subject"]).replace({"a": "z", "b": "x", "c": "y"}).to_numpy(str)
    assert (
        "1 of the 3 scored subjects"
        in note(joined(predicted(subject=one_of_them), label_table(subject=one_of_them)))[0]
    )
    assert not note(joined(predicted(subject=others), label_table(subject=others)))


def test_a_comma_too_many_moves_no_column_and_a_cell_too_many_is_refused(tmp_path):
    (tmp_path / "p.csv").write_text("timestamp,frame,AU12_c\n5,1,0,\n6,2,1,\n")
    said = read_predictions(tmp_path / "p.csv")
    assert said.keys["frame"].tolist() == [1, 2]
    assert said.decisions.ravel().tolist() == [0, 1]
    (tmp_path / "p.csv").write_text("timestamp,frame,AU12_c\n5,1,0,1\n6,2,1,1\n")
    with pytest.raises(UserError, match="expected 3 cells a line"):
        read_predictions(tmp_path / "p.csv")


def test_folds_pooled_and_averaged():
    found = score(joined(predicted(fold=KEYS["subject"])), (6, 12), ("F1",)).per_fold
    assert found is not None
    assert found.index.tolist() == ["fold a", "fold b", "fold c", "mean of 3 folds", "all frames pooled"]
    decisions = (SCORES >= 0.5).astype(int)
    each = [
        f1_score(TRUTH[rows], decisions[rows]).mean() for rows in (KEYS["subject"] == name for name in "abc")
    ]
    np.testing.assert_allclose(found["F1"], [*each, np.mean(each), f1_score(TRUTH, decisions).mean()])


def test_undefined_scores_and_unknown_labels_are_counted():
    labels = label_table()
    labels["AU12"] = 0
    labels.loc[:9, "AU06"] = 9
    found = score(joined(labels=labels), (6, 12), ("AUC",))
    assert found.values.loc["AU6", "frames"] == ROWS - 10
    assert np.isnan(found.values.loc["AU12", "AUC"])
    assert found.values.loc["AUs in mean", "AUC"] == 1
    assert any(f"10 of {2 * ROWS} labels are unknown" in note for note in found.notes)
    one = score(
        joined(
            labels=label_table().assign(subject="a", sequence=np.repeat(range(6), 20).astype(str)),
            predictions=predicted(subject="a", sequence=np.repeat(range(6), 20).astype(str)),
        ),
        (6,),
        ("F1",),
        draws=10,
    )
    assert any("there is one" in note for note in one.notes)


def test_intensities():
    truth, said = RNG.random((2, ROWS)) * 5
    both = joined(predicted(AU12_r=said), label_table(AU12_r=truth))
    found = intensity_scores(both, (6, 12))
    assert found is not None
    assert found.index.tolist() == ["AU12", "mean of 1"]
    expected = icc_3_1(truth[:, None].astype(np.float32), said[:, None])[0]
    assert found.loc["AU12", "ICC(3,1)"] == pytest.approx(expected, abs=1e-6)
    assert intensity_scores(joined(), (6, 12)) is None
