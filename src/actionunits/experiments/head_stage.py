"""Training of AU heads one by one on the codes of one frozen encoder (seed 002).

The encoder looks at each training picture once, whatever the number of heads and epochs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import lightning.fabric as lf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.folds import Fold
from actionunits.detect.backends import model_of_run
from actionunits.errors import UserError
from actionunits.experiments.recipe import HeadSettings, Recipe
from actionunits.metrics.scoring import score_table
from actionunits.models.caud.emotion_net import EmotionNet
from actionunits.models.caud.heads import Caud, CodedHead, with_encoder
from actionunits.models.interface import AUModel, to_tensors
from actionunits.models.weights import load_model, read_header, tensor_digest
from actionunits.records import OnProgress
from actionunits.training.balance import Copies, plan_copies
from actionunits.training.codes import CodeBatches, Codes, code_batch, encode_once
from actionunits.training.data import CropSamples
from actionunits.training.loop import TrainResult, fit
from actionunits.training.settings import TrainSettings

__all__ = ["TrainedHeads", "take_encoder", "train_heads"]


@dataclass(frozen=True)
class TrainedHeads:
    """What came of the heads.

    Attributes:
        result: of all together: steps added up, the mean of the best validation scores.
        records: AU to what its training came to.
    """

    result: TrainResult
    records: dict[str, dict[str, float | int | str | None]]


def take_encoder(model: AUModel, source: str, fold: Fold) -> str:
    """Give a network the encoder of an emotion network, or of another network with heads.

    Args:
        model: changed in place.
        source: a model file, or the run that holds it.
        fold: nobody that the encoder has learnt from may be tested in it.

    Returns:
        The file's name and the digest of its tensors.

    Raises:
        UserError: no such model, or one that has seen who is tested here.
    """
    assert isinstance(model, Caud)
    path = Path(source)
    path = model_of_run(path) if path.is_dir() else path
    file = read_header(path)
    subjects = file.card.get("subjects", {})
    seen = {*subjects.get("train", ()), *subjects.get("validation", ())} & {*fold.test}
    if seen:
        raise UserError(f"{path} has learnt from {sorted(seen)[0]}, who is tested here: take other people")
    encoder = load_model(path)
    if not isinstance(encoder, EmotionNet | Caud):
        raise UserError(f"{path} is a {file.name}: give a caud/emotion_net, or a caud/heads, as the encoder")
    with_encoder(model, encoder)
    return f"{file.name} {file.digest}"


def train_heads(
    model: AUModel,
    recipe: Recipe,
    train: CropSamples,
    validation: CropSamples,
    settings: TrainSettings,
    out: Path,
    *,
    on_progress: OnProgress | None = None,
) -> TrainedHeads:
    """Train every head of a network by itself, in place; heads that are done are kept.

    ``out`` gets ``heads`` with each AU's weights, log and record; the codes are removed at the end.

    Args:
        model: its encoder is frozen and ready.
        recipe: the experiment, with ``[heads]``.
        train: what is learnt from.
        validation: what chooses each head's epoch; may be empty.
        settings: of each head's training.
        out: the fold's folder.
        on_progress: called with (steps done, steps in all).

    Raises:
        UserError: several devices, a training part without an AU's both classes, or see
            :func:`~actionunits.training.loop.fit`.
    """
    assert isinstance(model, Caud)
    assert recipe.heads is not None
    if settings.devices != 1:
        raise UserError("heads are trained one by one on one device: leave --devices out")
    folder = make_directory(out / "heads")
    aus = model.config.aus
    waiting = [au for au in aus if not (folder / f"au{au:02d}.safetensors").exists()]
    if waiting:
        device = lf.Fabric(accelerator=settings.accelerator, devices=1).device
        plan = _plan(train, recipe.heads, settings.seed)
        codes = _codes_of_copies(model, train, plan, folder / "codes", device, on_progress)
        checks = _codes_of(model, validation, folder / "validation-codes", device)
        model.cpu()
        for au in waiting:
            column = aus.index(au)
            rows = plan.rows[column]
            labels = train.labels[plan.sample[rows], column]
            _train_one(model, au, recipe, codes, rows, labels, checks, validation, settings, folder)
    records = {}
    for au in aus:
        model.heads[f"au{au}"].load_state_dict(load_file(folder / f"au{au:02d}.safetensors"))
        records[f"AU{au:02d}"] = json.loads((folder / f"au{au:02d}.json").read_text(encoding="utf-8"))
    for name in ("codes", "validation-codes"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return TrainedHeads(_together(records), records)


def _plan(train: CropSamples, heads: HeadSettings, seed: int) -> Copies:
    return plan_copies(
        train.labels,
        most=heads.most_copies if heads.balance else 0,
        jitter_share=heads.jitter_share,
        mirrored=heads.mirror,
        seed=seed,
    )


def _codes_of_copies(
    model: Caud,
    samples: CropSamples,
    plan: Copies,
    folder: Path,
    device: torch.device,
    on_progress: OnProgress | None,
) -> Codes:
    from actionunits.faces.batch import collate

    def pictures(rows: Sequence[int]) -> Tensor:
        shown = [plan.show(row, samples[int(plan.sample[row])]) for row in rows]
        return to_tensors(collate(shown, samples.spec), device).frames

    key = _key(model, samples, plan)
    model.eval().to(device)
    return encode_once(folder, len(plan), pictures, model.encode, key=key, on_progress=on_progress)


def _codes_of(model: Caud, samples: CropSamples, folder: Path, device: torch.device) -> Codes | None:
    if len(samples) == 0:
        return None

    def pictures(rows: Sequence[int]) -> Tensor:
        return to_tensors(samples.batch(rows, samples.spec), device).frames

    model.eval().to(device)
    return encode_once(folder, len(samples), pictures, model.encode, key=_key(model, samples, None))


def _key(model: Caud, samples: CropSamples, plan: Copies | None) -> str:
    """What the codes are of."""
    digest = hashlib.sha256(tensor_digest(model.encoder.state_dict()).encode())
    digest.update(samples.cache.digest.encode())
    digest.update(np.ascontiguousarray(samples.rows).tobytes())
    digest.update("\n".join(samples.subject.tolist()).encode())
    if plan is not None:
        digest.update(np.stack([plan.sample, plan.copy, plan.mirrored]).tobytes())
        digest.update(f"{plan.jitter_share} {plan.seed}".encode())
    return digest.hexdigest()


def _train_one(
    model: Caud,
    au: int,
    recipe: Recipe,
    codes: Codes,
    rows: NDArray[np.int64],
    labels: NDArray[np.int8],
    checks: Codes | None,
    validation: CropSamples,
    settings: TrainSettings,
    folder: Path,
) -> None:
    """One head: its weights, log and record appear in the folder."""
    if not len(rows):
        raise UserError(f"AU{au} is coded in no training picture: leave it out, or take other data")
    run = folder / f"run-au{au:02d}"
    column = model.config.aus.index(au)
    head = CodedHead(model.heads[f"au{au}"], au, model.spec)
    result = fit(
        head,
        CodeBatches(codes, rows, labels, recipe.batches.size),
        replace(settings, seed=settings.seed + au),
        validate=_validator(recipe.scores.choose_by, checks, validation.labels[:, [column]]),
        run=run,
    )
    log = run / "log.csv"
    if log.exists():
        with replace_when_done(folder / f"au{au:02d}.csv") as beside:
            shutil.copy(log, beside)
    last = result.history[-1].loss if result.history else None
    record = {
        "pictures": len(rows),
        "steps": result.steps,
        "stopped": result.stopped,
        "last_loss": last,
        "best_epoch": result.best_epoch,
        "validation_score": None if np.isnan(result.best_score) else result.best_score,
        "device": result.device,
    }
    with replace_when_done(folder / f"au{au:02d}.json") as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    with replace_when_done(folder / f"au{au:02d}.safetensors") as beside:
        save_file({k: v.contiguous() for k, v in head.head.state_dict().items()}, beside)
    shutil.rmtree(run)


def _validator(
    metric: str, codes: Codes | None, labels: NDArray[np.int8]
) -> Callable[[AUModel], float] | None:
    """The choosing metric of one head on the validation subjects' codes."""
    if codes is None:
        return None
    rows = np.arange(len(codes))

    def validate(head: AUModel) -> float:
        device = next(head.parameters()).device
        parts = []
        with torch.inference_mode():
            for first in range(0, len(rows), 256):
                batch = code_batch(codes.rows(rows[first : first + 256]))
                moved = replace(batch, codes=None if batch.codes is None else batch.codes.to(device))
                parts.append(torch.sigmoid(head(moved).logits[:, 0]).float().cpu().numpy())
        return float(score_table(head.spec.aus, labels, np.concatenate(parts), (metric,)).values[0, 0])

    return validate


def _together(records: dict[str, dict[str, float | int | str | None]]) -> TrainResult:
    scores = [float(r["validation_score"]) for r in records.values() if r["validation_score"] is not None]
    return TrainResult(
        (),
        sum(int(r["steps"] or 0) for r in records.values()),
        0,
        float(np.mean(scores)) if scores else float("nan"),
        "heads",
        str(next(iter(records.values()))["device"]),
    )
