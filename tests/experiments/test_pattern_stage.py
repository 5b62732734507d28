"""Pattern-train, freeze, new AU head: the stage, its resumption, and what must not happen."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from actionunits.detect.pipeline import Detector
from actionunits.errors import UserError
from actionunits.experiments.crops import left_out_index, open_crops, used_index
from actionunits.experiments.cross_validate import cross_validate, score_predictions, spec_of
from actionunits.experiments.evaluate import evaluate_run
from actionunits.experiments.pattern_stage import in_codebook
from actionunits.experiments.predict import without_decisions
from actionunits.experiments.recipe import load_recipe
from actionunits.facs.patterns import encode
from actionunits.models.parts.codebook import Codebook
from actionunits.models.weights import load_model, read_header
from actionunits.records import Expression
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.painting import paint_portrait
from actionunits.training.data import CropSamples
from actionunits.training.loop import fit as real_fit

STEPS = ["training.max_steps=4"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Network 4, its own pattern stage before it."""
    run = tmp_path_factory.mktemp("run") / "network4"
    cross_validate(load_recipe("patterns/network4", STEPS, "tiny"), run, cache=cache)
    return run


def weights(state: dict, part: str) -> torch.Tensor:
    chosen = [value.float().flatten() for name, value in state.items() if part in name.split(".")]
    return torch.cat(chosen)


def test_the_convolutions_are_those_of_the_pattern_stage_and_the_head_is_new(trained: Path) -> None:
    for fold in (trained / "fold-1", trained / "fold-2"):
        stage = torch.load(fold / "pretrain" / "best.pt", weights_only=True)["model"]
        model = load_model(fold / "model.safetensors")
        assert torch.equal(weights(model.state_dict(), "trunk"), weights(stage, "trunk"))
        assert not torch.equal(weights(model.state_dict(), "code"), weights(stage, "code"))
        book = Codebook.load(fold / "codebook.json")
        assert stage["model.output.weight"].shape[0] == len(book)
        assert book.aus == model.spec.aus
        assert (fold / "pretrain" / "last.pt").exists()
        assert (fold / "run" / "last.pt").exists()


def test_the_classes_are_those_of_the_training_subjects(trained: Path, cache: Path) -> None:
    recipe = load_recipe("patterns/network4", STEPS, "tiny")
    spec = spec_of(recipe)
    index = used_index(recipe.data, open_crops(recipe.data, spec, cache))
    card = read_header(trained / "fold-1" / "model.safetensors").card
    training = index.take(np.isin(index.table["subject"].to_numpy(str), card["subjects"]["train"]))
    shown = set(encode(training.labels(spec.aus)).tolist())
    assert set(Codebook.load(trained / "fold-1" / "codebook.json").codes().tolist()) <= shown


def test_a_fold_stopped_in_either_stage_goes_on_to_the_same(
    tmp_path: Path, cache: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe("patterns/network4", STEPS, "tiny")
    for stage in ("pretrain", "run"):

        def stopped(*arguments, run: Path, on_progress=None, stage: str = stage, **options):
            def stop(done: int, total: int) -> None:
                if run.name == stage and done == 2:
                    raise KeyboardInterrupt

            return real_fit(*arguments, run=run, on_progress=stop, **options)

        with monkeypatch.context() as patched:
            patched.setattr("actionunits.experiments.train.fit", stopped)
            patched.setattr("actionunits.experiments.pattern_stage.fit", stopped)
            with pytest.raises(KeyboardInterrupt):
                cross_validate(recipe, tmp_path / stage, cache=cache, only=[1])
        assert (tmp_path / stage / "fold-1" / stage / "last.pt").exists()
        cross_validate(recipe, tmp_path / stage, cache=cache, only=[1])
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / stage / "fold-1" / "predictions.parquet"),
            pd.read_parquet(trained / "fold-1" / "predictions.parquet"),
        )


def test_the_weights_of_a_finished_pattern_network_are_taken_but_not_of_one_that_saw_the_test_subjects(
    tmp_path: Path, cache: Path, trained: Path
) -> None:
    cross_validate(load_recipe("patterns/network3", STEPS, "tiny"), tmp_path / "three", cache=cache)
    words = [*STEPS, f"pretrain.run={tmp_path / 'three'}"]
    cross_validate(load_recipe("patterns/network4", words, "tiny"), tmp_path / "four", cache=cache)
    three, four = (load_model(tmp_path / name / "fold-1" / "model.safetensors") for name in ("three", "four"))
    assert torch.equal(weights(three.state_dict(), "trunk"), weights(four.state_dict(), "trunk"))
    assert not (tmp_path / "four" / "fold-1" / "pretrain").exists()
    # the same classes, seeds and steps: what is trained here and what is taken over agree
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "four" / "predictions.parquet"),
        pd.read_parquet(trained / "predictions.parquet"),
    )
    others = load_recipe("patterns/network4", [*words, "folds.seed=5"], "tiny")
    with pytest.raises(UserError, match="has learnt from painted-4-.*who is tested here"):
        cross_validate(others, tmp_path / "others", cache=cache)
    plain = load_recipe("patterns/network4", [*STEPS, f"pretrain.run={trained}"], "tiny")
    with pytest.raises(UserError, match="is not trained on patterns"):
        cross_validate(plain, tmp_path / "plain", cache=cache)


