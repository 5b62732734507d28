"""Videos and folders: times, rotation, what fails."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from actionunits.errors import UserError
from actionunits.faces.video import TruncatedSource, open_source

ASTRONAUT = cv2.resize(data.astronaut(), (160, 120), interpolation=cv2.INTER_AREA)


def write_video(
    path, frames, pts, *, codec="libx264", pix_fmt="yuv420p", options=None, turn=None, time_base=1000
):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options or {"qp": "10", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], pix_fmt
        stream.codec_context.time_base = Fraction(1, time_base)
        if turn is not None:
            stream.set_display_rotation(turn)
        for image, time in zip(frames, pts, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def moving(count):
    return [np.roll(ASTRONAUT, 3 * k, axis=1) for k in range(count)]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("steps", [[40] * 11, [40, 10, 33, 200, 17, 90, 500, 40, 41, 39, 1000]])
def test_times_are_the_containers_presentation_times(tmp_path, suffix, steps):
    pts = [0, *np.cumsum(steps).tolist()]
    path = write_video(tmp_path / f"clip{suffix}", moving(len(pts)), pts)
    with av.open(str(path)) as container:
        expected = [float(f.pts * f.time_base) for f in container.decode(video=0)]
    frames = list(open_source(path))
    assert [f.index for f in frames] == list(range(len(pts)))
    np.testing.assert_allclose([f.time_s for f in frames], expected, atol=1e-9)
    np.testing.assert_allclose([f.time_s for f in frames], np.array(pts) / 1000, atol=1e-3)


def test_a_late_start_is_kept(tmp_path):
    path = write_video(tmp_path / "late.mkv", moving(3), [700, 740, 780])
    assert [round(f.time_s, 3) for f in open_source(path)] == [0.7, 0.74, 0.78]


def test_frames_of_a_raw_stream_have_times_too(tmp_path):
    """A bare H.264 stream has no presentation times: each frame comes one frame's length after the last."""
    path = write_video(
        tmp_path / "raw.h264", moving(6), range(6), options={"bf": "0", "qp": "10"}, time_base=25
    )
    times = [f.time_s for f in open_source(path)]
    assert times[0] == 0
    assert len(times) == 6
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-6)


@pytest.mark.parametrize("turn", [0, 90, 180, 270, -90])
def test_rotation_flag(tmp_path, turn):
    path = write_video(tmp_path / "turned.mp4", moving(2), [0, 33], turn=turn)
    frame = next(iter(open_source(path)))
    expected = np.rot90(ASTRONAUT, turn // 90 % 4)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image.astype(int) - expected).mean() < 8
    assert np.abs(frame.grey.astype(int) - cv2.cvtColor(expected.copy(), cv2.COLOR_RGB2GRAY)).mean() < 5


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("libx264", "yuv420p", ".mkv"),
        ("libx264", "yuvj420p", ".mkv"),
        ("libx264", "yuv444p", ".mkv"),
        ("ffv1", "yuv420p10le", ".mkv"),
        ("libx264", "nv12", ".mkv"),
        ("libx264rgb", "rgb24", ".mkv"),
        ("ffv1", "gray", ".mkv"),
        ("ffv1", "gray16le", ".mkv"),
        ("ffv1", "yuva420p", ".mkv"),
        ("ffv1", "bgr0", ".mkv"),
        ("mjpeg", "yuvj422p", ".avi"),
        ("prores_ks", "yuv422p10le", ".mov"),
        ("gif", "rgb8", ".gif"),
    ],
)
def test_grey_is_full_range_in_every_pixel_format(tmp_path, codec, pix_fmt, suffix):
    wide = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (64, 1, 3))
    path = write_video(
        tmp_path / f"clip{suffix}", [wide] * 3, [0, 40, 80], codec=codec, pix_fmt=pix_fmt, options={}
    )
    frames = list(open_source(path))
    assert len(frames) == 3
    tolerance = 40 if pix_fmt == "rgb8" else 4
    for frame in frames:
        assert np.abs(frame.grey.astype(int) - wide[:, :, 0]).max() <= tolerance
        colour_grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY).astype(int)
        assert np.abs(frame.grey.astype(int) - colour_grey).max() <= 3


def test_odd_width_has_no_padding(tmp_path):
    path = write_video(tmp_path / "odd.mkv", [ASTRONAUT[:75, :101]] * 2, [0, 40], codec="ffv1", options={})
    frame = next(iter(open_source(path)))
    assert frame.grey.shape == (75, 101)
    assert np.abs(frame.grey.astype(int) - cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)).mean() < 3


