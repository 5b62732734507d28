"""Label files as they come out of careless hands: a table, or one clear line that names file and line."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.datasets.adapter import Departure, LabelProblem
from actionunits.datasets.au_codes import parse_au_string
from actionunits.datasets.bp4d import BinghamtonLayout, read_binghamton
from actionunits.datasets.coded_clips import CodingColumns, parse_row
from actionunits.datasets.disfa import read as read_disfa
from actionunits.datasets.label_text import intensity_codes, occurrence_codes, read_numbers, whole_frames
from actionunits.errors import UserError

WHOLE = b"0,1,2,4\n1,0,1,9\n2,1,1,0\n3,0,,0\n"
quickly = settings(max_examples=150, deadline=None)


def written(raw: bytes):
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "F001_T1.csv"
    path.write_bytes(raw)
    return folder, path


@st.composite
def spoiled(draw, whole=WHOLE):
    """A good file with some bytes cut out, changed or put in."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        how = draw(st.sampled_from(["cut", "put", "change"]))
        if how == "put":
            raw[at:at] = draw(st.sampled_from([b"\n", b"\r\n", b",", b"9", b"-", b"x", b"\xef\xbb\xbf", b"\xe9", b" ", b'"', b"\0", b"nan", b"1e9", b"inf"]))  # fmt: skip # noqa: E501
        elif how == "cut":
            del raw[at : at + draw(st.integers(1, 6))]
        elif at < len(raw):
            raw[at] = draw(st.integers(0, 255))
    return bytes(raw)


@quickly
@given(spoiled() | st.binary(max_size=60))
def test_a_file_is_read_or_refused_with_its_name(raw):
    folder, path = written(raw)
    with folder:
        problem = None
        try:
            table = read_numbers(path, header=True)
            frames = whole_frames(table)
            codes = occurrence_codes(table, np.arange(1, table.values.shape[1]))
        except LabelProblem as raised:
            problem = raised
        if problem is not None:
            assert problem.departure.path.startswith(str(path))
            assert problem.departure.fatal
            assert "\n" not in str(problem)
            return
        assert len(np.unique(frames)) == len(frames) == len(codes)
        assert np.isin(codes, (-1, 0, 1)).all()


@quickly
@given(
    st.lists(
        st.tuples(st.integers(0, 9999), st.integers(0, 5) | st.just(9)), min_size=1, unique_by=lambda r: r[0]
    )
)
def test_whole_files_come_back(rows):
    text = "".join(f"{frame},{code}\n" for frame, code in rows)
    folder, path = written(text.encode())
    with folder:
        table = read_numbers(path, header=False, columns=2)
        assert whole_frames(table).tolist() == [frame for frame, _ in rows]
        wanted = [np.nan if code == 9 else code for _, code in rows]
        np.testing.assert_array_equal(intensity_codes(table, 1), np.float32(wanted))


def test_line_numbers_count_blank_lines():
    folder, path = written(b"0,1\n\n\n5,1\n6,x\n")
    with folder:
        with pytest.raises(
            LabelProblem, match=r"F001_T1\.csv line 5: expected a number in column 2, found 'x'"
        ):
            read_numbers(path, header=True)


@settings(max_examples=40, deadline=None)
@given(raw=spoiled())
def test_a_whole_data_set_with_a_spoiled_file_is_read_or_reported(tmp_path_factory, raw):
    root = tmp_path_factory.mktemp("bp4d")
    for task in ("T1", "T2"):
        pictures = root / "BP4D-training" / "F001" / task
        pictures.mkdir(parents=True)
        for frame in (1, 2, 3):
            (pictures / f"{frame:03d}.jpg").write_bytes(b"")
    (root / "AUCoding").mkdir()
    (root / "AUCoding" / "F001_T1.csv").write_bytes(raw)
    (root / "AUCoding" / "F001_T2.csv").write_bytes(WHOLE)
    reading = read_binghamton(root, BinghamtonLayout("bp4d", ("F001",), ("T1", "T2")))
    second = reading.index.take((reading.index.table["sequence"] == "T2").to_numpy())
    assert second.labels([1, 2, 4]).tolist() == [[0, 1, -1], [1, 1, 0], [0, -1, 0]]
    for problem in reading.departures:
        assert "F001_T1" in problem.path or "F001/T1" in problem.path


@settings(max_examples=25, deadline=None)
@given(raw=spoiled(b"1,0\n2,3\n3,5\n"))
def test_disfa_with_a_spoiled_file(tmp_path_factory, raw):
    root = tmp_path_factory.mktemp("disfa")
    folder = root / "ActionUnit_Labels" / "SN001"
    folder.mkdir(parents=True)
    (folder / "SN001_au1.txt").write_bytes(raw)
    reading = read_disfa(root)
    assert all(one.path.startswith(str(root)) and one.remedy for one in reading.departures)


@quickly
@given(st.text(alphabet="0123456789LRABCDE+?,; -", max_size=12) | st.text(max_size=8))
def test_any_au_string_is_read_or_refused(text):
    try:
        codes = parse_au_string(text)
    except UserError as problem:
        codes = str(problem)
    if isinstance(codes, str):
        assert "is no AU" in codes
        return
    assert codes is None or all(1 <= au <= 99 and code.side in ("", "L", "R") for au, code in codes.items())


@quickly
@given(
    st.dictionaries(
        st.integers(1, 64),
        st.tuples(st.sampled_from(["", "L", "R"]), st.booleans(), st.sampled_from(["", *"ABCDE"])),
        min_size=1,
        max_size=5,
    )
)
def test_au_strings_come_back(wanted):
    text = " + ".join(f"{s}{au}{letter}{'?' if doubt else ''}" for au, (s, doubt, letter) in wanted.items())
    codes = parse_au_string(text)
    got = {
        au: (c.side, c.doubtful, "" if c.intensity is None else "ABCDE"[c.intensity - 1])
        for au, c in codes.items()
    }
    assert got == wanted


@quickly
@given(
    st.lists(
        st.sampled_from(["", "1", "EP01", "7", "/", "x", "4+L12", "?", "12?", "99", "happiness"]), max_size=10
    )
)
def test_any_row_of_a_table_is_read_or_refused(row):
    columns = CodingColumns(subject=0, clip=1, onset=2, apexes=(3, 4), offset=5, aus=6, emotion=7)
    try:
        clip = parse_row(Path("table.xlsx"), 7, row, columns, "sub")
    except LabelProblem as problem:
        clip = problem.departure
    if isinstance(clip, Departure):
        assert clip.path == "table.xlsx line 7"
        return
    assert clip.offset is None or clip.onset <= clip.offset
    assert all(apex >= clip.onset for apex in clip.apexes)
