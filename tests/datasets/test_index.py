import numpy as np
import pandas as pd
import pytest

from actionunits.datasets.index import concatenate, read_index, write_index
from actionunits.errors import UserError
from actionunits.records import INDEX_COLUMNS, LabelIndex


def index(**more) -> LabelIndex:
    table = pd.DataFrame(
        {
            "dataset": "bp4d",
            "subject": ["F001", "F001", "F001", "M001"],
            "sequence": ["T1", "T2", "T1", "T1"],
            "frame": [7, 1, 6, 3],
            "AU12": [1, 0, -1, 1],
            "AU01": [0, 0, 1, 1],
            "AU12_r": [3.0, 0.0, np.nan, 1.5],
            "AU12_side": ["L", "", "", "R"],
        }
    )
    return LabelIndex.make(table.assign(**more))


def test_make_orders_rows_and_columns():
    made = index()
    assert tuple(made.table.columns) == (*INDEX_COLUMNS, "AU01", "AU12", "AU12_r", "AU12_side")
    assert made.table["frame"].tolist() == [6, 7, 1, 3]
    assert made.labels([12, 1]).tolist() == [[-1, 1], [1, 0], [0, 0], [1, 1]]
    assert made.labels([12]).dtype == np.int8
    np.testing.assert_array_equal(made.intensities([12])[:, 0], [np.nan, 3.0, 0.0, 1.5])
    assert (made.aus, made.intensity_aus, len(made)) == ((1, 12), (12,), 4)


def test_sequences_and_frame_gaps():
    made = index()
    assert made.sequence_numbers().tolist() == [0, 0, 1, 2]
    assert made.starts().tolist() == [True, False, True, True]
    gappy = made.table.assign(frame=[6, 9, 1, 3])
    assert LabelIndex(gappy).starts().tolist() == [True, False, True, True]
    assert LabelIndex(gappy).starts(frame_gaps=True).tolist() == [True, True, True, True]


def test_views_are_sequences_of_their_own():
    made = LabelIndex.make(
        pd.DataFrame(
            {"subject": "S", "sequence": "1", "frame": [1, 1], "view": ["left", "right"], "AU01": [0, 1]}
        )
    )
    assert made.starts().tolist() == [True, True]


def test_a_frame_that_occurs_twice_is_named():
    with pytest.raises(UserError, match="F001 T1 frame 7"):
        index(frame=[7, 1, 7, 3])


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("AU12", [1, 0, 9, 1], "-1, 0 and 1"),
        ("AU12_r", [6.0, 0, 0, 0], "0 to 5"),
        ("AU12_x", [1, 0, 0, 1], "AU12_x"),
    ],
)
def test_values_and_columns_are_checked(column, values, message):
    with pytest.raises(ValueError, match=message):
        index(**{column: values})


def test_scattered_sequences_and_wrong_types_are_refused():
    table = index().table
    with pytest.raises(ValueError, match="stand together"):
        LabelIndex(table.iloc[[0, 2, 1, 3]].reset_index(drop=True))
    with pytest.raises(ValueError, match="int8"):
        LabelIndex(table.assign(AU12=table["AU12"].astype(int)))
    with pytest.raises(ValueError, match="starts with"):
        LabelIndex(table[["subject", "frame"]])


def test_an_uncoded_au_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=r"no labels for AU 4: this index has 1 12"):
        index().labels([12, 4])
    with pytest.raises(UserError, match=r"no intensities for AU 1"):
        index().intensities([1])


def test_take():
    made = index()
    assert made.take(made.labels([12])[:, 0] == 1).table["frame"].tolist() == [7, 3]
    assert made.take(np.array([0, 2])).table["frame"].tolist() == [6, 1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_index_comes_back(tmp_path, suffix):
    made = index(
        subject=["001", "001", "001", "NA"], time_s=[0.1, np.nan, 1 / 3, 0.0], emotion=["", "joy", "", "x"]
    )
    path = tmp_path / f"index{suffix}"
    write_index(path, made)
    back = read_index(path)
    pd.testing.assert_frame_equal(back.table, made.table, check_categorical=False)
    assert back.table["subject"].tolist() == ["001", "001", "001", "NA"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_index_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no index at"):
        read_index(tmp_path / "absent.csv")
    for name, content in {"a.csv": b"x,y\n1,2\n", "b.parquet": b"text", "c.csv": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="is not an index") as caught:
            read_index(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"\.parquet or \.csv"):
        write_index(tmp_path / "x.json", index())


def test_joined_indices_leave_uncoded_aus_unknown():
    other = LabelIndex.make(
        pd.DataFrame(
            {"dataset": "disfa", "subject": "SN001", "sequence": "1", "frame": [1, 2], "AU04": [1, 0]}
        )
    )
    both = concatenate([index(), other])
    assert both.labels([4]).ravel().tolist() == [-1, -1, -1, -1, 1, 0]
    assert both.labels([12]).ravel().tolist() == [-1, 1, 0, 1, -1, -1]
    assert np.isnan(both.intensities([12])[4:]).all()
    assert both.table["AU12_side"].tolist() == ["", "L", "", "R", "", ""]
    with pytest.raises(UserError, match="occur once"):
        concatenate([index(), index()])


def test_an_empty_index_has_its_columns():
    empty = index().take(np.zeros(4, bool))
    assert len(empty) == 0
    assert empty.labels([12]).shape == (0, 1)
    assert empty.starts().shape == (0,)
