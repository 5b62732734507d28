"""The shipped model: small enough, complete, and giving the numbers that it gave when it was made."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.detect.backends import load_backend
from actionunits.detect.pipeline import Detector
from actionunits.facs.motion import TEMPLATE_POINTS
from actionunits.facs.points import MIRROR_68
from actionunits.facs.sets import DEFAULT_17
from actionunits.records import Batch

#: Probabilities of the AUs on the photograph of the astronaut.
GOLDEN = [
    0.241,
    0.327,
    0.106,
    0.358,
    1.000,
    0.053,
    0.066,
    0.000,
    1.000,
    0.000,
    0.000,
    0.000,
    0.000,
    0.000,
    0.000,
    1.000,
    0.001,
]

WEIGHTS = resources.files("actionunits") / "weights"


@pytest.fixture(scope="module")
def card():
    return json.loads((WEIGHTS / "card.json").read_text())


def test_it_is_at_most_4_megabytes():
    assert 1e5 < len((WEIGHTS / "default.onnx").read_bytes()) <= 4e6


def test_the_card_inside_is_the_card_beside(card):
    backend = load_backend()
    assert backend.spec.aus == DEFAULT_17 == tuple(card["aus"])
    np.testing.assert_allclose(backend.thresholds, card["thresholds"], atol=1e-6)
    assert ((backend.thresholds > 0.02) & (backend.thresholds < 0.98)).all()


def test_nobody_was_trained_on_and_scored(card):
    parts = [set(card["subjects"][use]) for use in ("train", "validation", "test")]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert len(parts[2]) == 15
    assert not parts[1], "they are learnt from"
    assert card["recipe"]["chosen_on"] == 15


def test_on_unseen_people_it_beats_the_unlearned_rule_and_chance(card):
    real, animated = card["test"]["real"], card["test"]["animated"]
    assert real["auc_smiling_against_neutral"]["12"] > real["unlearned_rule_auc"]
    assert min(animated["auc"]) > 0.6
    assert real["smile_above_own_neutral"] == 1.0
    assert max(real["false_alarms_on_neutral"].values()) <= 0.15


def test_the_card_tells_of_each_seed_and_of_groups(card):
    scores = {each["seed"]: each["validation_score"] for each in card["seeds"]}
    assert len(scores) >= 3
    best = sorted(scores, key=scores.__getitem__, reverse=True)[: len(card["seeds_kept"])]
    assert sorted(card["seeds_kept"]) == sorted(best), "by those held back"
    assert card["recipe"]["model"]["members"] == len(best)
    assert {"sex: female", "sex: male"} <= set(card["test"]["groups"])


def test_probabilities_and_thresholds_hold_on_people_who_were_not_learnt_from(card):
    assert max(card["test"]["animated"]["calibration"]) <= 0.05
    held = card["held_back"]
    assert held["real"]["neutral"] == 87
    assert max(held["real"]["false_alarms_on_neutral"].values()) <= 0.05
    assert held["pairs"]["neutral"] == held["pairs"]["smiles"] == 47
    assert held["pairs"]["auc_smiling_against_neutral"]["12"] > 0.92


def test_it_tells_left_from_right(card):
    told = dict(zip(card["aus"], card["test"]["animated"]["sides"], strict=True))
    assert told[12] > 0.9
    assert told[25] is None
    assert load_backend().gives_sides


def test_the_page_tells_what_the_card_holds(card):
    from actionunits.experiments.embedded.card_page import card_page

    assert (WEIGHTS / "README.md").read_text() == card_page(card)


def test_a_card_of_people_of_whom_nobody_is_there_both_ways_can_be_read(card):
    from actionunits.experiments.embedded.card_page import card_page

    page = card_page(card | {"held_back": card["held_back"] | {"pairs": None}})
    assert "Nobody is there with both photographs" in " ".join(page.split())


def test_the_page_counts_the_calls_on_all_neutral_photographs_together(card):
    from actionunits.experiments.embedded.card_page import card_page

    def called(on_held_back: dict[str, int], on_tested: dict[str, int]) -> str:
        changed = deepcopy(card)
        for part, counts in (("held_back", on_held_back), ("test", on_tested)):
            real = changed[part]["real"]
            shares = real["false_alarms_on_neutral"]
            for au in shares:
                shares[au] = round(counts.get(au, 0) / real["neutral"], 4)
        return " ".join(card_page(changed).split())

    assert "that makes 102 neutral photographs" in called({}, {})
    assert "what is most often called on them is none." in called({}, {})
    assert "on them is AU4, 3 (0.029, 95 % interval up to 0.084)" in called({"4": 2, "12": 2}, {"4": 1})
    assert "on them is AU2 and AU12, 4 each (0.039, " in called({"2": 3, "12": 4}, {"2": 1, "24": 1})


def test_the_readme_tells_what_the_card_holds(card):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    real = card["test"]["real"]
    for au in ("12", "6"):
        numbers = (real["auc_smiling_against_neutral"][au], *real["auc_intervals"][au])
        auc, low, high = (f"{number:.3f}".removeprefix("0") for number in numbers)
        assert f"{auc} [{low}, {high}]" in readme
    assert f"17 AUs {np.mean(card['test']['animated']['auc']):.3f}".replace(" 0.", " .") in readme
    called = {1: "once", 2: "twice"}[round(sum(real["false_alarms_on_neutral"].values()) * 15)]
    assert f"{called} in 255" in readme
    held = card["held_back"]["pairs"]
    auc, low, high = (
        f"{number:.3f}".removeprefix("0")
        for number in (held["auc_smiling_against_neutral"]["12"], *held["auc_intervals"]["12"])
    )
    assert f"{auc} [{low}, {high}]" in readme
    assert re.search(rf"{round(15 * real['au12_hit_rate'])}\s+of the 15 posed smiles are called AU12", readme)


@pytest.mark.shared
def test_the_card_holds_what_the_model_does(card, shared_data):
    from actionunits.experiments.embedded.measure import real_faces, smile_scores
    from actionunits.experiments.embedded.people import find_people
    from actionunits.faces.batch import collate

    people = find_people(
        [shared_data / "faces" / "london"],
        validation=card["subjects"]["validation"],
        test=card["subjects"]["test"],
    )
    backend = load_backend()

    faces = real_faces(people.test, backend.spec)
    probability = backend.predict(collate(faces.samples, backend.spec)).probability[:, 0]
    scores = smile_scores(probability, faces, backend.spec, backend.thresholds)
    real = card["test"]["real"]
    assert scores.people == real["people"] == 15
    assert scores.auc[12][0] == pytest.approx(real["auc_smiling_against_neutral"]["12"], abs=0.01)
    assert scores.rule_auc[0] == pytest.approx(real["unlearned_rule_auc"], abs=0.01)


@pytest.fixture(scope="module")
def astronaut(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "astronaut.png"
    cv2.imwrite(str(path), data.astronaut()[:, :, ::-1])
    return next(iter(Detector().run(path))).faces[0]


def test_the_astronaut_smiles(astronaut):
    shown = dict(zip(DEFAULT_17, astronaut.probability, strict=True))
    assert shown[12] > 0.9
    assert max(shown[au] for au in (4, 9, 15, 17, 26)) < 0.3
    assert astronaut.intensity[DEFAULT_17.index(12)] > 2


def test_a_mirrored_face_has_its_sides_changed(astronaut):
    backend, rng = load_backend(), np.random.default_rng(2)
    size, mirror = backend.spec.size_px, list(MIRROR_68)
    frames = cv2.GaussianBlur(rng.normal(0, 60, (size, size)).astype(np.float32), (0, 0), 4)[None, None, None]
    points = (TEMPLATE_POINTS[:68] * backend.spec.inter_ocular_px + rng.normal(0, 2, (68, 2))).astype(
        np.float32
    )
    points += (size - 1) / 2
    mirrored = (points * (-1, 1) + (size - 1, 0))[mirror].astype(np.float32)
    seen = backend.predict(Batch(frames, landmarks=points[None, None]))
    other = backend.predict(Batch(frames[..., ::-1].copy(), landmarks=mirrored[None, None]))
    np.testing.assert_allclose(other.probability, seen.probability, atol=0.03)
    np.testing.assert_allclose(other.sides, seen.sides[..., ::-1], atol=0.1)
    assert np.nanmax(np.abs(seen.sides[..., 0] - seen.sides[..., 1])) > 0.3


def test_golden_numbers(astronaut):
    np.testing.assert_allclose(astronaut.probability, GOLDEN, atol=0.02)


def test_the_file_tells_nothing_of_the_authors_disk():
    stored = (WEIGHTS / "default.onnx").read_bytes()
    assert b".py" not in stored
    assert b"stack_trace" not in stored
