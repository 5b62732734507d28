"""Picture files of every common kind to 8-bit RGB."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from actionunits.errors import UserError
from actionunits.records import Frame, ImageArray

__all__ = ["PICTURE_SUFFIXES", "holds_one_picture", "read_picture"]

#: What a folder's pictures may be called.
PICTURE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".webp",
        ".gif",
        ".jp2",
        ".j2k",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".avif",
        ".mpo",
    ]
)
#: What Pillow raises on damaged files, beside OSError.
_DAMAGED = (SyntaxError, ValueError, EOFError, RuntimeError, struct.error)
_FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")


def holds_one_picture(path: Path) -> bool:
    """Whether the file's header is that of a still picture; an animated GIF or PNG is not."""
    try:
        with _open(path) as picture:
            return not (picture.format in ("GIF", "PNG") and getattr(picture, "is_animated", False))
    except (UnidentifiedImageError, *_DAMAGED):
        return False


def read_picture(path: str | Path) -> Frame:
    """Read a picture as it is meant to be seen.

    EXIF orientation is applied, transparent parts are laid on white, palettes and CMYK become RGB, 16-bit
    samples are scaled to 8 bits; of several pictures in one file the first is taken.

    Returns:
        A frame with index 0 and time 0.

    Raises:
        UserError: the file is missing, a folder, not a picture, damaged, or larger than about 89 megapixels.
    """
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder: give one picture")
    try:
        with _open(Path(path)) as picture:
            image = _to_rgb(ImageOps.exif_transpose(picture))
    except UnidentifiedImageError as problem:
        raise UserError(f"{path} cannot be read as a picture; is the file whole?") from problem
    except (OSError, *_DAMAGED) as problem:
        what = getattr(problem, "strerror", None) or problem
        raise UserError(f"the picture {path} cannot be decoded ({what}); is the file whole?") from problem
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return Frame(grey, 0, 0.0, image)


def _open(path: Path) -> Image.Image:
    Image.init()
    known = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=known)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as problem:
        raise UserError(f"{path} is too large (over 89 megapixels); make it smaller first") from problem


def _to_rgb(picture: Image.Image) -> ImageArray:
    if picture.mode.startswith("I") or picture.mode == "F":
        grey = _to_8_bits(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def _to_8_bits(samples: NDArray[np.generic]) -> ImageArray:
    """Integers are 16-bit samples; floating point runs from 0 to 1, or to 255 where it goes above 1."""
    values = np.nan_to_num(samples.astype(np.float32))
    if not np.issubdtype(samples.dtype, np.floating):
        values = values / 257.0
    elif values.max(initial=0.0) <= 1.0:
        values = values * 255.0
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
