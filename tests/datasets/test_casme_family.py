import shutil

import numpy as np
import openpyxl
import pytest

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.registry import data_set
from actionunits.facs.sets import AU_SETS


def read(name, root):
    return data_set(name).read(root, None)


def problems(reading):
    return [one for one in reading.departures if one.fatal]


def edit(path, change):
    """Change a workbook's first sheet."""
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("casme", "sections"),
        ("casme", "cropped"),
        ("casme2", "cropped"),
        ("casme2", "raw"),
        ("casme_squared", None),
    ],
)
def test_listed_aus_are_shown_from_onset_to_offset(fake, name, variant):
    root = fake(name, variant)
    reading = read(name, root)
    index = usable_index(reading)
    assert reading.departures == ()
    assert set(AU_SETS["casme-13"]) <= set(index.aus)
    assert all((root / path).is_file() for path in index.table["path"])
    for event in reading.events:
        own = index.take(
            (
                (index.table["subject"] == event.subject) & (index.table["sequence"] == event.sequence)
            ).to_numpy()
        )
        frames = own.table["frame"].to_numpy()
        last = event.offset if event.offset is not None else max((event.onset, *event.apexes))
        inside = (frames >= event.onset) & (frames <= last)
        assert inside.sum() == last - event.onset + 1
        assert (own.labels(event.aus)[inside] == 1).all()
        if len({e.sequence for e in reading.events}) == len(reading.events):
            assert (own.labels(index.aus)[~inside] == -1).all()


def test_numbers_without_leading_zeros_stand_in_order(fake):
    for name, first in (("casme2", 4), ("casme", 95)):
        index = read(name, fake(name)).index
        assert index.table["frame"][:12].tolist() == list(range(first, first + 12))
        assert index.table["path"][:12].str.extract(r"(\d+)\.jpg")[0].astype(int).tolist() == list(
            range(first, first + 12)
        )


@pytest.mark.parametrize(
    ("text", "shown", "unknown", "sides"),
    [
        ("12", {12}, set(), {}),
        ("L12", {12}, set(), {12: "L"}),
        ("R14", {14}, set(), {14: "R"}),
        ("12?", set(), {12}, {}),
        ("4+L12+R14", {4, 12, 14}, set(), {12: "L", 14: "R"}),
        ("L2+R2", {2}, set(), {}),
        ("4+12?", {4}, {12}, {}),
        ("12D", {12}, set(), {}),
        ("", set(), "all", {}),
        ("/", set(), "all", {}),
        (0, set(), set(), {}),
        ("?", set(), "all", {}),
        (17, {17}, set(), {}),
        ("38+4", {4, 38}, set(), {}),
    ],
)
def test_each_au_string(fake, text, shown, unknown, sides):
    root = fake("casme2", subjects=1, sequences=1)
    table = root / "CASME2-coding-20140508.xlsx"
    edit(table, lambda sheet: sheet.cell(2, 8, text))
    index = usable_index(read("casme2", root)) if unknown != "all" else read("casme2", root).index
    at = index.table["frame"].to_numpy() == 9
    if unknown == "all":
        assert index.aus == ()
        return
    row = dict(zip(index.aus, index.labels(index.aus)[at][0].tolist(), strict=True))
    assert {au for au, code in row.items() if code == 1} == shown
    assert {au for au in AU_SETS["casme-13"] if row.get(au, -1) == -1} == unknown
    coded = {au: index.table[f"AU{au:02d}_side"][at].item() for au in sides}
    assert coded == sides
    if text == "12D":
        assert index.intensities([12])[at, 0] == 4


@pytest.mark.parametrize("cell", [None, 0, "/", ""])
def test_a_missing_apex_is_not_frame_0(fake, cell):
    root = fake("casme2", subjects=1, sequences=1)
    edit(root / "CASME2-coding-20140508.xlsx", lambda sheet: setattr(sheet.cell(2, 5), "value", cell))
    (event,) = read("casme2", root).events
    assert event.apexes == ()
    assert event.centre == (event.onset + event.offset) // 2


def test_two_apexes_and_none_in_casme(fake):
    events = read("casme", fake("casme")).events
    assert sorted({len(event.apexes) for event in events}) == [0, 1, 2]
    assert all(event.onset <= event.centre <= event.offset for event in events)
    assert [event.emotion for event in events][:2] == ["happy", "disgust"]


def test_whole_pictures_come_before_cropped_ones(fake):
    root, cropped = fake("casme", "sections"), fake("casme", "cropped")
    shutil.copytree(cropped / "Cropped", root / "Cropped")
    shutil.rmtree(root / "Section A" / "sub02" / "EP01_2")
    paths = read("casme", root).index.table["path"]
    assert paths.str.startswith("Cropped/sub02/EP01_2").sum() == 12
    assert paths.str.startswith("Section").sum() == 60


