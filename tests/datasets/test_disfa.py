import numpy as np
import pytest

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.disfa import read
from actionunits.errors import UserError


def test_intensities_frames_and_video(fake):
    index = usable_index(read(fake("disfa")))
    assert index.aus == (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26) == index.intensity_aus
    assert set(index.table["path"]) == {
        f"Videos_LeftCamera/LeftVideo{who}_comp.avi" for who in ("SN001", "SN003", "SN006")
    }
    assert index.table["frame"][:16].tolist() == list(range(1, 17))
    np.testing.assert_allclose(index.table["time_s"][:3], [0, 0.05, 0.1])


@pytest.mark.parametrize("lowest", [None, 1, 2, 5])
def test_what_counts_as_shown(fake, lowest):
    index = read(fake("disfa"), lowest).index
    intensity = index.intensities(index.aus)
    np.testing.assert_array_equal(index.labels(index.aus), (intensity >= (lowest or 2)).astype(int))
    assert {0.0, 1.0, 2.0, 4.0} <= set(np.unique(intensity))


def test_the_lowest_intensity_is_checked(fake):
    with pytest.raises(UserError, match="1 to 5"):
        read(fake("disfa"), 6)


def test_a_missing_au_file_is_unknown_and_a_short_one_too(fake):
    root = fake("disfa")
    labels = root / "ActionUnit_Labels" / "SN001"
    (labels / "SN001_au5.txt").unlink()
    lines = (labels / "SN001_au9.txt").read_text().splitlines()
    (labels / "SN001_au9.txt").write_text("\n".join(lines[:10]))
    reading = read(root)
    mine = usable_index(reading).take(reading.index.table["subject"].to_numpy() == "SN001")
    assert (mine.labels([5]) == -1).all()
    assert (mine.labels([9])[:10] >= 0).all()
    assert (mine.labels([9])[10:] == -1).all()
    assert any("AU 5" in one.found for one in reading.departures)
    assert any("SN001_au9.txt" in one.path for one in reading.departures)


def test_a_bad_line_is_named(fake):
    root = fake("disfa")
    file = root / "ActionUnit_Labels" / "SN001" / "SN001_au5.txt"
    file.write_text(file.read_text().replace("4,0\n", "4,7\n", 1).replace("4,1\n", "4,7\n", 1))
    (problem,) = [one for one in read(root).departures if one.fatal]
    assert problem.path == f"{file} line 4"
    assert "0 to 5" in problem.expected


def test_the_right_video_where_the_left_is_missing(fake):
    root = fake("disfa")
    (root / "Videos_LeftCamera" / "LeftVideoSN003_comp.avi").unlink()
    reading = read(root)
    assert "Video_RightCamera/RightVideoSN003_Comp.avi" in set(reading.index.table["path"])
    assert any("only the right one" in one.found for one in reading.departures)


def test_videos_and_labels_that_lack_the_other(fake):
    root = fake("disfa")
    (root / "ActionUnit_Labels" / "SN003").rename(root / "ActionUnit_Labels" / "SN005")
    reading = read(root)
    assert set(reading.index.table["subject"]) == {"SN001", "SN006"}
    assert {one.kind for one in reading.departures} == {"missing", "surplus"}


def test_a_video_that_is_none_and_one_that_is_short(fake):
    root = fake("disfa")
    (root / "Videos_LeftCamera" / "LeftVideoSN003_comp.avi").write_text("none")
    for file in (root / "ActionUnit_Labels" / "SN001").iterdir():
        file.write_text(file.read_text() + "17,0\n18,0\n")
    reading = read(root)
    assert [one.path for one in reading.departures if one.fatal] == [
        str(root / "Videos_LeftCamera" / "LeftVideoSN003_comp.avi")
    ]
    (short,) = [one for one in reading.departures if "18 frames" in one.expected]
    assert short.found.startswith("16")
