"""From a folder of portraits to a model file that `au detect` takes, its card and its page."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from actionunits.detect.backends import load_backend
from actionunits.errors import UserError
from actionunits.experiments.embedded import train as train_module
from actionunits.experiments.embedded.calibrate import choose_thresholds
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.measure import VIEWS, real_faces, store_batches
from actionunits.experiments.embedded.people import find_people
from actionunits.experiments.embedded.recipe import load_embedded_recipe
from actionunits.experiments.embedded.store import PictureStore
from actionunits.experiments.embedded.train import _predictor_of, predictor, train_embedded
from actionunits.experiments.embedded.unseen import Unseen, said_of, score_of
from actionunits.faces.point_network import own_network
from actionunits.models.embedded.net import build
from actionunits.models.weights import load_model, read_header
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
    "folds=0",
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


def test_each_seed_is_scored_and_the_mean_is_kept(trained):
    file, stages, card = trained
    assert [name for name in stages if "seed" in name] == ["training, seed 1", "training, seed 2"]
    assert {each["seed"] for each in card["seeds"]} == {1, 2} == set(card["seeds_kept"])
    alone = sum(p.numel() for p in build(load_embedded_recipe(TINY).model).parameters())
    assert card["parameters"] == 2 * alone
    assert "the mean of 2 networks" in (file.parent / "card.md").read_text()


def test_the_pictures_are_what_the_recipe_says(trained):
    out, data = trained[0].parent, load_embedded_recipe(TINY).data
    shares = ("flat_share", "real_share", "smiling_share", "mixed_share", "doubtful_share")
    shares = (*shares, "lip_tones_share", "even_groups")
    assert min(data.doubtful_share, data.lip_tones_share, data.even_groups) > 0
    train, validation = (PictureStore(out / use).layout for use in ("train", "validation"))
    assert all(getattr(train, name) == getattr(data, name) for name in shares)
    assert validation.doubtful_share == validation.mixed_share == validation.real_share == 0
    assert validation.lip_tones_share == validation.even_groups == 0
    assert train.landmarks_version == validation.landmarks_version == own_network().note["version"]


@pytest.mark.parametrize("change", ["kept=0", "kept=3", "seeds=[1]"])
def test_no_more_seeds_can_be_kept_than_are_trained(change):
    with pytest.raises(UserError, match=r"kept must be within 1 to .*: give kept=1, or more seeds"):
        load_embedded_recipe([*TINY, change])


def test_of_one_that_is_kept_the_validation_people_choose_the_seed(trained):
    out, before = trained[0].parent, trained[2]
    recipe = load_embedded_recipe([*TINY, "kept=1", "eight_bits=false"])
    one = shutil.copytree(out, out.with_name("one"))  # no picture and no network is made again
    file = train_embedded([out.parent / "faces"], None, one, recipe, workers=1)
    card = json.loads((file.parent / "card.json").read_text())
    scores = {each["seed"]: each["validation_score"] for each in card["seeds"]}
    assert scores == {each["seed"]: each["validation_score"] for each in before["seeds"]}
    assert [scores[seed] for seed in card["seeds_kept"]] == [max(scores.values())]
    assert card["validation_score"] == max(scores.values())
    assert not _works_in_8_bits(file)


def _validation(out, photographs, spec):
    animated = list(store_batches(PictureStore(out / "validation"), spec))
    return Unseen(animated, real_faces(photographs, spec, views=VIEWS))


def test_the_file_works_in_8_bits_with_scores_and_thresholds_of_its_own(trained):
    file, _, card = trained
    assert card["eight_bits"] is True
    assert _works_in_8_bits(file)
    assert "works in 8 bits" in (file.parent / "card.md").read_text()
    out, recipe = file.parent, load_embedded_recipe(TINY)
    spec = build(recipe.model).spec
    people = find_people([out.parent / "faces"], validation=recipe.split.validation, test=recipe.split.test)
    said = said_of(_predictor_of(file), _validation(out, people.validation, spec), spec)
    np.testing.assert_allclose(card["thresholds"], choose_thresholds(said, spec.aus), atol=1e-4)
    assert card["validation_score"] == pytest.approx(score_of(said, spec), abs=1e-4)


def test_the_network_in_32_bits_has_a_card_of_its_own(trained):
    file, _, card = trained
    own = read_header(file.with_name("default.safetensors")).card
    assert own["eight_bits"] is False
    assert own["thresholds"] != card["thresholds"]
    network = load_model(file.with_name("default.safetensors"))
    out, recipe = file.parent, load_embedded_recipe(TINY)
    people = find_people([out.parent / "faces"], validation=recipe.split.validation, test=recipe.split.test)
    said = said_of(predictor(network), _validation(out, people.validation, network.spec), network.spec)
    assert own["validation_score"] == pytest.approx(score_of(said, network.spec), abs=1e-4)
    np.testing.assert_allclose(own["thresholds"], choose_thresholds(said, network.spec.aus), atol=1e-4)
    assert not list(out.glob("draft*"))


def _works_in_8_bits(file):
    onnx = pytest.importorskip("onnx")
    return "DequantizeLinear" in {node.op_type for node in onnx.load_model(file).graph.node}


def test_the_card_tells_of_whom_it_is(trained):
    card = trained[2]
    assert card["subjects"] == {
        "train": ["faces/0", "faces/3"],
        "validation": ["faces/1"],
        "test": ["faces/2"],
    }
    assert card["photographs"] == {"neutral": 2, "smiling": 2, "doubtful": 0, "coded_neutral": 2}
    assert card["test"]["real"]["people"] == 1
    assert card["test"]["on_smiles"] is None, "painted smiles have their lips shut"
    assert set(card["test"]["groups"]) == {"sex: female"}
    assert card["held_back"] is None
    page = card_page(card)
    assert "| sex: female | 1 |" in page
    assert page.count("(in the mean)") == 2


SETTLED = [*TINY, "folds=3", "seeds=[1]", "kept=1", "mixed_share=1.0", "real_share=0.0"]


@pytest.fixture(scope="module")
def settled(trained, tmp_path_factory):
    """The file, the card, the rows that each run learnt from, and the people held back."""
    out = tmp_path_factory.mktemp("settled") / "out"
    faces = trained[0].parent.parent / "faces"
    learnt_from, held = {}, []
    fit, hold_back = train_module.fit, train_module._held_back

    def remember(model, batches, settings, *, run, validate, **others):
        assert validate is None, "nobody is left to choose the epoch by"
        learnt_from[run.name] = batches.rows
        return fit(model, batches, settings, run=run, validate=validate, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "fit", remember)
        patch.setattr(train_module, "_held_back", lambda *given: held.extend(hold_back(*given)) or held)
        file = train_embedded([faces], None, out, load_embedded_recipe(SETTLED), workers=1)
    return file, json.loads((out / "card.json").read_text()), learnt_from, held


def test_a_settled_recipe_learns_from_all_but_the_test_people(settled):
    file, card, learnt_from, _ = settled
    assert card["subjects"] == {
        "train": ["faces/0", "faces/1", "faces/3"],
        "validation": [],
        "test": ["faces/2"],
    }
    assert len(learnt_from["run-1"]) == len(PictureStore(file.parent / "train"))
    page = (file.parent / "card.md").read_text()
    assert page == card_page(card)
    assert "one of 3 parts of the people" in page
    assert load_backend(file).card == card


def test_its_limits_come_from_networks_that_did_not_see_the_people(settled):
    file, card, learnt_from, held = settled
    store = PictureStore(file.parent / "train")
    assert sorted(who for part in held for who in part.subjects) == list(store.layout.subjects)
    for part in held:
        rows = learnt_from[f"run-1{part.name}"]
        (who,) = (store.layout.subjects.index(name) for name in part.subjects)
        of_them = (np.asarray(store.subject) == who) | (np.asarray(store.second) == who)
        assert of_them.any()
        np.testing.assert_array_equal(rows, np.flatnonzero(~of_them))
        assert set(part.people.faces.subjects) == part.subjects
    scores = card["held_back"]
    assert scores["real"]["people"] == card["photographs"]["coded_neutral"] == 3
    assert scores["animated"]["pictures"] == len(PictureStore(file.parent / "held-back")) == 48


def test_one_fold_is_none():
    with pytest.raises(UserError, match="folds must be 0, or 2 and more, got 1"):
        load_embedded_recipe([*TINY, "folds=1"])
