"""From a folder of portraits to a model file that `au detect` takes, its card and its page."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from actionunits.detect.backends import load_backend
from actionunits.errors import UserError
from actionunits.experiments.embedded import learning as learning_module
from actionunits.experiments.embedded import unseen
from actionunits.experiments.embedded.calibrate import choose_thresholds, thresholds_of_others
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.learning import deal_people, predictor
from actionunits.experiments.embedded.measure import VIEWS, real_faces, store_batches
from actionunits.experiments.embedded.people import find_people
from actionunits.experiments.embedded.recipe import load_embedded_recipe
from actionunits.experiments.embedded.store import PictureStore
from actionunits.experiments.embedded.train import _predictor_of, train_embedded
from actionunits.experiments.embedded.unseen import Unseen, joined, said_of, score_of
from actionunits.faces.point_network import own_network
from actionunits.models.embedded.net import MeanOfNetworks, build
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
    assert "works in 8 bits" in " ".join((file.parent / "card.md").read_text().split())
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
    assert card["photographs"] == {"neutral": 2, "smiling": 2, "doubtful": 0}
    assert card["test"]["real"]["people"] == 1
    assert card["test"]["on_smiles"] is None, "painted smiles have their lips shut"
    assert set(card["test"]["groups"]) == {"sex: female"}
    assert card["held_back"] is None
    page = card_page(card)
    assert "| sex: female | 1 |" in page
    assert page.count("(in the mean)") == 2


SETTLED = [*TINY, "folds=3", "mixed_share=1.0", "real_share=0.0"]


@pytest.fixture(scope="module")
def settled(trained, tmp_path_factory):
    """The file, its card, the parts of the people and the rows that each run learnt from."""
    out = tmp_path_factory.mktemp("settled") / "out"
    faces = trained[0].parent.parent / "faces"
    learnt_from, fit = {}, learning_module.fit

    def remember(model, batches, settings, *, run, validate, **others):
        assert validate is None, "nobody is left to choose the epoch by"
        learnt_from[run.name] = batches.rows
        return fit(model, batches, settings, run=run, validate=validate, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning_module, "fit", remember)
        file = train_embedded([faces], None, out, load_embedded_recipe(SETTLED), workers=1)
    return file, json.loads((out / "card.json").read_text()), _parts(faces), learnt_from


def _parts(faces):
    recipe = load_embedded_recipe(SETTLED)
    people = find_people([faces], validation=recipe.split.validation, test=recipe.split.test)
    return deal_people(people.with_validation_learnt(), recipe)


def test_a_settled_recipe_learns_from_all_but_the_test_people(settled):
    file, card, _, learnt_from = settled
    assert card["subjects"] == {
        "train": ["faces/0", "faces/1", "faces/3"],
        "validation": [],
        "test": ["faces/2"],
    }
    store = PictureStore(file.parent / "train")
    np.testing.assert_array_equal(learnt_from["run-1"], np.arange(len(store)))
    assert (np.asarray(store.second) >= 0).any()
    page = (file.parent / "card.md").read_text()
    assert page == card_page(card)
    told = " ".join(page.split())
    assert "one of 3 parts of the people" in told
    assert "recipe was chosen on 1 of these people" in told
    assert load_backend(file).card == card


def test_its_limits_come_from_networks_that_did_not_see_the_people(settled):
    file, card, parts, learnt_from = settled
    store = PictureStore(file.parent / "train")
    names = np.array(store.layout.subjects)
    assert sorted(photo.subject for part in parts for photo in part.photographs if photo.neutral) == [*names]
    for part in parts:
        rows, held = learnt_from[f"run-1-{part.name}"], {photo.subject for photo in part.photographs}
        assert not held & {*names[store.subject[rows]], *names[store.second[rows]]}
    scores = card["held_back"]
    assert scores["real"]["people"] == scores["real"]["neutral"] == 3
    assert scores["animated"]["pictures"] == len(PictureStore(file.parent / "held-back"))


def test_its_judges_are_files_that_name_whom_they_did_not_see(settled):
    file, card, parts, learnt_from = settled
    out, recipe = file.parent, load_embedded_recipe(SETTLED)
    spec = build(recipe.model).spec
    store = PictureStore(out / "train")
    stores = {name: PictureStore(out / name) for name in ("held-back", "held-back-smiles")}
    files = [out / f"{part.name}.onnx" for part in parts]
    said = [
        said_of(_predictor_of(judge), part.unseen(stores, spec), spec)
        for judge, part in zip(files, parts, strict=True)
    ]
    np.testing.assert_allclose(card["thresholds"], choose_thresholds(joined(said), spec.aus), atol=1e-4)
    for number, (judge, part) in enumerate(zip(files, parts, strict=True)):
        backend = load_backend(judge)
        held = sorted({photo.subject for photo in part.photographs})
        assert backend.name == f"default {part.name} {card['version']}"
        assert backend.card["subjects"]["validation"] == held
        rows = learnt_from[f"run-1-{part.name}"]
        learnt = {store.layout.subjects[who] for who in {*store.subject[rows], *store.second[rows]} - {-1}}
        assert learnt <= {*backend.card["subjects"]["train"]} == {*card["subjects"]["train"]} - {*held}
        others = choose_thresholds(joined(said[:number] + said[number + 1 :]), spec.aus)
        np.testing.assert_allclose(backend.thresholds, others, atol=1e-4)
        assert not np.allclose(backend.thresholds, card["thresholds"], atol=1e-3)
    assert not list(out.glob("draft*"))


def _learning(out, recipe):
    return learning_module.Learning(PictureStore(out / "train"), recipe, out, None, None)


def test_the_card_holds_what_the_judges_of_both_seeds_say(settled):
    file, card, parts, _ = settled
    out, recipe = file.parent, load_embedded_recipe(SETTLED)
    learning, spec = _learning(out, recipe), build(recipe.model).spec
    whole = load_model(file.with_name("default.safetensors"))
    own = read_header(file.with_name("default.safetensors")).card
    stores = {name: PictureStore(out / name) for name in ("held-back", "held-back-smiles")}
    said = []
    for part in parts:
        judge = MeanOfNetworks.of([learning.network(seed, part)[0] for seed in card["seeds_kept"]])
        judge.calibration_scale.copy_(whole.calibration_scale)
        judge.calibration_shift.copy_(whole.calibration_shift)
        said.append(said_of(predictor(judge), part.unseen(stores, spec), spec))
    together = joined(said)
    np.testing.assert_allclose(own["thresholds"], choose_thresholds(together, spec.aus), atol=1e-4)
    assert own["validation_score"] == pytest.approx(score_of(together, spec), abs=1e-4)
    people = [photo for part in parts for photo in part.photographs]
    of_held = unseen.tested(together, people, spec, thresholds_of_others(said, spec.aus))
    alarms = own["held_back"]["real"]["false_alarms_on_neutral"]
    assert [*alarms.values()] == pytest.approx([*of_held.smiles.false_alarms.values()], abs=1e-4)
    assert own["held_back"]["animated"]["f1"] == pytest.approx(of_held.animated.f1, abs=1e-4, nan_ok=True)
    assert card["thresholds"] != own["thresholds"], "the file in 8 bits has its own"
    finals = MeanOfNetworks.of([learning.network(seed)[0] for seed in card["seeds_kept"]]).state_dict()
    kept = whole.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in finals.items() if "calibration" not in name)


def test_who_does_not_see_some_people_sees_as_many_pictures_of_each_kind():
    nan, aus = np.nan, (4, 12, 17)
    kinds = {  # second, labels, intensity
        "plain": (-1, [1, 0, 0], [3.0, 0.0, 0.0]),
        "mixed": (1, [0, 1, 0], [0.0, 4.0, 0.0]),
        "neutral": (-1, [0, 0, 0], [0.0, 0.0, 0.0]),
        "smile": (-1, [-1, 1, 0], [nan, nan, nan]),
        "on a smile": (-1, [1, -1, -1], [3.0, nan, nan]),
        "doubtful": (-1, [1, -1, 0], [3.0, nan, 0.0]),
    }
    names = [name for name, count in zip(kinds, (6, 4, 3, 5, 2, 7), strict=True) for _ in range(count)]
    second, labels, intensity = zip(*(kinds[name] for name in names), strict=True)
    store = SimpleNamespace(
        second=np.array(second),
        labels=np.array(labels, np.int8),
        intensity=np.array(intensity),
        layout=SimpleNamespace(aus=aus),
    )
    kept = np.array([row for row in range(len(names)) if row % 2])
    rows = learning_module._as_mixed_as(store, kept)
    assert set(rows.tolist()) == set(kept.tolist())
    assert sorted(names[row] for row in rows) == sorted(names)


def test_a_run_does_not_go_on_with_other_people(settled):
    file, _, parts, _ = settled
    learning = _learning(file.parent, load_embedded_recipe(SETTLED))
    with pytest.raises(UserError, match="run-1-without-1-of-3 holds a training on other pictures or people"):
        learning.network(1, replace(parts[1], name=parts[0].name))


def test_too_few_people_for_the_folds_are_told(trained):
    faces = trained[0].parent.parent / "faces"
    people = find_people([faces], validation=["faces/1"], test=["faces/2"])
    with pytest.raises(UserError, match=r"folds=4 needs portraits of as many people .* got 3: give more"):
        recipe = load_embedded_recipe([*SETTLED, "folds=4"])
        deal_people(people.with_validation_learnt(), recipe)
    with pytest.raises(UserError, match="without folds validation people are needed"):
        deal_people(people.with_validation_learnt(), load_embedded_recipe(TINY))


def test_one_fold_is_none_and_patience_needs_a_choice():
    with pytest.raises(UserError, match="folds must be 0, or 2 and more, got 1"):
        load_embedded_recipe([*TINY, "folds=1"])
    with pytest.raises(UserError, match="training.patience needs people who choose"):
        load_embedded_recipe([*SETTLED, "training.patience=2"])
