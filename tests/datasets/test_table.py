import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.datasets.check import check
from actionunits.datasets.registry import data_set
from actionunits.datasets.table import read_table, table_index
from actionunits.errors import UserError

OPENFACE = """\
frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU01_c, AU12_c, AU28_c
1, 0, 0.000, 0.98, 1, 0.10, 2.50, 0.00, 1.00, 0.00
2, 0, 0.033, 0.98, 1, 1.40, 0.00, 1.00, 0.00, 1.00
3, 0, 0.067, 0.00, 0, 0.00, 0.00, 0.00, 0.00, 0.00
"""
PYFEAT = """\
FaceRectX,FaceScore,AU01,AU12,input,frame,approx_time
10.0,0.99,0.21,0.93,clip.mp4,0,00:00
11.0,0.98,0.61,0.40,clip.mp4,30,01:01
,,,,clip.mp4,60,01:02
"""


def read(tmp_path, text, name="clip.csv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, **options)


def test_openface_with_its_spaces(tmp_path):
    index = read(tmp_path, OPENFACE)
    assert index.aus == (1, 12, 28)
    assert index.labels([1, 12, 28]).tolist() == [[0, 1, 0], [1, 0, 1], [-1, -1, -1]]
    np.testing.assert_allclose(index.intensities([12])[:, 0], [2.5, 0.0, np.nan])
    assert index.table["time_s"].tolist() == [0.0, 0.033, 0.067]
    assert index.table["subject"].tolist() == ["clip"] * 3


def test_several_faces_are_several_subjects(tmp_path):
    text = "frame,face_id,success,AU12_c\n1,0,1,1\n1,1,1,0\n2,0,1,1\n2,1,1,1\n"
    index = read(tmp_path, text)
    assert index.table["subject"].tolist() == ["clip face 0"] * 2 + ["clip face 1"] * 2
    assert index.labels([12]).ravel().tolist() == [1, 1, 0, 1]


def test_pyfeat_probabilities_and_rows_without_a_face(tmp_path):
    index = read(tmp_path, PYFEAT)
    assert index.labels([1, 12]).tolist() == [[0, 1], [1, 0], [-1, -1]]
    assert index.intensity_aus == ()
    assert index.table["time_s"].tolist() == [0.0, 61.0, 62.0]


def test_our_own_probabilities_count_only_without_occurrence(tmp_path):
    index = read(tmp_path, "frame,AU01_c,AU01_p,AU02_p\n1,0,0.9,0.5\n2,1,0.1,0.49\n")
    assert index.labels([1, 2]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("cell", "label"),
    [("9", -1), ("-1", -1), ("", -1), ("nan", -1), ("0", 0), ("1", 1), (" 1", 1), ("1.0", 1)],
)
def test_each_code(tmp_path, cell, label):
    index = read(tmp_path, f"frame,AU12,AU4\n1,{cell},0\n2,0,0\n")
    assert index.labels([12])[0, 0] == label


def test_an_empty_last_cell_of_a_table_with_tabs(tmp_path):
    index = read(tmp_path, "frame\tAU12\tAU06\n1\t1\t0\n2\t1\t\n\n")
    assert index.labels([12, 6]).tolist() == [[1, 0], [1, -1]]


def test_hand_made_codes_of_intensity(tmp_path):
    text = "subject;sequence;frame;path;au 1;AU06\n"
    text += "F001;T1;1;a.png;0;5\nF001;T1;2;b.png;1;2\nF001;T1;3;c.png;9;1\n"
    index = read(tmp_path, text, positive=2)
    assert index.labels([1, 6]).tolist() == [[0, 1], [1, 1], [-1, 0]]
    assert index.intensities([6]).ravel().tolist() == [5, 2, 1]
    assert index.intensity_aus == (6,)
    assert index.table["path"].tolist() == ["a.png", "b.png", "c.png"]
    assert read(tmp_path, text).labels([6]).ravel().tolist() == [1, 1, 1]


def test_fractions_above_one_are_intensities(tmp_path):
    index = read(tmp_path, "frame,AU12\n1,2.7\n2,0.4\n")
    assert index.labels([12]).ravel().tolist() == [1, 0]
    assert index.intensity_aus == (12,)


def test_names_that_look_like_numbers_stay_text(tmp_path):
    index = read(tmp_path, "subject,sequence,AU1\n001,007,1\n001,007,0\nNA,1,1\n")
    assert index.table["subject"].tolist() == ["001", "001", ""]
    assert index.table["sequence"].tolist()[:2] == ["007", "007"]
    assert index.table["frame"].tolist() == [0, 1, 0]  # counted where the table has none


@pytest.mark.parametrize(
    "change",
    [
        lambda t: b"\xef\xbb\xbf" + t.encode(),
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: (t + "\n\n").encode(),
        lambda t: t.replace(",", "\t").encode(),
        lambda t: t.replace("clip.mp4", '"clip, a.mp4"').encode(),
        lambda t: t.replace("clip.mp4", "Zoë.mp4").encode("latin-1"),
    ],
)
def test_marks_line_ends_and_encodings(tmp_path, change):
    index = read(tmp_path, change(PYFEAT))
    assert index.labels([1, 12]).tolist() == [[0, 1], [1, 0], [-1, -1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,AU12\n1,0\n2\n", r"clip.csv line 3: expected 2 cells .* got 1"),
        ("frame,AU12\n1,0,1\n", r"line 2: expected 2 cells .* got 3"),
        ("frame,AU12\n1,0\n\n2,0\n", r"line 3: expected 2 cells"),
        ("frame,AU12\n1,0\n2,x\n", r"line 3, column AU12: expected a number, got 'x'"),
        ("frame,AU12\n1,0\n2,7\n", r"line 3, column AU12: 7 is not"),
        ("frame,AU12_c\n1,2\n", r"line 2, column AU12_c: 2 is not an occurrence"),
        ("frame,AU12_p\n1,1.5\n", r"1.5 is not a probability"),
        ("frame,AU12\n1,0\n1,1\n", r"occur once: table clip clip frame 1"),
        ("frame,AU12\n1.5,0\n", r"line 2: the frame number"),
        ("frame,AU12\n,0\n", r"line 2: the frame number"),
        ("frame,x\n1,0\n", r"no AU column: expected names such as AU12"),
        ("frame,AU12,AU 12\n1,0,0\n", r"the same AU"),
        ("FrameNo\tAU1 Evidence\n1\t0.3\n", r"log odds"),
        ("", r"is empty"),
        ("\n\n", r"is empty"),
        (b"frame,AU12\n\x00\x01", r"not a text file"),
    ],
)
def test_malformed_tables_name_file_and_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_missing_and_mislabelled_files(tmp_path):
    with pytest.raises(UserError, match="no table at"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "x.parquet").write_text("frame,AU12\n1,0\n")
    with pytest.raises(UserError, match="not a Parquet"):
        read_table(tmp_path / "x.parquet")
    with pytest.raises(UserError, match="1 to 5"):
        read(tmp_path, "frame,AU12\n1,0\n", positive=0)


def test_parquet_is_read_as_csv(tmp_path):
    frame = pd.DataFrame({"frame": [1, 2], "AU12": [1, 9]})
    frame.to_parquet(tmp_path / "clip.parquet")
    assert read_table(tmp_path / "clip.parquet").labels([12]).ravel().tolist() == [1, -1]


@given(st.text(alphabet="AU012,;\t\n\"' .-_crpefram9x\r\0é", max_size=80))
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_bytes(("frame,AU12,AU04_c\n1,0,1\n" + text).encode())
    problem = ""
    try:
        codes = set(np.unique(read_table(path).labels([4, 12])))
    except UserError as refusal:
        codes, problem = set(), str(refusal)
    assert "\n" not in problem
    assert codes <= {-1, 0, 1}


def test_a_full_size_table_loads_in_seconds_and_little_memory():
    rng = np.random.default_rng(0)
    rows, aus = 150_000, range(1, 35)
    known = [au for au in aus if au not in (3, 8, 19, 21, 29, 31, 32, 33, 34)] + [43, 45, 46]
    data = {f"AU{au}": rng.integers(0, 2, rows, dtype=np.int8) for au in known}
    sequence = np.arange(rows) // 450
    table = pd.DataFrame(
        {
            "subject": sequence // 8,
            "sequence": sequence,
            "frame": np.arange(rows) % 450,
            "path": "x.jpg",
            **data,
        }
    )
    begin = time.perf_counter()
    index = table_index(table)
    assert time.perf_counter() - begin < 8
    assert index.table.memory_usage(deep=True).sum() < 60e6


def test_check_counts_and_finds_what_is_unusable(tmp_path):
    (tmp_path / "t.csv").write_text("subject,sequence,frame,AU12,AU04\na,1,1,1,9\na,1,2,0,9\nb,1,1,9,9\n")
    report = check("table", data_set("table").read(tmp_path / "t.csv", None))
    assert (report.subjects, report.sequences, report.frames, report.usable) == (2, 2, 3, True)
    assert report.units.loc["AU12"].tolist() == [1, 1, 1, 0.5, 0]
    assert report.to_dict()["units"]["AU04"]["base_rate"] is None
    (tmp_path / "u.csv").write_text("frame,AU12\n1,9\n")
    assert not check("table", data_set("table").read(tmp_path / "u.csv", None)).usable
    with pytest.raises(UserError, match="unknown data set"):
        data_set("tabel")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("frame,AU01,AU01\n1,1,0\n", "line 1: two columns are called 'AU01'"),
        ("frame,AU01\n1,1\n99999999999999999999,0\n", "line 3: the frame number"),
    ],
)
def test_a_doubled_column_and_a_frame_beyond_counting_are_refused(tmp_path, text, expected):
    (tmp_path / "doubled.csv").write_text(text)
    with pytest.raises(UserError, match=expected):
        read_table(tmp_path / "doubled.csv")
