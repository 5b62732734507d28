"""The point network's training pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from actionunits.experiments.landmarks.pictures import PER_PART, PlacedFace, StoreLayout, make_pictures
from actionunits.synthesis.painting import paint_portrait


def test_lips_of_other_tones_keep_their_points(tmp_path: Path) -> None:
    portrait = paint_portrait(5, 240)
    # in grey, since the colours are weighed by chance in each picture
    cv2.imwrite(str(tmp_path / "5.png"), cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY))
    face = PlacedFace(tmp_path / "5.png", "f/5", portrait.landmarks.points)

    def made(share: float) -> tuple[np.ndarray, np.ndarray]:
        layout = StoreLayout(PER_PART, 1, 1.0, share, ("f/5",), "", "2")
        pictures = make_pictures(tmp_path / str(share), [face], layout, tmp_path / "none.npz", workers=1)
        return pictures.images.astype(int), pictures.points

    images, points = made(0.0)
    toned, same = made(1.0)
    np.testing.assert_array_equal(same, points)
    assert np.abs(images - images[0]).max() <= 1
    changed = np.abs(toned - images) > 2
    assert 40 <= changed.any(axis=(1, 2)).sum() <= PER_PART
    rows, columns = np.nonzero(changed.any(axis=0))
    mouth = points[0, 48:68]
    assert (np.stack([columns, rows], 1) > mouth.min(axis=0) - 8).all()
    assert (np.stack([columns, rows], 1) < mouth.max(axis=0) + 8).all()
