from __future__ import annotations

import pytest

from actionunits.detect.pace import frames_hz_of, pace_note
from actionunits.errors import UserError
from actionunits.records import InputSpec

CLIPS, STILLS = InputSpec((12,), 64, 1, clip_length=5), InputSpec((12,), 64, 1)


@pytest.mark.parametrize("rate_hz", [20.0, 24.0, 25.0, 29.97, 31.25])
def test_a_rate_near_the_learnt_one_needs_no_word(rate_hz: float) -> None:
    assert pace_note(CLIPS, 25.0, rate_hz) is None


def test_a_clearly_other_rate_is_told_with_its_way() -> None:
    assert "look slower" in (pace_note(CLIPS, 12.5, 25.0) or "")
    assert "look faster" in (pace_note(CLIPS, 100.0, 25.0) or "")


def test_nothing_is_said_of_stills_pictures_or_unknown_rates() -> None:
    assert pace_note(STILLS, 25.0, 60.0) is None
    assert pace_note(CLIPS, None, 60.0) is None
    assert pace_note(CLIPS, 25.0, None) is None


def test_a_card_gives_a_rate_or_is_refused() -> None:
    assert frames_hz_of({}) is None
    assert frames_hz_of({"frames_hz": 12.5}) == 12.5
    for wrong in ("25", 0, -1.0, [25]):
        with pytest.raises(UserError, match="frames a second"):
            frames_hz_of({"frames_hz": wrong})
