from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.datasets.elan import CodedEvent, ElanCoding, elan_index, milliseconds, read_elan, write_elan
from actionunits.errors import UserError


def _coding(*events: CodedEvent, aus: tuple[int, ...] = (1, 12)) -> ElanCoding:
    return ElanCoding(tuple((au, None) for au in aus), events)


def _by_hand(path: Path, tiers: dict[str, list[tuple[int, int, str]]]) -> Path:
    """A file as a coder leaves it, not written by this package's writer."""
    from pympi.Elan import Eaf

    document = Eaf(author="coder")
    document.remove_tier("default")
    for name, spans in tiers.items():
        document.add_tier(name)
        for start, end, text in spans:
            document.add_annotation(name, start, end, text)
    document.to_file(str(path))
    return path


@given(st.floats(0, 1e5), st.floats(-4e-7, 4e-7))
def test_a_time_from_a_table_is_the_millisecond_of_the_exact_time(time_s: float, off: float) -> None:
    exact = round(time_s, 6) + off
    assert milliseconds(float(f"{exact:.6f}")) == milliseconds(exact)


@st.composite
def codings(draw: st.DrawFn) -> ElanCoding:
    faces = draw(st.sampled_from([(None,), (0, 1), (3, 7, 12)]))
    aus = draw(st.lists(st.sampled_from([1, 2, 12, 25]), min_size=1, unique=True))
    events = []
    for face in faces:
        for au in aus:
            cuts = sorted(draw(st.sets(st.integers(0, 10**7), max_size=6)))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False):
                peak = draw(st.one_of(st.none(), st.integers(start, end - 1)))
                events.append(CodedEvent(au, start, end, draw(st.sampled_from([None, 1, 3, 5])), peak, face))
    seen = {face: ((0, 10**7),) for face in faces if draw(st.booleans())}
    order = sorted(events, key=lambda e: (e.onset_ms, e.au))
    return ElanCoding(tuple((au, face) for face in faces for au in aus), tuple(order), seen)


@given(codings())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, coding: ElanCoding) -> None:
    path = tmp_path_factory.mktemp("eaf") / "talk.eaf"
    write_elan(path, coding)
    found = read_elan(path)

    def key(event: CodedEvent) -> tuple[int, int, int]:
        return event.onset_ms, event.au, -1 if event.face is None else event.face

    assert found.aus == coding.aus
    assert sorted(found.events, key=key) == sorted(coding.events, key=key)
    assert found.seen == coding.seen
    assert found.other_tiers == ()


def test_the_file_is_what_elan_reads(tmp_path: Path) -> None:
    """Checked with an XML parser, not with the library that wrote it."""
    (tmp_path / "videos").mkdir()
    write_elan(
        tmp_path / "talk.eaf",
        ElanCoding(((12, 0), (12, 1)), (CodedEvent(12, 40, 1200, 4, 800, 1),), {0: ((0, 2000),)}),
        tmp_path / "videos" / "talk one.mp4",
    )
    root = ElementTree.parse(tmp_path / "talk.eaf").getroot()
    assert root.tag == "ANNOTATION_DOCUMENT"
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.attrib["RELATIVE_MEDIA_URL"] == "./videos/talk one.mp4"
    assert media.attrib["MIME_TYPE"] == "video/mp4"
    assert str(tmp_path) not in (tmp_path / "talk.eaf").read_text()
    tiers = {tier.attrib["TIER_ID"]: tier for tier in root.iter("TIER")}
    assert list(tiers) == ["face@0", "AU12@0", "AU12@1"]
    assert tiers["AU12@1"].attrib["PARTICIPANT"] == "face 1"
    assert tiers["AU12@0"].find("ANNOTATION") is None
    slots = {s.attrib["TIME_SLOT_ID"]: int(s.attrib["TIME_VALUE"]) for s in root.iter("TIME_SLOT")}
    one = tiers["AU12@1"].find("ANNOTATION/ALIGNABLE_ANNOTATION")
    assert one is not None
    assert [slots[one.attrib[f"TIME_SLOT_REF{i}"]] for i in (1, 2)] == [40, 1200]
    assert one.findtext("ANNOTATION_VALUE") == "D peak 0.800"


@pytest.mark.parametrize("rate_hz", [12.5, 24000 / 1001, 30.0, 120.0, 997.0])
def test_codes_at_any_frame_rate(tmp_path: Path, rate_hz: float) -> None:
    path = _by_hand(
        tmp_path / "hand.eaf",
        {"AU12": [(500, 1500, "C peak 0.98"), (1700, 1800, "b")], "au 04": [], "face": [(0, 1900, "")]},
    )
    times = np.arange(int(2 * rate_hz)) / rate_hz
    index, notes = elan_index(path, np.arange(len(times)) + 1, times)
    assert notes == []
    assert index.aus == (4, 12)
    at = milliseconds(times)
    smiles = ((at >= 500) & (at < 1500)) | ((at >= 1700) & (at < 1800))
    expected = np.where(at < 1900, smiles, -1)
    np.testing.assert_array_equal(index.labels((12,))[:, 0], expected)
    np.testing.assert_array_equal(index.labels((4,))[:, 0], np.where(at < 1900, 0, -1))
    assert index.intensity_aus == (12,)
    graded = index.intensities((12,))[:, 0]
    peaks = np.flatnonzero(graded > 0)
    assert len(peaks) == 1  # the event without a peak has an unknown intensity, not one for each frame
    assert graded[peaks[0]] == 3
    assert abs(times[peaks[0]] - 0.98) <= 0.5 / rate_hz + 1e-3
    np.testing.assert_array_equal(graded == 0, expected == 0)


