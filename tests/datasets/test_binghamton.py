import numpy as np
import pytest

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.check import check_data_set
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError


def read(name, root):
    return data_set(name).read(root, None)


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def fatal(reading):
    return [one for one in reading.departures if one.fatal]


@pytest.mark.parametrize(("variant", "first"), [("sequences", "0095.jpg"), ("training", "095.jpg")])
def test_both_layouts_give_one_index(fake, variant, first):
    root = fake("bp4d", variant)
    reading = read("bp4d", root)
    index = usable_index(reading)
    assert len(index) == 3 * 2 * 8
    assert set(index.table["subject"]) == {"F001", "F003", "F004"}
    assert index.table["frame"][:8].tolist() == list(range(95, 103))
    assert index.table["path"][0].endswith(f"/F001/T1/{first}")
    assert all((root / path).is_file() for path in index.table["path"])
    assert index.table["path"][8].endswith(".JPG")  # T2's pictures are named in capitals
    np.testing.assert_allclose(index.table["time_s"][0], 95 / 25)
    assert index.intensity_aus == (6, 10, 12, 14, 17)
    assert [one.kind for one in reading.departures] == ["missing"]  # 38 people of BP4D


def test_nine_is_unknown_and_apart_from_0(fake):
    index = read("bp4d", fake("bp4d")).index
    last = index.take(index.table["frame"].to_numpy() == 102)
    assert (last.labels(index.aus) == -1).all()
    rest = index.take(index.table["frame"].to_numpy() < 102)
    assert set(np.unique(rest.labels(index.aus))) == {0, 1}
    assert np.isnan(last.intensities([6, 12])).all()
    assert set(index.aus) & {8, 29, 50, 99} == set()  # coded 9 throughout


@pytest.mark.parametrize(
    ("code", "wanted"), [("9", -1), ("-1", -1), ("", -1), ("1", 1), ("0", 0), (" 1 ", 1)]
)
def test_each_code(fake, code, wanted):
    root = fake("bp4d", "training", subjects=1, sequences=1)
    file = root / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    lines = file.read_text().splitlines()
    cells = lines[3].split(",")
    cells[1] = code
    file.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]))
    index = read("bp4d", root).index
    assert index.labels([1])[2, 0] == wanted


def test_columns_are_taken_by_position(fake):
    legacy, named = (usable_index(read("bp4d", fake("bp4d", v))) for v in ("sequences", "training"))
    aus = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    np.testing.assert_array_equal(legacy.labels(aus), named.labels(aus))
    assert legacy.labels(aus).max() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw + b"\n\n",
        lambda raw: raw.replace(b",", b";"),
    ],
    ids=["bom", "crlf", "blank lines", "semicolons"],
)
def test_byte_order_marks_and_line_ends_do_not_matter(fake, change):
    root = fake("bp4d", subjects=1)
    before = read("bp4d", root).index
    for file in (root / "AUCoding").rglob("*.csv"):
        rewrite(file, change)
    after = usable_index(read("bp4d", root))
    np.testing.assert_array_equal(before.labels(before.aus), after.labels(before.aus))
    np.testing.assert_array_equal(before.intensities([12]), after.intensities([12]))


@pytest.mark.parametrize(
    ("change", "line", "found"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:20]], 9, "100 cells"),
        (lambda lines: [*lines[:4], lines[4] + ",0", *lines[5:]], 5, "101"),
        (lambda lines: [*lines[:2], lines[2].replace(",0", ",x", 1), *lines[3:]], 3, "'x'"),
        (lambda lines: [*lines[:2], lines[2].replace(",0", ",\xe9", 1), *lines[3:]], 3, "number"),
        (lambda lines: [*lines[:2], lines[2].replace(",0", ",5", 1), *lines[3:]], 3, "9 for unknown"),
        (lambda lines: [*lines, lines[3]], 10, "each frame once"),
        (lambda lines: [*lines[:5], "," + lines[5].partition(",")[2], *lines[6:]], 6, "a frame number"),
        (lambda lines: ["frame,left eye", "1,0"], 1, "AU numbers"),
        (lambda lines: ["0,1,2,1", "1,0,0,0"], 1, "AU1 once"),
    ],
    ids=[
        "truncated",
        "a cell too many",
        "text",
        "latin-1",
        "code 5",
        "frame twice",
        "no frame",
        "header",
        "AU twice",
    ],
)
def test_a_malformed_file_is_named_with_its_line_and_the_others_are_read(fake, change, line, found):
    root = fake("bp4d", subjects=1)
    file = root / "AUCoding" / "F001_T1.csv"
    text = "\n".join(change(file.read_text().splitlines()))
    file.write_bytes(text.encode("latin-1"))
    reading = read("bp4d", root)
    (problem,) = fatal(reading)
    assert problem.path == f"{file} line {line}"
    assert found in str(problem)
    assert problem.remedy
    assert set(reading.index.table["sequence"]) == {"T2"}
    with pytest.raises(UserError, match=f"line {line}"):
        usable_index(reading)
    assert not check_data_set("bp4d", root).usable


