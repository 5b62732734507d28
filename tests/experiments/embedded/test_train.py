"""From a folder of portraits to a model file that `au detect` takes, its card and its page."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from actionunits.detect.backends import load_backend
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.recipe import load_embedded_recipe
from actionunits.experiments.embedded.train import train_embedded
from actionunits.synthesis.painting import paint_portrait

TINY = [
    "pictures=96",
    "validation_pictures=48",
    "test_pictures=48",
    "batch=32",
    "epochs=1",
    "real_share=0.5",
    "warmup_steps=1",
    "seeds=[1, 2]",
    'split.validation=["faces/1"]',
    'split.test=["faces/2"]',
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("train")
    faces = place / "faces"
    faces.mkdir()
    for person in range(4):
        image = paint_portrait(person, 200).image[:, :, ::-1]
        cv2.imwrite(str(faces / f"{person}_neutral.png"), image)
        cv2.imwrite(str(faces / f"{person}_smiling.png"), image[:, ::-1])
    people = "person,face_gender\n1,female\n2,female\n"
    (place / "faces_people.csv").write_text(people)
    stages: list[str] = []

    def stage(name, unit):
        stages.append(name)
        return lambda done, total: None

    recipe = load_embedded_recipe(TINY)
    file = train_embedded([faces], None, place / "out", recipe, stage=stage, workers=1)
    return file, stages, json.loads((file.parent / "card.json").read_text())


def test_the_file_runs_and_holds_its_card(trained):
    file, _, card = trained
    backend = load_backend(file)
    assert backend.card == card
    np.testing.assert_allclose(backend.thresholds, card["thresholds"], atol=1e-6)
    assert (file.parent / "card.md").read_text() == card_page(card)


def test_each_seed_is_scored_and_the_best_by_validation_people_is_kept(trained):
    _, stages, card = trained
    assert [name for name in stages if "seed" in name] == ["training, seed 1", "training, seed 2"]
    scores = {each["seed"]: each["validation_score"] for each in card["seeds"]}
    assert set(scores) == {1, 2}
    assert scores[card["seed"]] == max(scores.values()) == card["validation_score"]


def test_the_card_tells_of_whom_it_is(trained):
    card = trained[2]
    assert card["subjects"] == {
        "train": ["faces/0", "faces/3"],
        "validation": ["faces/1"],
        "test": ["faces/2"],
    }
    assert card["photographs"] == {"neutral": 2, "smiling": 2}
    assert card["real_test"]["people"] == 1
    assert card["animated_on_smiles"] is None, "painted smiles have their lips shut"
    assert set(card["real_test_groups"]) == {"sex: female"}
    page = card_page(card)
    assert "| sex: female | 1 |" in page
    assert page.count("(shipped)") == 1
