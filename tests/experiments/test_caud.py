"""Seed 002 from end to end: emotions, AU heads on their encoder, an AU added, sets joined, two countings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from actionunits.datasets.emotion_pictures import emotion_pictures
from actionunits.datasets.fakes import FakeSize
from actionunits.datasets.folds import Fold
from actionunits.datasets.joined import join_data_sets
from actionunits.errors import UserError
from actionunits.experiments.add_au import add_aus
from actionunits.experiments.caud_runs import emotion_line, emotion_run
from actionunits.experiments.cross_validate import cross_validate
from actionunits.experiments.emotions import aca_difference, score_emotions
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.head_stage import take_encoder
from actionunits.experiments.recipe import load_recipe
from actionunits.experiments.reproduce import reproduce
from actionunits.experiments.reproduced import Request
from actionunits.experiments.scores import score_predictions, score_tables, score_with_errors, with_errors
from actionunits.facs.emotions import EMOTIONS
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model
from actionunits.models.weights import load_model, read_header
from actionunits.records import LabelIndex

AUS = [1, 4, 12]
METRICS = ["F1", "F1-half", "AP", "F1-oracle"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crops")


@pytest.fixture(scope="module")
def emotions(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    run = tmp_path_factory.mktemp("runs") / "emotions"
    cross_validate(load_recipe("caud/emotion_net", scale="tiny"), run, cache=cache)
    return run


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory, cache: Path, emotions: Path) -> Path:
    run = tmp_path_factory.mktemp("runs") / "heads"
    changes = [f"model.config.aus={AUS}", f"heads.encoder={emotions}", "training.max_steps=4"]
    cross_validate(load_recipe("caud/heads", changes, "tiny"), run, cache=cache)
    return run


def test_emotions_are_scored_with_their_confusions(emotions: Path) -> None:
    table = pd.read_csv(emotions / "emotions.csv", index_col=0)
    assert list(table.index) == [*EMOTIONS, "average (ACA)"]
    predictions = pd.read_parquet(emotions / "predictions.parquet")
    said = predictions[[f"emotion_{name}" for name in EMOTIONS]]
    assert said.sum(axis=1).to_numpy() == pytest.approx(1.0, abs=1e-5)
    names = said.columns[said.to_numpy().argmax(axis=1)].str.removeprefix("emotion_")
    wanted = balanced_accuracy_score(predictions["emotion"], names)
    assert table.loc["average (ACA)", "accuracy"] == pytest.approx(wanted)
    confusion = pd.read_csv(emotions / "confusion.csv", index_col=0)
    assert confusion.to_numpy().sum(axis=1) == pytest.approx(1.0)
    card = read_header(emotions / "fold-1" / "model.safetensors").card
    assert card["started_from"] == "random weights" or "ImageNet" in card["started_from"]


def test_heads_are_trained_alone_on_the_emotion_networks_encoder(heads: Path, emotions: Path) -> None:
    fold = heads / "fold-1"
    encoder = load_model(emotions / "fold-1" / "model.safetensors").encoder.state_dict()
    scores = [
        read_header(emotions / f"fold-{n}" / "model.safetensors").card["validation_score"] for n in (1, 2)
    ]
    chosen = emotions / f"fold-{1 + int(np.argmax(scores))}" / "model.safetensors"
    model = load_model(fold / "model.safetensors")
    for name, tensor in load_model(chosen).encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], tensor)
    assert set(encoder) == set(model.encoder.state_dict())
    card = read_header(fold / "model.safetensors").card
    assert set(card["heads"]) == {"AU01", "AU04", "AU12"}
    assert card["encoder"].endswith(read_header(chosen).digest)
    assert card["heads"]["AU01"]["steps"] >= 1
    names = {path.name for path in (fold / "heads").iterdir()}
    assert {"au01.safetensors", "au01.json"} <= names
    assert not any(name.startswith(("codes", "run-", "validation-codes")) for name in names)


def test_a_stopped_fold_goes_on_to_the_same_heads(
    tmp_path: Path, heads: Path, cache: Path, emotions: Path
) -> None:
    changes = [f"model.config.aus={AUS}", f"heads.encoder={emotions}", "training.max_steps=4"]
    recipe = load_recipe("caud/heads", changes, "tiny")
    fold = tmp_path / "cut" / "fold-1" / "heads"
    cross_validate(recipe, tmp_path / "cut", cache=cache, only=[1])
    before = (fold / "au01.safetensors").stat().st_mtime_ns
    for name in ("heads/au12.safetensors", "model.safetensors", "predictions.parquet"):
        (tmp_path / "cut" / "fold-1" / name).unlink()
    cross_validate(recipe, tmp_path / "cut", cache=cache, only=[1])
    assert (fold / "au01.safetensors").stat().st_mtime_ns == before
    ours, theirs = (
        read_header(run / "fold-1" / "model.safetensors").digest for run in (tmp_path / "cut", heads)
    )
    assert ours == theirs


def test_an_added_au_leaves_the_others_to_the_bit(tmp_path: Path, heads: Path) -> None:
    old_file = heads / "fold-1" / "model.safetensors"
    added = add_aus("caud/add_au", ["data.sequences=12"], "tiny", [20], old_file, tmp_path)
    old, new = load_model(old_file), load_model(added.model)
    assert new.spec.aus == (*AUS, 20)
    pictures = TensorBatch(torch.randn(5, 1, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    with torch.no_grad():
        assert torch.equal(new(pictures).logits[..., :3], old(pictures).logits)
        alone = load_model(tmp_path / "new" / "fold-1" / "model.safetensors")
        assert torch.equal(new(pictures).logits[..., 3:], alone(pictures).logits)
    before, after = read_header(old_file), read_header(added.model)
    assert after.card["thresholds"][:3] == before.card["thresholds"]
    assert len(after.card["thresholds"]) == 4
    assert after.card["added"][0]["aus"] == [20]
    assert after.card["subjects"] == before.card["subjects"]
    assert list(score_tables(added.run, added.metrics))
    with pytest.raises(UserError, match="has a head for AU12 already"):
        add_aus("caud/add_au", [], "tiny", [12], old_file, tmp_path / "x")
    with pytest.raises(UserError, match="AU99 is not known"):
        add_aus("caud/add_au", [], "tiny", [99], old_file, tmp_path / "x")


def test_an_encoder_that_has_seen_the_tested_people_is_refused(emotions: Path, heads: Path) -> None:
    model = build_model("caud/heads", {"units": 8, "aus": [12], "size_px": 64})
    file = emotions / "fold-1" / "model.safetensors"
    seen = read_header(file).card["subjects"]["train"][0]
    with pytest.raises(UserError, match="who is tested here"):
        take_encoder(model, str(file), Fold((), (), (seen,)))
    assert take_encoder(model, str(file), Fold((), (), ("a stranger",))).startswith(
        "caud/emotion_net sha256:"
    )
    with pytest.raises(UserError, match="there is no model in|no model file"):
        take_encoder(model, str(heads / "fold-1" / "heads"), Fold((), (), ()))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("caud/heads", "batches.sampler=aus", "balanced AU by AU"),
        ("caud/heads", "batches.augment.flip=0.5", "balanced AU by AU"),
        ("caud/emotion_net", "heads.balance=false", "has no heads to train one by one"),
        ("caud/emotion_net", "data.frames=3", "single pictures"),
        ("caud/emotion_net", "data.sets.rafd=x", "give both, or neither"),
        ("caud/emotion_net", "data.name=joined", "say what is joined"),
        ("caud/heads", "heads.jitter_share=0.7", "within 0 to .5"),
        ("caud/emotion_net", "scores.choose_by=ACCA", "unknown metric"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(name: str, change: str, message: str) -> None:
    with pytest.raises((UserError, ValueError), match=message):
        load_recipe(name, [change])


# ---------------------------------------------------------------- the joined data sets


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("sets")
    for name, variant in (("ckplus", None), ("bosphorus", None), ("rafd", "cameras")):
        make_fake(name, place / name, FakeSize(subjects=3, sequences=1, frames=4), variant=variant)
    return {name: place / name for name in ("ckplus", "bosphorus", "rafd")}


def test_the_joined_sets_hold_pictures_with_emotions_only(sets: dict[str, Path]) -> None:
    reading, base = join_data_sets(sets, emotion_pictures)
    table = reading.index.table
    assert set(table["dataset"].astype(str)) == set(sets)
    assert set(table["emotion"].astype(str)) <= set(EMOTIONS)
    assert all((base / path).is_file() for path in table["path"].astype(str))
    faces = table[table["dataset"] == "bosphorus"]
    assert set(faces["view"].astype(str)) == {"frontal"}
    assert not faces["sequence"].astype(str).str.startswith(("O_", "YR_", "LFAU", "UFAU")).any()
    cameras = table.loc[table["dataset"] == "rafd", "view"].astype(str)
    assert set(cameras) == {"000", "045", "090", "135", "180"}
    coded = LabelIndex.make(pd.DataFrame({"subject": ["a"], "sequence": "s", "frame": 1, "AU12": 0}))
    with pytest.raises(UserError, match="has no emotions"):
        emotion_pictures("bp4d", coded)


def test_emotions_are_learnt_from_three_sets_at_once(tmp_path: Path, sets: dict[str, Path]) -> None:
    request = Request("tiny", tmp_path / "runs", sets=sets)
    run = emotion_run(request, "alexnet")
    assert emotion_line(request).startswith("Data: bosphorus + ckplus + rafd, 9 people")
    folds = json.loads((run / "folds.json").read_text())
    for fold in folds["folds"]:
        assert {who.split("/")[0] for who in fold["test"]} == set(sets)
        assert {who.split("/")[0] for who in (*fold["train"], *fold["validation"])} == set(sets)
    missed = pd.read_parquet(run / "missed.parquet")
    assert set(missed.loc[missed["dataset"] == "rafd", "view"]) >= {"000", "180"}  # half a face: not found
    emotions = pd.read_csv(run / "emotions.csv", index_col=0)
    assert emotions["faces not found"].iloc[-1] == len(missed)
    assert (emotions["accuracy, not found = error"] <= emotions["accuracy"] + 1e-12).all()
    words = [f"bp4d={sets['rafd']}", f"rafd={sets['rafd']}"]
    with pytest.raises(UserError, match="bp4d has no emotions"):
        reproduce("caud", "table1", tmp_path / "x", data=words, scale="tiny")
    with pytest.raises(UserError, match="one data set of AUs"):
        reproduce("caud", "table3", tmp_path / "x", data=[words[0], f"disfa={sets['rafd']}"], scale="tiny")


# ---------------------------------------------------------------- two countings


def _predictions(labels: np.ndarray, said: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fold": 1,
            "dataset": "d",
            "subject": [f"s{n % 3}" for n in range(len(labels))],
            "sequence": "q",
            "frame": np.arange(len(labels)),
            "AU12": labels.astype(np.int8),
            "AU12_p": said,
            "AU12_t": 0.4,
        }
    )


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 0.99)), min_size=1, max_size=30),
    st.lists(st.integers(-1, 1), max_size=12),
)
def test_a_face_not_found_is_an_error_at_any_threshold(
    seen: list[tuple[int, float]], lost: list[int]
) -> None:
    labels, said = (np.array(values) for values in zip(*seen, strict=True))
    predictions = _predictions(labels, said)
    missed = _predictions(np.array(lost, np.int8), np.zeros(len(lost))).drop(columns=["AU12_p", "AU12_t"])
    counted = with_errors(predictions, missed)
    assert len(counted) == len(seen) + len(lost)
    known = [label for label in lost if label >= 0]
    truth = [*labels, *known]
    if 1 in truth:
        decided = [*(said >= 0.4).astype(int), *(1 - label for label in known)]
        ours = score_with_errors(predictions, missed, METRICS).values[0]
        assert ours[0] == pytest.approx(f1_score(truth, decided, zero_division=0))
        if 1 in labels:
            plain = score_predictions(predictions, METRICS).values[0]
            assert (ours <= plain + 1e-12).all()
        best = 0.0
        for limit in said:
            decided = [*(said >= limit).astype(int), *(1 - label for label in known)]
            best = max(best, f1_score(truth, decided, zero_division=0))
        assert ours[3] == pytest.approx(best)


def test_accuracies_count_missed_faces_and_people_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    rows = 120
    truth = rng.choice(EMOTIONS, rows)
    felt = rng.dirichlet(np.ones(8), rows)
    table = pd.DataFrame({"dataset": "d", "subject": [f"s{n % 6}" for n in range(rows)], "emotion": truth})
    table = table.join(pd.DataFrame(felt, columns=[f"emotion_{name}" for name in EMOTIONS]))
    missed = pd.DataFrame({"dataset": "d", "subject": ["s1"] * 10, "emotion": ["fear"] * 10})
    scores = score_emotions(table, missed)
    said = np.array(EMOTIONS)[felt.argmax(axis=1)]
    assert scores.average() == pytest.approx(balanced_accuracy_score(truth, said))
    with_lost = balanced_accuracy_score([*truth, *missed["emotion"]], [*said, *["no face"] * 10])
    assert scores.average(with_errors=True) == pytest.approx(with_lost)
    value, low, high = scores.interval()
    assert low <= value <= high
    assert aca_difference(scores, scores) == (0.0, 0.0, 0.0)
    everyone_right = table.copy()
    everyone_right[[f"emotion_{name}" for name in EMOTIONS]] = np.eye(8)[
        [EMOTIONS.index(name) for name in truth]
    ]
    apart, low, high = aca_difference(score_emotions(everyone_right), score_emotions(table))
    assert apart == pytest.approx(1 - scores.average())
    assert low > 0
    unknown = table.assign(emotion="")
    assert np.isnan(score_emotions(unknown).average())
