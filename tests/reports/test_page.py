import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from actionunits.errors import UserError
from actionunits.reports.detection import summarise
from actionunits.reports.figures import bars
from actionunits.reports.page import Section, write_detection_page, write_page


def detection() -> pd.DataFrame:
    """25 Hz, 10 frames, face 0; AU12 in frames 2-3 and 7-10, frame 5 without a face; AU4 by probability."""
    frame = np.arange(1, 11)
    shown = np.isin(frame, [2, 3, 7, 8, 9, 10]).astype(float)
    table = pd.DataFrame(
        {
            "frame": frame,
            "face_id": 0,
            "timestamp": (frame - 1) / 25,
            "confidence": 0.9,
            "success": (frame != 5).astype(int),
            "AU12_r": shown * 3,
            "AU12_c": shown,
            "AU12_p": shown * 0.8,
            "AU04_p": np.where(frame == 9, 0.5, 0.1),
        }
    )
    table.loc[frame == 5, ["AU12_r", "AU12_c", "AU12_p", "AU04_p"]] = np.nan
    return table


def test_the_summary_counts_shares_events_and_lengths():
    (face,) = summarise(detection())
    assert (face.frames, face.first_s, face.last_s) == (9, 0.0, 0.36)
    smile, frown = face.units
    assert (smile.au, smile.events) == (12, 2)
    assert smile.share == pytest.approx(6 / 9)
    assert smile.longest_s == pytest.approx(4 / 25)
    assert smile.intensity == 3.0
    assert (frown.au, frown.events, frown.longest_s) == (4, 1, pytest.approx(1 / 25))
    assert np.isnan(frown.intensity)


def test_an_event_ends_where_the_face_is_lost():
    table = detection()
    table["AU12_c"] = np.where(table["success"] == 1, 1.0, np.nan)
    smile = summarise(table)[0].units[0]
    assert (smile.events, smile.share) == (2, 1.0)
    assert smile.longest_s == pytest.approx(5 / 25)


def test_each_face_has_its_own_summary():
    table = detection()
    other = table.assign(face_id=3, AU12_c=0.0)
    faces = summarise(pd.concat([table, other]).sort_values("frame"))
    assert [face.face_id for face in faces] == [0, 3]
    assert [face.units[0].events for face in faces] == [2, 0]


class _Addresses(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_the_detection_page_holds_all_it_shows(tmp_path):
    path = tmp_path / "page.html"
    figure = bars(["AU1"], {"share": [0.5]})
    write_detection_page(
        path,
        source="in/<b>clip & co</b>.mp4",
        model="embedded",
        table=detection(),
        figures={"timeline": figure},
        notes=["a <warning>"],
    )
    text = path.read_text(encoding="utf-8")
    page = _Addresses()
    page.feed(text)
    assert "script" not in page.tags
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "<b>clip" not in text
    assert "a &lt;warning&gt;" in text
    assert re.search(r"AU12 Lip Corner Puller</th>.*66\.7 %.*>3\.00<.*>2<.*>0\.16<", text)
    assert "1 (10.0 %)" in text


def test_a_video_without_any_face_has_a_page(tmp_path):
    table = detection().assign(success=0)
    write_detection_page(tmp_path / "p.html", source="a.mp4", model="m", table=table, figures={})
    assert "No face was found" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_picture_has_a_page(tmp_path):
    write_detection_page(tmp_path / "p.html", source="a.png", model="m", table=detection()[:1], figures={})
    assert "AU12 Lip Corner Puller" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_page_of_sections(tmp_path):
    table = pd.DataFrame({"F1": [0.123456]}, index=["AU1"])
    sections = [Section("Scores", ["1 < 2"], table, digits=2), Section("Empty")]
    write_page(tmp_path / "p.html", "Title", sections, subtitle="synthetic data", notes=["careful"])
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "1 &lt; 2" in text
    assert '<td class="n">0.12</td>' in text
    assert "synthetic data" in text


def test_a_picture_must_be_a_picture(tmp_path):
    with pytest.raises(ValueError, match="PNG"):
        write_page(tmp_path / "p.html", "t", [Section("s", figures={"x": b"GIF"})])
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        write_page(tmp_path / "absent" / "p.html", "t", [])
