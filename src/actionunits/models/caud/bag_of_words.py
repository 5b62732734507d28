"""The baseline of seed 002: a bag of visual words. Dense SIFT, k-means, a linear support vector machine.

Paper: Romero and Arbelaez name the method and give no constants. Here: SIFT descriptors of 16 and 24 px
patches every 6 px of the grey crop at 112 px, 400 words, the square roots of their shares in the whole crop
and in its four quarters (1x1 and 2x2), and a one-against-rest linear machine whose cost is chosen on the
validation subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.metrics.classification import average_class_accuracy, confusion_matrix
from actionunits.records import FloatArray, ImageArray

__all__ = ["BagOfWords", "BagOfWordsConfig", "dense_sift"]


@dataclass(frozen=True)
class BagOfWordsConfig:
    """The baseline's constants, none of which the paper gives.

    Attributes:
        side_px: side that a crop is brought to.
        step_px: between two patches.
        patches_px: their sides.
        words: of the vocabulary.
        descriptors: that the vocabulary is made of, at most; drawn from all training crops alike.
        costs: of the machine, tried on the validation part.
        seed: of k-means and the draw.
    """

    side_px: int = 112
    step_px: int = 6
    patches_px: tuple[int, ...] = (16, 24)
    words: int = 400
    descriptors: int = 60_000
    costs: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    seed: int = 0


def dense_sift(image: ImageArray, config: BagOfWordsConfig) -> tuple[FloatArray, FloatArray]:
    """Root-SIFT descriptors f32[N,128] of a crop on a grid, and the patches' middles f32[N,2], 0 to 1.

    Args:
        image: u8[S,S,3] RGB or u8[S,S].
        config: the grid.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    side = config.side_px
    grey = cv2.resize(
        grey, (side, side), interpolation=cv2.INTER_AREA if len(grey) > side else cv2.INTER_LINEAR
    )
    points = []
    for patch in config.patches_px:
        places = np.arange(patch / 2, side - patch / 2 + 1e-6, config.step_px)
        points += [cv2.KeyPoint(float(x), float(y), float(patch), 0.0) for y in places for x in places]
    kept, found = cv2.SIFT.create().compute(grey, points)
    shares = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
    where = np.array([point.pt for point in kept]) / side
    return np.asarray(shares, np.float32), where.astype(np.float32)


class BagOfWords:
    """Learns classes of crops; :meth:`fit` first.

    Args:
        config: see :class:`BagOfWordsConfig`.
    """

    def __init__(self, config: BagOfWordsConfig | None = None) -> None:
        self.config = config or BagOfWordsConfig()
        self.cost = float("nan")

    def fit(
        self,
        images: Sequence[ImageArray],
        classes: NDArray[np.integer],
        check_images: Sequence[ImageArray],
        check_classes: NDArray[np.integer],
    ) -> None:
        """Make the vocabulary, and the machine whose cost is best on the second part.

        Args:
            images: training crops.
            classes: i[N], from 0.
            check_images: of the validation subjects.
            check_classes: i[M].
        """
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.svm import LinearSVC

        config = self.config
        rng = np.random.default_rng(config.seed)
        described = [dense_sift(image, config) for image in images]
        each = max(1, config.descriptors // len(described))
        drawn = [rng.permutation(found)[:each] for found, _ in described]
        self._words = MiniBatchKMeans(config.words, random_state=config.seed, n_init=1, batch_size=4096).fit(
            np.concatenate(drawn)
        )
        codes = np.stack([self._code(*each) for each in described])
        checks = self.codes(check_images)
        number = int(max(classes.max(), check_classes.max())) + 1
        best = -1.0
        for cost in config.costs:
            machine = LinearSVC(C=cost, random_state=config.seed, max_iter=5000).fit(codes, classes)
            said = machine.predict(checks)
            score = average_class_accuracy(confusion_matrix(check_classes, said, number))
            if score > best:
                best, self.cost, self._machine = score, cost, machine

    def codes(self, images: Sequence[ImageArray]) -> FloatArray:
        """f32[N,5W] of crops: roots of the words' shares in the whole and in each quarter."""
        return np.stack([self._code(*dense_sift(image, self.config)) for image in images])

    def margins(self, images: Sequence[ImageArray]) -> NDArray[np.float64]:
        """f64[N,K]: how far each crop lies on each class's side; classes without an example have none."""
        return np.asarray(self._machine.decision_function(self.codes(images)), np.float64)

    @property
    def classes(self) -> NDArray[np.int64]:
        """i64[K], the columns of the margins."""
        return np.asarray(self._machine.classes_, np.int64)

    def _code(self, found: FloatArray, where: FloatArray) -> FloatArray:
        words = self._words.predict(found)
        quarter = (where[:, 0] >= 0.5).astype(int) + 2 * (where[:, 1] >= 0.5)
        count = self.config.words
        parts = [np.bincount(words, minlength=count)]
        parts += [np.bincount(words[quarter == part], minlength=count) for part in range(4)]
        shares = [part / max(part.sum(), 1) for part in parts]
        return np.asarray(np.sqrt(np.concatenate(shares)), np.float32)