def test_case_of_names_does_not_matter(fake):
    root = fake("casme2")
    (root / "Cropped").rename(root / "CROPPED")
    (root / "CROPPED" / "sub02").rename(root / "CROPPED" / "Sub2")
    (root / "CROPPED" / "sub01" / "EP01_01f").rename(root / "CROPPED" / "sub01" / "ep01_01F")
    reading = read("casme2", root)
    assert reading.departures == ()
    assert set(reading.index.table["subject"]) == {"sub01", "sub02", "sub03"}


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (4, "x7", "a frame number in column 4"),
        (8, "12+smile", "AUs such as"),
        (1, "", "subject's number"),
        (4, None, "an onset frame"),
        (5, 999, "onset <= apex <= offset"),
    ],
)
def test_a_bad_row_is_named_and_left_out(fake, column, value, expected):
    root = fake("casme2")
    table = root / "CASME2-coding-20140508.xlsx"
    edit(table, lambda sheet: setattr(sheet.cell(3, column), "value", value))
    reading = read("casme2", root)
    (problem,) = problems(reading)
    assert problem.path == f"{table} line 3"
    assert expected in problem.expected
    assert len(reading.events) == 5


def test_a_row_that_stands_twice(fake):
    root = fake("casme2")
    edit(
        root / "CASME2-coding-20140508.xlsx",
        lambda sheet: sheet.append([cell.value for cell in sheet[2]]),
    )
    (problem,) = problems(read("casme2", root))
    assert problem.path.endswith("line 8")
    assert "row 2" in problem.found


def test_clips_and_rows_that_lack_the_other(fake):
    root = fake("casme2")
    (root / "Cropped" / "sub01" / "EP01_01f").rename(root / "Cropped" / "sub01" / "EP09_01f")
    (root / "Cropped" / "sub02" / "EP01_02f" / "reg_img9.jpg").unlink()
    reading = read("casme2", root)
    assert sorted((one.kind, one.fatal) for one in reading.departures) == [
        ("missing", False),
        ("missing", False),
        ("surplus", False),
    ]
    assert any("none for 1, the first 9" in one.found for one in reading.departures)


def test_naming_rules_of_casme_squared(fake):
    root = fake("casme_squared")
    reading = read("casme_squared", root)
    assert set(reading.index.table["subject"]) == {"s15", "s16", "s17"}
    assert set(reading.index.table["sequence"][:40]) == {"15_0101disgustingteeth"}
    assert set(reading.index.table["task"]) == {"micro"}
    assert {event.kind for event in reading.events} == {"micro", "macro"}
    assert any(event.apexes == () for event in reading.events)

    def turned(sheet):
        for row in sheet.iter_rows():
            row[0].value, row[1].value = row[1].value, row[0].value

    book = openpyxl.load_workbook(root / "CAS(ME)^2code_final.xlsx")
    turned(book["naming rule1"])
    turned(book["naming rule2"])
    book.save(root / "CAS(ME)^2code_final.xlsx")
    again = read("casme_squared", root)
    assert again.index.table.equals(reading.index.table)
    del book["naming rule2"]
    book.save(root / "CAS(ME)^2code_final.xlsx")
    assert "namingrule2" in problems(read("casme_squared", root))[0].expected


def test_only_the_frames_around_an_expression_of_a_long_video_are_used(fake):
    root = fake("casme_squared", subjects=1, sequences=1)
    folder = root / "rawpic" / "s15" / "15_0101disgustingteeth"
    picture = (folder / "img1.jpg").read_bytes()
    for frame in range(100, 200):
        (folder / f"img{frame}.jpg").write_bytes(picture)
    reading = read("casme_squared", root)
    last = max(event.offset for event in reading.events)
    assert reading.index.table["frame"].max() == min(last + 15, 40)
    assert np.diff(reading.index.table["frame"]).min() == 1


@pytest.mark.parametrize(
    "content", [b"", b"Subject,Filename", b"PK\x03\x04 cut short", b"\xd0\xcf\x11\xe0 cut"]
)
def test_a_table_that_is_no_workbook(fake, content):
    root = fake("casme2")
    (root / "CASME2-coding-20140508.xlsx").write_bytes(content)
    reading = read("casme2", root)
    (problem,) = problems(reading)
    assert problem.path.endswith(".xlsx")
    assert len(reading.index) == 0


def test_a_missing_table(fake):
    root = fake("casme")
    (root / "CASME.xls").unlink()
    assert [one.expected for one in problems(read("casme", root))] == ["the table CASME.xls"]


def test_the_kind_of_a_workbook_is_told_by_content(fake):
    root = fake("casme")
    (root / "CASME.xls").rename(root / "CASME.xlsx")
    assert len(read("casme", root).events) == 6
