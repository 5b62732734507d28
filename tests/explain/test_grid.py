"""Values at a patch's places become pictures."""

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.explain.grid import PatchGrid


def test_gaps_between_patches_and_borders_are_filled() -> None:
    pixels = PatchGrid(10, 2, 3).on_pixels(np.arange(9, dtype=np.float32).reshape(3, 3, 1))[..., 0]
    assert pixels.shape == (10, 10)
    assert pixels[0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert pixels[:, 0].tolist() == [0, 0, 0, 3, 3, 3, 6, 6, 6, 6]


def test_between_the_centres_of_patches_values_are_linear() -> None:
    grid = PatchGrid(11, 3, 4)  # centres at 1, 5 and 9
    values = np.zeros((3, 3, 2), np.float32)
    values[..., 0] = [[0, 4, 0], [8, 12, 8], [0, 4, 0]]
    values[..., 1] = np.nan
    pixels = grid.interpolated(values)
    assert pixels.shape == (11, 11, 2)
    assert pixels[1, :, 0].tolist() == [0, 0, 1, 2, 3, 4, 3, 2, 1, 0, 0]
    assert pixels[:, 5, 0].tolist() == [4, 4, 6, 8, 10, 12, 10, 8, 6, 4, 4]
    assert np.isnan(pixels[..., 1]).all()


@pytest.mark.parametrize(("patch_px", "stride_px"), [(40, 3), (0, 3), (15, 0)])
def test_patches_that_do_not_fit_are_refused(patch_px: int, stride_px: int) -> None:
    with pytest.raises(UserError, match="1 to 33 px"):
        PatchGrid(33, patch_px, stride_px)


def test_the_papers_patch_has_62_places_a_side() -> None:
    assert PatchGrid(200, 15, 3).starts[[0, -1]].tolist() == [0, 183]
    assert len(PatchGrid(200, 15, 3).starts) == 62