@pytest.mark.parametrize(
    ("text", "code", "peak"),
    [
        ("", None, None),
        ("E", 5, None),
        ("12C", 3, None),
        ("AU12 d", 4, None),
        ("peak 1.2 s", None, 1200),
        ("A PEAK 1,25", 1, 1250),
        (" B peak 9.0", 2, None),
    ],
)
def test_what_a_coder_may_write(tmp_path: Path, text: str, code: int | None, peak: int | None) -> None:
    event = read_elan(_by_hand(tmp_path / "h.eaf", {"AU12": [(1000, 2000, text)]})).events[0]
    assert (event.intensity, event.peak_ms) == (code, peak)


@pytest.mark.parametrize("text", ["F", "6B", "strong", "B 1.2", "AU6"])
def test_a_text_that_is_no_code_is_named_with_tier_and_time(tmp_path: Path, text: str) -> None:
    path = _by_hand(tmp_path / "h.eaf", {"AU12": [(1500, 2000, text)]})
    with pytest.raises(UserError, match=rf"tier AU12 at 1\.500 s: '{text}' is no code of AU12"):
        read_elan(path)


def test_faces_are_chosen_and_other_tiers_named(tmp_path: Path) -> None:
    path = _by_hand(tmp_path / "h.eaf", {"AU12@0": [(0, 50, "A")], "AU12@2": [(50, 100, "")], "speech": []})
    with pytest.raises(UserError, match=r"several faces \(0, 2\): choose one with --face"):
        elan_index(path, [1], [0.0])
    with pytest.raises(UserError, match="no face 1: its faces are 0, 2"):
        elan_index(path, [1], [0.0], face=1)
    index, notes = elan_index(path, [1, 2], [0.0, 0.06], face=2)
    assert index.labels((12,))[:, 0].tolist() == [0, 1]
    assert notes == ["tiers that are no AU are left out: speech"]


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no ELAN file"):
        read_elan(tmp_path / "gone.eaf")
    (tmp_path / "bad.eaf").write_text("<ANNOTATION_DOCUMENT>")
    with pytest.raises(UserError, match=r"bad\.eaf cannot be read as an ELAN file"):
        read_elan(tmp_path / "bad.eaf")
    (tmp_path / "other.eaf").write_text("<html></html>")
    with pytest.raises(UserError, match=r"other\.eaf cannot be read as an ELAN file"):
        read_elan(tmp_path / "other.eaf")
    with pytest.raises(UserError, match="no tier of an AU: expected names such as AU12, got gaze"):
        read_elan(_by_hand(tmp_path / "h.eaf", {"gaze": []}))
    with pytest.raises(UserError, match="two tiers of AU12"):
        read_elan(_by_hand(tmp_path / "t.eaf", {"AU12": [], "AU 012": []}))


def test_overwriting_leaves_no_backup(tmp_path: Path) -> None:
    for _ in range(2):
        write_elan(tmp_path / "a.eaf", _coding(CodedEvent(1, 0, 10)))
    assert [p.name for p in tmp_path.iterdir()] == ["a.eaf"]


SAVED_BY_ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-02T10:00:00+01:00" FORMAT="3.0" VERSION="3.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <LICENSE LICENSE_URL=""/>
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///D:/interview.mp4" MIME_TYPE="video/mp4"
            RELATIVE_MEDIA_URL="./interview.mp4"/>
        <PROPERTY NAME="URN">urn:nl-mpi-tools-elan-eaf:1</PROPERTY>
        <PROPERTY NAME="lastUsedAnnotationId">7</PROPERTY>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/>
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="480"/>
        <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="1230"/>
        <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="9000"/>
    </TIME_ORDER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="face">
        <ANNOTATION>
            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
                <ANNOTATION_VALUE>seen</ANNOTATION_VALUE>
            </ALIGNABLE_ANNOTATION>
        </ANNOTATION>
    </TIER>
    <TIER ANNOTATOR="KL" LINGUISTIC_TYPE_REF="default-lt" TIER_ID="AU12">
        <ANNOTATION>
            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a7" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
                <ANNOTATION_VALUE>D peak 0.620</ANNOTATION_VALUE>
            </ALIGNABLE_ANNOTATION>
        </ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="AU28"/>
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
    <CONSTRAINT DESCRIPTION="Time subdivision of parent annotation's time interval, no time gaps allowed
        within this interval" STEREOTYPE="Time_Subdivision"/>
</ANNOTATION_DOCUMENT>
"""


def test_a_file_as_elan_saves_it(tmp_path: Path) -> None:
    (tmp_path / "saved.eaf").write_text(SAVED_BY_ELAN)
    coding = read_elan(tmp_path / "saved.eaf")
    assert coding.aus == ((12, None), (28, None))
    assert coding.events == (CodedEvent(12, 480, 1230, 4, 620),)
    assert coding.seen == {None: ((0, 9000),)}
