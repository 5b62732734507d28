"""Pictures of every kind."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from actionunits.errors import UserError
from actionunits.faces.video import open_source, read_picture

ASTRONAUT = cv2.resize(data.astronaut(), (96, 80), interpolation=cv2.INTER_AREA)
GREY = cv2.cvtColor(ASTRONAUT, cv2.COLOR_RGB2GRAY)


def distance(one, other):
    return np.abs(one.astype(int) - other).mean()


@pytest.mark.parametrize(
    ("mode", "name", "tolerance"),
    [
        *(("RGB", f"a.{suffix}", 0) for suffix in ("png", "bmp", "tif", "ppm")),
        *((mode, "a.jpg", 6) for mode in ("RGB", "CMYK", "YCbCr")),
        ("CMYK", "a.tif", 1),
        *(("P", f"a.{suffix}", 25) for suffix in ("png", "gif")),
        ("RGBA", "a.png", 0),
        *((mode, "a.webp", 6) for mode in ("RGB", "RGBA")),
        *(("L", f"a.{suffix}", None) for suffix in ("png", "jpg", "tif")),
        ("LA", "a.png", None),
    ],
)
def test_modes_and_formats(tmp_path, mode, name, tolerance):
    options = {"quality": 95, "subsampling": 0} if name.endswith(".jpg") else {}
    Image.fromarray(ASTRONAUT).convert(mode).save(tmp_path / name, **options)
    frame = read_picture(tmp_path / name)
    assert frame.image.shape == ASTRONAUT.shape
    if tolerance is None:
        assert distance(frame.image, np.repeat(GREY[:, :, None], 3, 2)) < 6
    else:
        assert distance(frame.image, ASTRONAUT) <= tolerance
    assert distance(frame.grey, cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)) <= 0.01
    assert (frame.index, frame.time_s) == (0, 0.0)


def test_transparency_is_laid_on_white(tmp_path):
    pixels = np.dstack([ASTRONAUT, np.full(GREY.shape, 255, np.uint8)])
    pixels[:20, :, 3] = 0
    pixels[20:40, :, 3] = 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_picture(tmp_path / "a.png").image
    assert (image[:20] == 255).all()
    assert distance(image[20:40], (ASTRONAUT[20:40].astype(int) + 255) / 2) < 1.5
    np.testing.assert_array_equal(image[40:], ASTRONAUT[40:])


def test_transparent_palette(tmp_path):
    picture = Image.fromarray(np.repeat(np.arange(8, dtype=np.uint8)[None], 8, 0), "P")
    picture.putpalette([c for k in range(8) for c in (k * 30, 0, 0)])
    picture.save(tmp_path / "a.png", transparency=0)
    image = read_picture(tmp_path / "a.png").image
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[0, 3].tolist() == [90, 0, 0]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("colour", [False, True])
def test_16_bits_are_scaled_to_8(tmp_path, name, colour):
    values = (ASTRONAUT[:, :, ::-1] if colour else GREY).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / name), values)
    expected = ASTRONAUT if colour else np.repeat(GREY[:, :, None], 3, 2)
    assert distance(read_picture(tmp_path / name).image, expected) <= 0.6


def test_floating_point_runs_from_0_to_1(tmp_path):
    Image.fromarray(GREY.astype(np.float32) / 255).save(tmp_path / "a.tif")
    assert distance(read_picture(tmp_path / "a.tif").grey, GREY) <= 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    turned = {
        1: ASTRONAUT,
        2: ASTRONAUT[:, ::-1],
        3: ASTRONAUT[::-1, ::-1],
        4: ASTRONAUT[::-1],
        5: ASTRONAUT.swapaxes(0, 1),
        6: np.rot90(ASTRONAUT),
        7: ASTRONAUT[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(ASTRONAUT, -1),
    }
    stored = turned[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.ascontiguousarray(stored))
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    frame = read_picture(tmp_path / "a.jpg")
    assert frame.image.shape == ASTRONAUT.shape
    assert distance(frame.image, ASTRONAUT) < 4
    reference = cv2.cvtColor(cv2.imread(str(tmp_path / "a.jpg")), cv2.COLOR_BGR2RGB)  # OpenCV turns JPEGs too
    assert distance(frame.image, reference) < 2


def test_one_pixel(tmp_path):
    Image.fromarray(np.full((1, 1, 3), 7, np.uint8)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").grey.tolist() == [[7]]


def test_content_counts_not_the_name(tmp_path):
    Image.fromarray(ASTRONAUT).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    source = open_source(tmp_path / "a.mp4")
    assert source.kind == "picture"
    assert len(list(source)) == 1


@pytest.mark.parametrize("part", [0.05, 0.5])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_damaged(tmp_path, part, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(ASTRONAUT).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(UserError, match="a.*file whole"):
        read_picture(path)


@pytest.mark.parametrize("suffix", [".avif", ".bmp", ".gif", ".jpg", ".jp2", ".png", ".ppm", ".tif", ".webp"])
def test_damage_anywhere_is_a_clear_message_or_a_picture(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix not in Image.registered_extensions():
        pytest.skip(f"Pillow is built without {suffix}")
    Image.fromarray(ASTRONAUT[:24, :20]).save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for _ in range(25):
        content = bytearray(whole)
        for place in rng.integers(min(len(content), 400), size=3):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        for read in (read_picture, open_source):
            with suppress(UserError):
                read(path)


def test_a_decompression_bomb_is_refused(tmp_path):
    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(content)
    for read in (read_picture, open_source):
        with pytest.raises(UserError, match="too large"):
            read(tmp_path / "bomb.png")


@pytest.mark.parametrize(("name", "what"), [("missing.png", "decoded"), ("text.png", "cannot be read")])
def test_not_a_picture(tmp_path, name, what):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UserError, match=what):
        read_picture(tmp_path / name)


@pytest.mark.shared
def test_real_oddities(shared_data):
    alpha = read_picture(shared_data / "oddities" / "Image_with_alpha.png")
    assert alpha.image.shape == (1036, 1524, 3)
    black_white = read_picture(shared_data / "oddities" / "BWPictureHuman.jpg")
    assert (black_white.image[..., 0] == black_white.image[..., 2]).all()