def test_frames_stay_as_they_were_when_kept(tmp_path):
    path = write_video(tmp_path / "clip.mkv", moving(40), range(0, 1600, 40))
    source = open_source(path)
    copies = [(f, f.grey.copy()) for f in source]
    for frame, grey in copies:
        np.testing.assert_array_equal(frame.grey, grey)
        assert np.abs(frame.grey.astype(int) - cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)).mean() < 5
    assert np.abs(copies[0][1].astype(int) - copies[20][1]).mean() > 10


def test_a_source_describes_itself_and_can_be_read_twice(tmp_path):
    path = write_video(tmp_path / "one.two.mp4", moving(12), range(0, 480, 40))
    source = open_source(path)
    assert (source.name, source.kind, source.frame_count) == ("one.two", "video", 12)
    assert source.rate_hz == pytest.approx(25, rel=0.1)
    assert [f.time_s for f in source] == [f.time_s for f in source]


def test_animated_gif_is_a_video_and_a_still_one_a_picture(tmp_path):

    pictures = [Image.fromarray(p) for p in moving(4)]
    pictures[0].save(tmp_path / "moves.gif", save_all=True, append_images=pictures[1:], duration=100)
    pictures[0].save(tmp_path / "still.gif")
    assert open_source(tmp_path / "moves.gif").kind == "video"
    assert [round(f.time_s, 2) for f in open_source(tmp_path / "moves.gif")] == [0.0, 0.1, 0.2, 0.3]
    assert open_source(tmp_path / "still.gif").kind == "picture"


def test_folder_in_natural_order_with_differing_sizes(tmp_path):
    for number in (10, 2, 1, 33):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.full((20 + number, 30, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".img0.png").write_bytes(b"hidden")
    source = open_source(tmp_path)
    frames = list(source)
    assert (source.kind, source.frame_count, source.name) == ("folder", 4, tmp_path.name)
    assert [f.image[0, 0, 0] for f in frames] == [1, 2, 10, 33]
    assert [f.grey.shape for f in frames] == [(21, 30), (22, 30), (30, 30), (53, 30)]
    assert [f.index for f in frames] == [0, 1, 2, 3]


def test_damaged_pictures_of_a_folder_are_told_after_all_good_ones(tmp_path):
    for name in "adef":
        cv2.imwrite(str(tmp_path / f"{name}.png"), ASTRONAUT)
    half = (tmp_path / "a.png").read_bytes()[:3000]
    (tmp_path / "b.png").write_bytes(half)
    frames = []
    with pytest.raises(TruncatedSource, match=r"b\.png") as caught:
        frames.extend(f.index for f in open_source(tmp_path))
    assert frames == [0, 2, 3, 4], "numbers of pictures in the folder, the bad one left out"
    assert caught.value.frames_read == 4
    (tmp_path / "c.png").touch()
    with pytest.raises(TruncatedSource, match="the first of 2 such pictures"):
        list(open_source(tmp_path))
    assert [f.index for f in open_source(tmp_path).frames_at({0, 3})] == [0, 3]


def test_a_folder_of_videos_says_how_to_give_them(tmp_path):
    (tmp_path / "one.mp4").touch()
    with pytest.raises(UserError, match=r"no pictures.*/\*\.mp4$"):
        open_source(tmp_path)


def test_a_short_video_that_is_cut_is_told(tmp_path):
    """1.5 s long, cut after a third: less than a second is missing."""
    noise = np.random.default_rng(1)
    frames = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(38)]
    options = {"g": "5", "qp": "30"}
    path = write_video(tmp_path / "short.mkv", frames, range(38), options=options, time_base=25)
    assert len(list(open_source(path))) == 38
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(TruncatedSource, match="breaks off after"):
        list(open_source(path))


