"""Painted emotions: every one in every view, with the AUs that FACS expects of it."""

import cv2
import numpy as np
import pytest

from actionunits.facs.emotions import EMOTIONS, PROTOTYPES, prototype
from actionunits.facs.motion import MOVING_AUS
from actionunits.synthesis.coded_faces import Difficulty
from actionunits.synthesis.emotion_set import EMOTION_AUS, VIEWS_DEG, EmotionSet


def test_the_prototypes_are_those_of_the_issue_and_can_be_drawn() -> None:
    assert PROTOTYPES["happy"] == (6, 12)
    assert PROTOTYPES["sadness"] == (1, 4, 15)
    assert PROTOTYPES["surprise"] == (1, 2, 5, 26)
    assert PROTOTYPES["fear"] == (1, 2, 4, 5, 7, 20, 26)
    assert PROTOTYPES["anger"] == (4, 5, 7, 23)
    assert PROTOTYPES["disgust"] == (9, 15)
    assert prototype("contempt", {12: 3, 14: 3}).left == {}
    assert set(PROTOTYPES) == set(EMOTIONS)
    assert set(EMOTION_AUS) <= set(MOVING_AUS)


def test_every_person_shows_every_emotion_in_every_view() -> None:
    people = EmotionSet(EMOTION_AUS, subjects=2, sequences=40)
    shown = {(people.emotion(n), people.yaw_deg(n)) for n in range(40)}
    assert shown == {(emotion, yaw) for emotion in EMOTIONS for yaw in VIEWS_DEG}


def test_what_is_shown_is_the_prototype_but_for_slips() -> None:
    plain = Difficulty(weak=0, traces=0, resting=0, changed=0)
    people = EmotionSet(EMOTION_AUS, subjects=1, sequences=40, difficulty=plain)
    for number in range(40):
        values = people.intensities(0, number)[0]
        shown = {au for au, value in zip(EMOTION_AUS, values, strict=True) if value >= 2}
        assert shown == set(PROTOTYPES[people.emotion(number)])
        assert values.max(initial=3) >= 3
    hard = EmotionSet(EMOTION_AUS, subjects=3, sequences=160)
    slips = [
        {au for au, v in zip(EMOTION_AUS, hard.intensities(s, n)[0], strict=True) if v >= 2}
        != set(PROTOTYPES[hard.emotion(n)])
        for s in range(3)
        for n in range(160)
    ]
    assert 0.05 < np.mean(slips) < 0.16


def test_pictures_are_the_same_again_and_turned() -> None:
    people = EmotionSet(EMOTION_AUS, subjects=1, sequences=5, seed=3)
    animator = people.animator(0)
    pictures = [next(people.pictures(animator, 0, number)) for number in range(5)]
    np.testing.assert_array_equal(pictures[4], next(people.pictures(animator, 0, 4)))
    front = next(n for n in range(5) if people.yaw_deg(n) == 0)
    darkest = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY)[:, :130].mean() for each in pictures]
    assert len({round(float(each), 2) for each in darkest}) == 5
    assert front == 2
    with pytest.raises(ValueError, match="stills"):
        EmotionSet(EMOTION_AUS, subjects=1, sequences=5, frames=3)
