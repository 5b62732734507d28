import numpy as np
import pytest

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.bosphorus import parse_name
from actionunits.datasets.check import check, check_data_set
from actionunits.datasets.fakes import fake_variants
from actionunits.datasets.registry import DATA_SETS, MODULES, data_set
from actionunits.errors import UserError


def read(name, root):
    return data_set(name).read(root, None)


def row(index, sequence, **where):
    mask = np.array(index.table["sequence"] == sequence)
    for name, value in where.items():
        mask &= (index.table[name] == value).to_numpy()
    return index.take(mask)


def test_ckplus_codes_the_first_and_the_last_picture(fake):
    root = fake("ckplus")
    reading = read("ckplus", root)
    index = usable_index(reading)
    first, *between, last = row(index, "001", subject="S005").labels(index.aus)
    assert (first == 0).all()
    assert all((codes == -1).all() for codes in between)
    event = reading.events[0]
    assert [au for au, code in zip(index.aus, last, strict=True) if code == 1] == list(event.aus)
    assert set(last.tolist()) == {0, 1}
    assert event.apexes == (event.offset,)
    emotions = row(index, "001", subject="S005").table["emotion"].tolist()
    assert emotions[0] == "neutral"
    assert emotions[1:-1] == [""] * len(between)
    assert emotions[-1] == "contempt"
    assert row(index, "002", subject="S005").table["emotion"].tolist()[-1] == ""  # not all are labelled


def test_ckplus_intensity_0_is_not_given(fake):
    root = fake("ckplus", subjects=1, sequences=1)
    (file,) = (root / "FACS").rglob("*.txt")
    file.write_text("   1.2000000e+01   0.0000000e+00\n   6.0000000e+00   3.0000000e+00\n")
    index = usable_index(read("ckplus", root))
    assert index.labels([6, 12, 4])[-1].tolist() == [1, 1, 0]
    np.testing.assert_array_equal(index.intensities([6, 12, 4])[-1], [3, np.nan, 0])


@pytest.mark.parametrize(
    ("part", "text", "expected"),
    [
        ("FACS", "12 9\n", "an intensity 0 to 5"),
        ("FACS", "12\n", "2 cells"),
        ("FACS", "smile 2\n", "a number in column 1"),
        ("FACS", "120 1\n", "an AU's number"),
        ("Emotion", "8\n", "an emotion 0 to 7"),
    ],
)
def test_ckplus_bad_labels_are_named(fake, part, text, expected):
    root = fake("ckplus", subjects=1, sequences=1)
    (file,) = (root / part).rglob("*.txt")
    file.write_text(text)
    (problem,) = [one for one in read("ckplus", root).departures if one.fatal]
    assert problem.path == f"{file} line 1"
    assert problem.expected == expected


def test_ckplus_without_its_peak_gives_the_labels_to_no_other_picture(fake):
    root = fake("ckplus", subjects=1, sequences=1)
    pictures = sorted((root / "cohn-kanade-images").rglob("*.png"))
    pictures[-1].unlink()
    reading = read("ckplus", root)
    assert (reading.index.labels(reading.index.aus)[1:] == -1).all()
    assert reading.index.table["emotion"].tolist() == ["neutral", *[""] * (len(pictures) - 2)]
    assert reading.events[0].aus == ()
    named = [one for one in reading.departures if "as the last one" in one.expected]
    assert sorted((one.kind, one.path[-8:]) for one in named) == [
        ("missing", "facs.txt"),
        ("missing", "tion.txt"),
    ]


def test_ckplus_without_labels_of_a_sequence(fake):
    root = fake("ckplus", subjects=2, sequences=1)
    next((root / "FACS").rglob("*.txt")).unlink()
    reading = read("ckplus", root)
    assert [one.kind for one in reading.departures] == ["missing"]
    assert (usable_index(reading).take(reading.index.starts()).labels(reading.index.aus) == 0).all()


@pytest.mark.parametrize(
    ("name", "aus", "emotion", "view"),
    [
        ("bs000_E_HAPPY_0", (), "happy", "frontal"),
        ("bs012_N_N_1", (), "neutral", "frontal"),
        ("bs000_LFAU_12LW_0", ((12, ""),), "", "frontal"),
        ("bs000_LFAU_12L_0", ((12, "L"),), "", "frontal"),
        ("bs000_LFAU_12R_1", ((12, "R"),), "", "frontal"),
        ("bs000_UFAU_4_0", ((4, ""),), "", "frontal"),
        ("bs000_CAU_A26A12LW_0", ((26, ""), (12, "")), "", "frontal"),
        ("bs000_YR_R10_0", (), "neutral", "YR_R10"),
        ("bs000_O_EYE_0", (), "", "O_EYE"),
    ],
)
def test_bosphorus_names(name, aus, emotion, view):
    found = parse_name(name)
    assert (found.aus, found.emotion, found.view) == (aus, emotion, view)
    assert found.neutral == ("_N_N" in name)