def test_any_network_with_one_output_layer_takes_the_stage(tmp_path: Path, cache: Path) -> None:
    words = ["pretrain.freeze=['trunk.*']", "pretrain.epochs=1", "patterns.at_least=1"]
    cross_validate(load_recipe("facs3d/cnn2d", words, "tiny"), tmp_path / "r", cache=cache, only=[1])
    stage = torch.load(tmp_path / "r" / "fold-1" / "pretrain" / "best.pt", weights_only=True)["model"]
    model = load_model(tmp_path / "r" / "fold-1" / "model.safetensors")
    assert torch.equal(weights(model.state_dict(), "trunk"), weights(stage, "trunk"))
    with pytest.raises(UserError, match="has no single output layer"):
        words = ["pretrain.freeze=['heads.*']", "patterns.at_least=1"]
        cross_validate(load_recipe("caud/heads", words, "tiny"), tmp_path / "c", cache=cache, only=[1])


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("patterns/network1", ["model.name=patterns/network4"], r"takes over trunk\.\* from a training"),
        ("patterns/network3", ["pretrain.freeze=['trunk.*']"], "learns patterns itself"),
        ("patterns/network4", ["pretrain.freeze=[]"], "freeze must name the parts"),
        ("patterns/network4", ["pretrain.frees=['a']"], "did you mean 'freeze'"),
        ("patterns/network3", ["patterns.at_least=0"], "at_least must be 1 or more"),
        ("patterns/network3", ["data.pattern_set=bp4d-13"], "did you mean 'bp4d-12'"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(name: str, changes: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_recipe(name, changes)
    assert "\n" not in str(caught.value)


def test_kept_and_left_out_patterns_share_the_frames(cache: Path) -> None:
    data = replace(load_recipe("patterns/network1", scale="tiny").data, keep_patterns=3)
    crops = open_crops(data, spec_of(load_recipe("patterns/network1", scale="tiny")), cache)
    kept, left_out = used_index(data, crops), left_out_index(data, crops)
    assert len(kept) + len(left_out) == len(crops.index)
    codes = [set(encode(part.labels(part.aus)).tolist()) for part in (kept, left_out)]
    assert len(codes[0]) == 3
    assert not codes[0] & codes[1]


def test_both_decisions_of_a_pattern_network_are_kept_and_scored(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("patterns/network3", ["training.epochs=3", "training.max_steps=9"], "tiny")
    table = cross_validate(recipe, tmp_path, cache=cache)
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    own = predictions[[f"AU{au:02}_d" for au in table.aus]].to_numpy()
    header = read_header(tmp_path / "fold-1" / "model.safetensors")
    assert {"".join(map(str, row)) for row in own[predictions["fold"] == 1]} <= set(header.config["patterns"])
    truth = predictions[[f"AU{au:02}" for au in table.aus]].to_numpy()
    accuracy = score_predictions(predictions, ["ACC"]).values[:, 0]
    np.testing.assert_allclose(accuracy, (own == truth).mean(axis=0))
    said = predictions[[f"AU{au:02}_p" for au in table.aus]].to_numpy() >= 0.5
    by_threshold = score_predictions(without_decisions(predictions), ["ACC"]).values[:, 0]
    np.testing.assert_allclose(by_threshold, (said == truth).mean(axis=0))
    assert np.array_equal(evaluate_run(tmp_path, ["ACC"]).values[:, 0], accuracy)
    assert np.array_equal(evaluate_run(tmp_path, ["ACC"], 0.5).values[:, 0], by_threshold)
    assert json.loads((tmp_path / "run.json").read_text())["model"] == "patterns/network3"


def write_clip(path: Path) -> None:
    """A person who smiles, 12 frames."""
    person = PortraitAnimator(paint_portrait(5, 260))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 12.0, (260, 260))
    for value in np.linspace(0, 4, 12):
        writer.write(person.show(Expression.both({6: value, 12: value})).image[:, :, ::-1])
    writer.release()


def test_networks_4_and_7_run_on_a_video(tmp_path: Path, cache: Path, trained: Path) -> None:
    write_clip(tmp_path / "smile.mp4")
    seven = tmp_path / "network7"
    cross_validate(load_recipe("patterns/network7", scale="tiny"), seven, cache=cache, only=[1])
    for run in (trained, seven):
        results = list(Detector(run / "fold-1" / "model.safetensors").run(tmp_path / "smile.mp4"))
        assert len(results) == 12
        said = np.array([face.probability for result in results for face in result.faces])
        assert said.shape == (12, 12)
        assert ((said >= 0) & (said <= 1)).all()


def test_what_a_network_takes_over_must_be_named() -> None:
    with pytest.raises(UserError, match=r"name trunk.\* in pretrain.freeze, or it would keep"):
        load_recipe("patterns/network4", ["pretrain.freeze=['code.*']"], "tiny")
    with pytest.raises(UserError, match="has 12 digits, got '01'"):
        load_recipe("patterns/network3", ["model.config.patterns=['01']"], "tiny")


def test_frames_without_a_class_are_not_drawn(cache: Path) -> None:
    recipe = load_recipe("patterns/network3", scale="tiny")
    crops = open_crops(recipe.data, spec_of(recipe), cache)
    samples = CropSamples(crops, spec_of(recipe))
    labels = samples.frame_labels[:, 0]
    book = Codebook.from_labels(samples.spec.aus, labels, 1).most_frequent(2)
    some = in_codebook(samples, book)
    assert 0 < len(some) < len(samples)
    assert (book.classes(some.frame_labels[:, 0]) >= 0).all()
    assert len(some.labels) == len(some.subject) == len(some)
    assert np.array_equal(some[0].frames, samples[int(np.flatnonzero(book.classes(labels) >= 0)[0])].frames)