def test_frames_without_a_picture_are_left_out_and_counted(fake):
    root = fake("bp4d", subjects=1)
    for frame in (97, 98):
        (root / "Sequences(2D+3D)" / "F001" / "T1" / f"{frame:04d}.jpg").unlink()
    reading = read("bp4d", root)
    (absent,) = [one for one in reading.departures if "F001_T1.csv" in one.path]
    assert "none for 2, the first 97" in absent.found
    assert absent.kind == "missing"
    assert not absent.fatal
    assert reading.index.table["frame"][:6].tolist() == [95, 96, 99, 100, 101, 102]
    assert np.isfinite(reading.index.intensities([12])[:5]).all()


def test_two_folders_for_one_person_are_refused(fake):
    root = fake("bp4d")
    people = root / "Sequences(2D+3D)"
    (people / "F004").rename(people / "f001")
    (problem,) = fatal(read("bp4d", root))
    assert problem.found == "F001 and f001"
    assert "subject F001" in problem.expected


def test_missing_and_surplus_files(fake):
    root = fake("bp4d")
    (root / "AUCoding" / "F001_T1.csv").unlink()
    (root / "AUCoding" / "notes.csv").write_text("x\n")
    doubled = root / "Sequences(2D+3D)" / "F001" / "T2"
    (doubled / "095.jpg").write_bytes(b"")
    for picture in (root / "Sequences(2D+3D)" / "F003" / "T1").iterdir():
        picture.unlink()
    (root / "Sequences(2D+3D)" / "F003" / "T1").rmdir()
    kinds = [(one.kind, one.path.removeprefix(str(root))) for one in read("bp4d", root).departures]
    assert ("surplus", "/Sequences(2D+3D)/F001/T1") in kinds
    assert ("surplus", "/AUCoding/notes.csv") in kinds
    assert ("missing", "/AUCoding/F003_T1.csv") in kinds
    assert ("layout", "/Sequences(2D+3D)/F001/T2/095.jpg") in kinds or (
        "layout",
        "/Sequences(2D+3D)/F001/T2/0095.JPG",
    ) in kinds


def test_f041_t7_is_longer_than_its_pictures(fake):
    reading = read("bp4dplus", fake("bp4dplus"))
    assert len(usable_index(reading)) == 3 * 2 * 8
    (long,) = [one for one in reading.departures if "F041_T7" in one.path]
    assert "none for 3" in long.found
    assert set(reading.index.table["task"]) == {"T1", "T7"}


def test_uncoded_tasks_of_bp4dplus_are_no_departure(fake):
    root = fake("bp4dplus")
    (root / "2D+3D" / "F001" / "T2").mkdir()
    assert not [one for one in read("bp4dplus", root).departures if one.kind == "surplus"]


def test_a_wrong_folder(tmp_path):
    with pytest.raises(UserError, match="no folder"):
        read("bp4d", tmp_path / "absent")
    assert {one.kind for one in fatal(read("bp4d", tmp_path))} == {"missing"}
    report = check_data_set("bp4d", tmp_path / "absent")
    assert not report.usable
    assert "no folder" in str(report.departures[0])
    with pytest.raises(UserError, match="leave --positive out"):
        data_set("bp4d").read(tmp_path, 2)


def test_a_second_coding_beside_the_one_that_is_read_is_reported(fake):
    root = fake("bp4d", subjects=1, sequences=1)
    coding = root / "AUCoding"
    (file,) = coding.glob("*.csv")
    newer = coding / "AU_OCC"
    newer.mkdir()
    (newer / file.name).write_bytes(file.read_bytes())
    reading = read("bp4d", root)
    (told,) = [one for one in reading.departures if one.kind == "surplus"]
    assert (told.path, told.found) == (str(coding), f"1 beside it, the first {file.name}")
    assert len(usable_index(reading)) == len(file.read_text().splitlines()) - 1
