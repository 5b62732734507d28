from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from actionunits.metrics.calibration import calibration_error


def test_it_is_the_mean_distance_of_sklearns_calibration_curve():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, (4000, 1))
    labels = (rng.uniform(0, 1, (4000, 1)) < probability**2).astype(np.int8)
    shown, said = calibration_curve(labels[:, 0], probability[:, 0], n_bins=10)
    counts = np.histogram(probability[:, 0], bins=10, range=(0, 1))[0]
    expected = (np.abs(shown - said) * counts).sum() / 4000
    assert calibration_error(labels, probability)[0] == pytest.approx(expected, abs=1e-9)


def test_probabilities_that_are_drawn_from_are_right():
    rng = np.random.default_rng(1)
    probability = rng.uniform(0, 1, (50_000, 2))
    labels = (rng.uniform(0, 1, probability.shape) < probability).astype(np.int8)
    assert (calibration_error(labels, probability) < 0.015).all()


def test_unknown_labels_do_not_count_and_nothing_known_is_nan():
    error = calibration_error([[1, -1], [-1, -1]], [[1.0, 0.2], [0.0, 0.9]])
    assert error[0] == 0.0
    assert np.isnan(error[1])
