import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.metrics.classification import f1_score
from actionunits.metrics.events import event_f1
from actionunits.metrics.scoring import METRIC_NAMES, score_table


def test_every_metric_by_name_pooled_and_per_fold():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(-1, 2, (90, 3)), rng.random((90, 3))
    folds = np.repeat([1, 2, 3], 30)
    table = score_table([1, 2, 4], labels, scores, METRIC_NAMES, folds=folds)
    assert table.values.shape == (3, len(METRIC_NAMES))
    assert table.per_fold is not None
    column = METRIC_NAMES.index("F1")
    decisions = (scores >= 0.5).astype(int)
    np.testing.assert_allclose(table.values[:, column], f1_score(labels, decisions))
    np.testing.assert_allclose(table.per_fold[1, :, column], f1_score(labels[30:60], decisions[30:60]))
    assert not np.allclose(table.per_fold[..., column].mean(0), table.values[:, column])


def test_frames_without_a_prediction_are_left_out():
    labels, scores = np.array([[1], [0], [1]]), np.array([[0.9], [0.1], [np.nan]])
    assert score_table([1], labels, scores, ["F1", "AUC"]).values.tolist() == [[1.0, 1.0]]


def test_each_frame_may_have_its_folds_threshold():
    labels, scores = np.array([[1], [1]]), np.array([[0.3], [0.3]])
    assert score_table([1], labels, scores, ["recall"], thresholds=[[0.2], [0.5]]).values[0, 0] == 0.5


def test_an_unknown_metric_names_the_known():
    with pytest.raises(UserError, match="did you mean"):
        score_table([1], [[1]], [[0.5]], ["F1-makro"])


def test_event_f1_counts_events_not_frames():
    truth = np.array([1, 1, 1, 1, 0, 1, 0, 0])[:, None]
    said = np.array([1, 1, 0, 0, 0, 0, 1, 1])[:, None]
    assert event_f1(truth, said)[0] == pytest.approx(0.5)  # one of two found, one of two right
    assert event_f1(truth, said, overlap=0.6)[0] == pytest.approx(0.0)
    assert event_f1(truth, truth)[0] == 1.0
    assert np.isnan(event_f1(truth * 0, truth * 0)[0])
    assert event_f1(truth, truth * 0)[0] == 0.0


def test_events_end_where_a_sequence_ends_and_where_labels_are_unknown():
    truth, said = np.ones((6, 1), int), np.array([1, 1, 1, 0, 0, 0])[:, None]
    starts = np.array([1, 0, 0, 1, 0, 0], bool)
    assert event_f1(truth, said, starts)[0] == pytest.approx(2 / 3)  # recall 1/2, precision 1
    assert event_f1(truth, said)[0] == 1.0  # half of the one event is found
    truth[3] = -1
    assert event_f1(truth, said)[0] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="overlap"):
        event_f1(truth, said, overlap=0)