def test_a_last_frame_that_stays_is_no_break(tmp_path):
    """Ten pictures of 0.1 s, then one of a second."""
    pictures = [Image.fromarray(ASTRONAUT[:64, :64] // (k + 1)) for k in range(11)]
    path = tmp_path / "held.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100] * 10 + [1000])
    assert len(list(open_source(path))) == 11
    slides = [np.full((120, 160, 3), 60 * k, np.uint8) for k in range(4)]
    path = write_video(tmp_path / "slides.mkv", slides, [0, 50, 100, 150], time_base=25)
    assert len(list(open_source(path))) == 4


def one_line(path):
    with pytest.raises(UserError) as caught:
        list(open_source(path))
    message = str(caught.value)
    assert "\n" not in message
    assert Path(path).name in message
    return message


def test_what_cannot_be_read_is_told_in_one_line(tmp_path):
    assert "does not exist" in one_line(tmp_path / "missing.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "empty" in one_line(tmp_path / "empty.mp4")
    for name in ("text.mp4", "text.txt", "text.nfo", "text.jpg", "text.png", "text", "text.srt"):
        (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nThis is only text.\n" * 50)
        one_line(tmp_path / name)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(20000))
    one_line(tmp_path / "noise.mp4")
    (tmp_path / "folder").mkdir()
    assert "no pictures" in one_line(tmp_path / "folder")


def test_sound_alone_has_no_video(tmp_path):
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "no video" in one_line(path)


def test_not_permitted(tmp_path, monkeypatch):
    path = write_video(tmp_path / "secret.mp4", moving(2), [0, 40])

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "permission denied" in one_line(path).lower()
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "permission denied" in one_line(tmp_path).lower()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_a_truncated_video_gives_its_good_frames_then_says_so(tmp_path, suffix):
    noise = np.random.default_rng(1)
    frames = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(150)]
    options = {"g": "5", "qp": "30", "movflags": "faststart"}
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    name = f"whole{suffix}"
    whole = write_video(tmp_path / name, frames, range(150), codec=codec, options=options, time_base=25)
    if suffix == ".mp4":
        whole = faststart(whole)
    content = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(content[: int(len(content) * 0.6)])
    expected = [f.grey for f in open_source(whole)]
    got = []
    with pytest.raises(TruncatedSource, match=r"cut\.\w+ breaks off after \d+") as caught:
        got.extend(f.grey for f in open_source(cut))
    assert caught.value.frames_read == len(got)
    assert 60 <= len(got) <= 100
    for one, other in zip(got[:-3], expected, strict=False):
        np.testing.assert_array_equal(one, other)


def test_a_truncated_video_with_sound_is_told_apart_from_one_with_longer_sound(tmp_path):
    path = tmp_path / "whole.mkv"
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("mpeg4", rate=25), container.add_stream("pcm_s16le", rate=8000)
        video.width, video.height, sound.layout = 64, 48, "mono"
        for second in range(12):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
            samples.sample_rate, samples.pts = 8000, second * 8000
            container.mux(sound.encode(samples))
            for _ in range(25 if second < 6 else 0):
                container.mux(
                    video.encode(av.VideoFrame.from_ndarray(noise.integers(0, 255, (48, 64, 3), np.uint8)))
                )
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    assert len(list(open_source(path))) == 150
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(TruncatedSource):
        list(open_source(cut))


def faststart(path: Path) -> Path:
    """The same with its index at the front, as videos for the web have it."""
    out = path.with_name(f"front-{path.name}")
    with av.open(str(path)) as source, av.open(str(out), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return out


def test_an_mp4_without_its_index_cannot_be_read(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", moving(60), range(0, 2400, 40))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:4000])
    one_line(cut)


def test_iteration_can_be_left_early(tmp_path):
    path = write_video(tmp_path / "clip.mkv", moving(30), range(0, 1200, 40))
    frames = iter(open_source(path))
    next(frames)
    frames.close()
    shutil.move(path, tmp_path / "moved.mkv")
    assert len(list(open_source(tmp_path / "moved.mkv"))) == 30


@pytest.mark.shared
def test_rows_and_times_of_real_videos(shared_data):
    names = ["face_noface.mov", "noface_face.mov", "no_face.mp4", "single_face.mp4"]
    for path in [*(shared_data / "oddities" / n for n in names), shared_data / "videos" / "book.mkv"]:
        with av.open(str(path)) as container:
            expected = [float(f.pts * f.time_base) for f in container.decode(video=0)]
        np.testing.assert_allclose([f.time_s for f in open_source(path)], expected, atol=1e-9)


def test_a_folder_of_folders_names_them(tmp_path):
    (tmp_path / "session1").mkdir()
    with pytest.raises(
        UserError, match=r"no pictures.*; the folders within it are given one by one: .*/session1$"
    ):
        open_source(tmp_path)


def test_the_last_frame_of_a_video_that_breaks_off_is_given(tmp_path):
    """Who asks for frames that are there is not told what comes after them."""
    noise = np.random.default_rng(2).integers(0, 255, (50, 120, 160, 3), np.uint8)
    whole = write_video(tmp_path / "whole.mkv", list(noise), range(0, 2000, 40))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    good = []
    with pytest.raises(TruncatedSource):
        for frame in open_source(cut):
            good.append(frame.index)
    assert [frame.index for frame in open_source(cut).frames_at({good[-1]})] == [good[-1]]


def test_a_link_keeps_its_own_name(tmp_path):
    (tmp_path / "annex").mkdir()
    noise = np.random.default_rng(3).integers(0, 255, (3, 120, 160, 3), np.uint8)
    (tmp_path / "sub-01.mkv").symlink_to(write_video(tmp_path / "annex" / "9f.mkv", list(noise), (0, 40, 80)))
    assert open_source(tmp_path / "sub-01.mkv").name == "sub-01"