@pytest.mark.parametrize("name", ["bs000", "bs000_LFAU_smile_0", "IMG_0001", "bs000_XX_1_0"])
def test_other_names_are_no_bosphorus_pictures(name):
    assert parse_name(name) is None


def test_bosphorus_codes_what_the_name_says_and_nothing_else(fake):
    root = fake("bosphorus", subjects=2)
    (root / "bs000" / "holiday.png").write_bytes(b"")
    reading = read("bosphorus", root)
    index = usable_index(reading)
    assert (row(index, "N_N_0").labels(index.aus) == 0).all()
    smile = row(index, "LFAU_12L_0").take(np.array([0]))
    assert smile.labels([12, 4]).tolist() == [[1, -1]]
    assert smile.table["AU12_side"].tolist() == ["L"]
    assert (row(index, "E_HAPPY_0").labels(index.aus) == -1).all()
    assert [one.path for one in reading.departures] == [str(root / "bs000" / "holiday.png")]


def test_rafd_has_emotions_cameras_and_gaze(fake):
    index = usable_index(read("rafd", fake("rafd", "cameras")))
    assert index.aus == ()
    assert set(index.table["view"]) == {"000", "045", "090", "135", "180"}
    assert set(index.table["emotion"]) == {
        "anger", "contempt", "disgust", "fear", "happy", "neutral", "sadness", "surprise",
    }  # fmt: skip
    assert set(index.table["sequence"]) >= {"happy_frontal", "sad_left"}
    assert index.starts().all()


def test_rafd_two_people_of_one_number(fake):
    root = fake("rafd")
    old = root / "Rafd090_01_Caucasian_male_happy_frontal.jpg"
    old.rename(root / "Rafd090_01_Kid_female_happy_frontal.jpg")
    (root / "readme.jpg").write_bytes(b"")
    report = check_data_set("rafd", root)
    assert {one.fatal for one in report.departures if "two people" in one.remedy} == {True}
    assert not report.usable
    assert report.kinds["surplus"] == 1


def test_a_set_of_emotions_only_is_usable(fake):
    report = check_data_set("rafd", fake("rafd", subjects=2, sequences=1))
    assert report.usable
    assert report.emotions["happy"] == 2
    assert report.to_dict()["emotions"]["fear"] == 2
    assert report.units.empty


def test_a_table_reports_absent_pictures(fake):
    root = fake("table", subjects=2, sequences=1)
    (root / "pictures" / "p01" / "1" / "3.jpg").unlink()
    reading = read("table", root)
    assert len(usable_index(reading)) == 15
    assert reading.departures[0].found.endswith("the first pictures/p01/1/3.jpg")
    assert (reading.index.labels([1, 12])[-1] == -1).all()


@pytest.mark.parametrize("name", MODULES)
def test_every_data_set_is_described_has_a_fake_and_is_read(fake, name):
    described = DATA_SETS[name]
    assert described.name == name
    assert described.title
    assert described.access
    root = fake(name, fake_variants(name)[-1], subjects=2)
    reading = described.read(root, None)
    report = check(name, reading)
    assert report.usable
    assert report.subjects == 2
    assert report.frames == len(reading.index) > 0
    assert set(reading.index.table["dataset"]) == {name}
    assert report.events[0] == len(reading.events)


@pytest.mark.parametrize("name", MODULES)
def test_an_empty_folder_is_not_usable(tmp_path, name):
    report = check_data_set(name, tmp_path)
    assert not report.usable
    assert all(one.path and one.expected and one.remedy for one in report.departures)
    assert report.departures


def test_unknown_names_and_full_folders(tmp_path, fake):
    with pytest.raises(UserError, match="did you mean 'bp4d'"):
        data_set("bp4")
    with pytest.raises(UserError, match="variant"):
        fake("bp4d", "x")
    (tmp_path / "casme-None").mkdir()
    (tmp_path / "casme-None" / "x").write_text("")
    with pytest.raises(UserError, match="not empty"):
        fake("casme")
