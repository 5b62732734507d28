"""The bag of words tells textures apart, and its descriptors are OpenCV's at the places of the grid."""

import cv2
import numpy as np
import pytest

from actionunits.models.caud.bag_of_words import BagOfWords, BagOfWordsConfig, dense_sift

CONFIG = BagOfWordsConfig(side_px=64, step_px=8, words=20, descriptors=3000)


def _texture(kind: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([kind, seed])
    y, x = np.mgrid[:64, :64]
    wave = (np.sin(x / 2.5), np.sin(y / 2.5), np.sin((x + y) / 6))[kind]
    grey = 128 + 70 * wave + rng.normal(0, 12, (64, 64))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def test_descriptors_lie_on_the_grid_and_are_of_length_one() -> None:
    found, where = dense_sift(_texture(0, 0), CONFIG)
    each = [len(np.arange(patch / 2, 64 - patch / 2 + 1e-6, 8)) ** 2 for patch in CONFIG.patches_px]
    assert found.shape == (sum(each), 128)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert where.min() >= 8 / 64 - 1e-6
    assert where.max() <= 1 - 8 / 64 + 1e-6
    grey = cv2.cvtColor(_texture(0, 0), cv2.COLOR_RGB2GRAY)
    _, own = cv2.SIFT.create().compute(grey, [cv2.KeyPoint(24.0, 32.0, 16.0, 0.0)])
    at = int(np.argmin(np.abs(where[: each[0]] - np.array([24, 32]) / 64).sum(axis=1)))
    assert found[at] == pytest.approx(np.sqrt(own[0] / own[0].sum()), abs=1e-5)


def test_textures_are_told_apart_and_the_same_again() -> None:
    classes = np.repeat(np.arange(3), 8)
    train = [_texture(kind, seed) for kind in range(3) for seed in range(8)]
    check = [_texture(kind, seed) for kind in range(3) for seed in (20, 21)]
    test = [_texture(kind, seed) for kind in range(3) for seed in range(30, 34)]
    words = BagOfWords(CONFIG)
    words.fit(train, classes, check, np.repeat(np.arange(3), 2))
    said = words.classes[words.margins(test).argmax(axis=1)]
    assert (said == np.repeat(np.arange(3), 4)).all()
    assert words.cost in CONFIG.costs
    again = BagOfWords(CONFIG)
    again.fit(train, classes, check, np.repeat(np.arange(3), 2))
    np.testing.assert_array_equal(again.margins(test), words.margins(test))
    shares = words.codes(test) ** 2
    assert shares.reshape(len(test), 5, -1).sum(axis=2) == pytest.approx(1.0, abs=1e-5)
