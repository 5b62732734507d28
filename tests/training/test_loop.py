"""The training loop learns, resumes to the same numbers, and stops with a line and a usable checkpoint."""

import csv
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from actionunits.errors import UserError
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch, to_tensors
from actionunits.records import Batch, InputSpec
from actionunits.training.checkpoint import load_state
from actionunits.training.loop import TrainingError, fit
from actionunits.training.settings import TrainSettings, learning_rate_factor
from actionunits.training.stages import freeze, set_training_mode, take_over, thaw

SIZE = 8


class Small(AUModel):
    def __init__(self) -> None:
        super().__init__()
        self.spec = InputSpec(aus=(1, 2, 4), size_px=SIZE, inter_ocular_px=3.0)
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, 16), nn.BatchNorm1d(16), nn.ReLU())
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(16, 3)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        b, t = batch.frames.shape[:2]
        return ModelOutput(self.head(self.drop(self.trunk(batch.frames.flatten(0, 1)))).view(b, t, 3))


class Painted:
    """The label of AU k is whether row band k is bright; noise comes from (epoch, seed)."""

    def __init__(
        self, batches: int = 5, size: int = 12, broken_at: int | None = None, slow: float = 0.0
    ) -> None:
        self.batches, self.size, self.broken_at, self.slow = batches, size, broken_at, slow

    def __len__(self) -> int:
        return self.batches

    def epoch(self, number: int, seed: int):
        import time

        for index in range(self.batches):
            time.sleep(self.slow)
            rng = np.random.default_rng([seed, number, index])
            labels = rng.integers(0, 2, (self.size, 1, 3)).astype(np.int8)
            frames = rng.normal(0, 1, (self.size, 1, 1, SIZE, SIZE)).astype(np.float32)
            frames[:, :, :, :6] += 3 * np.repeat(labels, 2, axis=2)[:, :, None, :, None]
            if self.broken_at == number * self.batches + index:
                frames[0] = np.nan
            yield Batch(frames=frames, labels=labels)


def accuracy(model: AUModel) -> float:
    batch = next(Painted(1, 200).epoch(99, 7))
    assert not model.training
    logits = model(to_tensors(batch)).logits
    return float(((logits > 0).numpy() == (batch.labels > 0)).mean())


def made(seed: int = 3) -> Small:
    torch.manual_seed(seed)
    return Small()


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().double().flatten() for p in model.state_dict().values()])


PLAN = TrainSettings(
    epochs=4, lr=0.05, seed=5, schedule="cosine", warmup_steps=3, accumulate=2, clip_norm=5.0
)


def test_it_learns_and_logs(tmp_path: Path) -> None:
    model, seen = made(), []
    before = accuracy(model.eval())
    result = fit(
        model, Painted(), PLAN, validate=accuracy, run=tmp_path, on_progress=lambda *a: seen.append(a)
    )
    assert before < 0.7 < 0.8 < accuracy(model) == result.best_score
    assert result.steps == 12
    assert seen[-1] == (12, 12)
    assert result.stopped == "epochs"
    assert result.history[-1].loss < result.history[0].loss
    with (tmp_path / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert float(rows[1]["loss"]) == result.history[1].loss
    assert not list(tmp_path.glob(".*"))


class KilledError(Exception):
    pass


@pytest.mark.parametrize("kill_at", [1, 3, 7, 11])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_resumed_run_gives_the_same_numbers(tmp_path: Path, kill_at: int, ema: float | None) -> None:
    plan = TrainSettings(
        **{**PLAN.__dict__, "ema": ema, "checkpoint_every": 1, "optimiser": "adamw", "lr": 0.01}
    )
    whole = made()
    uninterrupted = fit(whole, Painted(), plan, validate=accuracy, run=tmp_path / "whole")

    def kill(done: int, total: int | None) -> None:
        if done == kill_at:
            raise KilledError

    with pytest.raises(KilledError):
        fit(made(), Painted(), plan, validate=accuracy, run=tmp_path / "cut", on_progress=kill)
    again = made(seed=8)
    resumed = fit(again, Painted(), plan, validate=accuracy, run=tmp_path / "cut")
    assert torch.equal(weights(whole), weights(again))
    a, b = (load_state(tmp_path / name / "last.pt")["model"] for name in ("whole", "cut"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    strip = [(r.epoch, r.step, r.loss, r.lr, r.validation) for r in resumed.history]
    assert strip == [(r.epoch, r.step, r.loss, r.lr, r.validation) for r in uninterrupted.history]


def test_a_run_killed_by_the_system_resumes(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from test_loop import PLAN, Painted, fit, made\n"
        "from dataclasses import replace\n"
        "fit(made(), Painted(slow=0.1), replace(PLAN, checkpoint_every=1), run=Path(sys.argv[2]),\n"
        "    on_progress=lambda done, total: print(done, flush=True))\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "cut")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while int(child.stdout.readline()) < 5:
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    plan = replace(PLAN, checkpoint_every=1)
    again, whole = made(seed=9), made()
    assert fit(again, Painted(), plan, run=tmp_path / "cut").steps == 12
    fit(whole, Painted(), PLAN, run=tmp_path / "whole")
    assert torch.equal(weights(whole), weights(again))


def test_making_batches_ahead_changes_no_number(tmp_path: Path) -> None:
    plain, ahead = made(), made()
    fit(plain, Painted(), PLAN, run=tmp_path / "a")
    fit(ahead, Painted(), replace(PLAN, prefetch=2), run=tmp_path / "b")
    assert torch.equal(weights(plain), weights(ahead))


def test_a_loss_that_is_not_finite_stops_with_one_line_and_usable_weights(tmp_path: Path) -> None:
    model = made()
    with pytest.raises(TrainingError, match=r"the loss is nan at step 6 of epoch 2: lower") as caught:
        fit(model, Painted(broken_at=9), PLAN, run=tmp_path)
    assert caught.value.exit_code == 1
    state = load_state(tmp_path / "last.pt")
    assert state["place"]["step"] == 5
    assert all(torch.isfinite(value).all() for value in state["model"].values())


class Halves(Painted):
    """Each batch as two."""

    def epoch(self, number, seed):
        for batch in super().epoch(number, seed):
            for part in (slice(0, 6), slice(6, 12)):
                yield Batch(frames=batch.frames[part], labels=batch.labels[part])

    def __len__(self):
        return 2 * self.batches


class Plain(Small):
    """Nothing random, nothing that depends on the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, 16), nn.Tanh())
        self.drop = nn.Dropout(0)


def test_accumulated_small_batches_equal_one_large_one(tmp_path: Path) -> None:
    models = []
    for name, source, accumulate in (("one", Painted(), 1), ("two", Halves(), 2)):
        torch.manual_seed(0)
        models.append(Plain())
        plan = TrainSettings(epochs=2, lr=0.1, accumulate=accumulate)
        fit(models[-1], source, plan, run=tmp_path / name)
    assert torch.allclose(weights(models[0]), weights(models[1]), atol=1e-6)


def test_two_processes_learn_as_one_with_the_doubled_batch(tmp_path: Path) -> None:
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from test_loop import Halves, Plain, TrainSettings, fit\n"
        "torch.manual_seed(0)\n"
        "result = fit(Plain(), Halves(), TrainSettings(epochs=2, lr=0.1, devices=2), run=Path(sys.argv[2]))\n"
        "if torch.distributed.get_rank() == 0:\n"
        "    print('losses', json.dumps([record.loss for record in result.history]))\n"
    )
    script = tmp_path / "two.py"
    script.write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(script), str(Path(__file__).parent), str(tmp_path / "two")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    line = next(line for line in done.stdout.splitlines() if "losses" in line)
    torch.manual_seed(0)
    one = fit(Plain(), Painted(), TrainSettings(epochs=2, lr=0.1), run=tmp_path / "one")
    wanted = [record.loss for record in one.history]
    assert json.loads(line[line.index("[") :]) == pytest.approx(wanted, abs=1e-4)


def test_a_full_memory_stops_with_one_line_and_the_state_before(tmp_path: Path, monkeypatch) -> None:
    model, steps = made(), []

    def loss(self, batch, output, weights=None):
        steps.append(1)
        if len(steps) > 3:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:75] DefaultCPUAllocator: can't allocate memory"
            )
        return super(Small, self).loss(batch, output, weights)

    monkeypatch.setattr(Small, "loss", loss)
    with pytest.raises(TrainingError, match=r"memory is full at step 4: take smaller batches"):
        fit(model, Painted(), TrainSettings(epochs=4, lr=0.05), run=tmp_path)
    assert load_state(tmp_path / "last.pt")["place"]["step"] == 3
    monkeypatch.undo()
    assert fit(model, Painted(), TrainSettings(epochs=1, lr=0.05), run=tmp_path).steps == 5


def test_a_gradient_that_overflows_spoils_no_weights(tmp_path: Path, monkeypatch) -> None:
    """The loss is finite, its gradient is not: a step along it would write NaN weights into ``last.pt``."""
    model, steps = made(), []

    def loss(self, batch, output, weights=None):
        steps.append(1)
        plain = super(Small, self).loss(batch, output, weights)
        return plain if len(steps) < 4 else plain + torch.sqrt(output.logits.sum() * 0)

    monkeypatch.setattr(Small, "loss", loss)
    with pytest.raises(TrainingError, match=r"a gradient is not finite at step 4 .* lower training.lr"):
        fit(model, Painted(), TrainSettings(epochs=4, lr=0.05), run=tmp_path)
    kept = load_state(tmp_path / "last.pt")
    assert kept["place"]["step"] == 3
    assert all(torch.isfinite(value).all() for value in kept["model"].values())
    monkeypatch.undo()
    advised = TrainSettings(epochs=1, lr=0.01, clip_norm=1.0)
    assert fit(model, Painted(), advised, run=tmp_path).steps == 5


def test_tensorboard_gets_what_the_log_says(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plan = replace(PLAN, tensorboard=True)
    fit(made(), Painted(), replace(plan, epochs=2), validate=accuracy, run=tmp_path)
    result = fit(made(), Painted(), replace(plan, epochs=3), validate=accuracy, run=tmp_path)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3]
    wanted = [record.validation for record in result.history]
    assert [event.value for event in events.Scalars("validation")] == pytest.approx(wanted)


def test_early_stopping_and_the_best_weights(tmp_path: Path) -> None:
    scores = iter([0.5, 0.8, 0.7, 0.6, 0.9])
    kept = []

    def validate(model: AUModel) -> float:
        kept.append(weights(model))
        return next(scores)

    model = made()
    result = fit(
        model, Painted(), TrainSettings(epochs=5, lr=0.01, patience=2), validate=validate, run=tmp_path
    )
    assert (result.best_epoch, result.best_score, result.stopped) == (2, 0.8, "patience")
    assert torch.equal(weights(model), kept[1])


def test_other_settings_in_the_same_folder_are_an_error(tmp_path: Path) -> None:
    fit(made(), Painted(), TrainSettings(epochs=1), run=tmp_path)
    with pytest.raises(UserError, match=r"training\.momentum = 0\.9, now 0\.5"):
        fit(made(), Painted(), TrainSettings(epochs=1, momentum=0.5), run=tmp_path)
    (tmp_path / "last.pt").write_bytes(b"PK no")
    with pytest.raises(UserError, match="is not a checkpoint"):
        fit(made(), Painted(), TrainSettings(epochs=1), run=tmp_path)


def test_max_steps(tmp_path: Path) -> None:
    result = fit(made(), Painted(), TrainSettings(epochs=9, max_steps=2), validate=accuracy, run=tmp_path)
    assert (result.steps, result.stopped) == (2, "max_steps")
    assert not math.isnan(result.best_score)


def test_mixed_precision_trains(tmp_path: Path) -> None:
    model = made()
    fit(model, Painted(), TrainSettings(epochs=4, lr=0.1, precision="bf16-mixed"), run=tmp_path)
    assert accuracy(model) > 0.8
    assert all(p.dtype == torch.float32 for p in model.parameters())


class Convolved(Small):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d((SIZE, 1)), nn.Flatten()
        )
        self.head = nn.Linear(8 * SIZE, 3)


def test_where_channels_lie_in_memory_changes_no_result(tmp_path: Path) -> None:
    found = []
    for name, last in (("usual", False), ("last", True)):
        torch.manual_seed(1)
        model = Convolved()
        fit(model, Painted(), TrainSettings(epochs=2, lr=0.05, channels_last=last), run=tmp_path / name)
        assert all(parameter.is_contiguous() for parameter in model.parameters())
        found.append(weights(model))
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_frozen_parts_stay_to_the_bit(tmp_path: Path) -> None:
    model = made()
    assert freeze(model, "trunk.*") == SIZE * SIZE * 16 + 16 + 32
    trunk, head = weights(model.trunk), weights(model.head)
    fit(model, Painted(), TrainSettings(epochs=1, lr=0.1, weight_decay=0.1), run=tmp_path)
    assert torch.equal(trunk, weights(model.trunk))
    assert not torch.equal(head, weights(model.head))
    set_training_mode(model)
    assert not model.trunk.training
    assert model.head.training
    with pytest.raises(UserError, match=r"the model's parts are head, trunk"):
        freeze(model, "encoder.*")
    thaw(model, "trunk.*")
    assert all(p.requires_grad for p in model.parameters())


def test_what_is_taken_over_is_the_same_and_stays(tmp_path: Path) -> None:
    model, other = made(), made()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.5)
    head = weights(model.head)
    assert take_over(model, other.state_dict(), "trunk.*") > 0
    assert torch.equal(weights(model.trunk), weights(other.trunk))
    assert torch.equal(weights(model.head), head)
    assert not any(p.requires_grad for p in model.trunk.parameters())
    with pytest.raises(UserError, match="of another kind or size"):
        take_over(model, {}, "trunk.*")
    with pytest.raises(UserError, match="nothing to freeze fits"):
        take_over(model, other.state_dict(), "encoder.*")


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_warm_up_reaches_the_full_rate_and_schedules_never_rise_after(schedule: str) -> None:
    plan = TrainSettings(epochs=6, schedule=schedule, step_epochs=2, warmup_steps=5)
    rates = [learning_rate_factor(plan, step, 10) for step in range(60)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(a >= b >= 0 for a, b in itertools.pairwise(rates[4:]))


@pytest.mark.parametrize("as_tensors", [False, True])
def test_the_model_sees_every_part_of_a_batch(tmp_path, as_tensors):
    """A part that was left behind would silently take its loss with it."""

    class Watching(Small):
        def __init__(self):
            super().__init__()
            self.seen: list[TensorBatch] = []

        def forward(self, batch):
            self.seen.append(batch)
            return super().forward(batch)

    class Full(Painted):
        def epoch(self, number, seed):
            for batch in super().epoch(number, seed):
                labels, shape = batch.labels, batch.labels.shape
                full = replace(
                    batch,
                    landmarks=np.zeros((shape[0], 1, 68, 2), np.float32),
                    flow=np.zeros((shape[0], 1, 2, SIZE, SIZE), np.float32),
                    intensity=labels.astype(np.float32),
                    emotion=np.zeros(shape[:2], np.int8),
                    sides=np.ones((*shape, 2), np.float32),
                )
                yield to_tensors(full) if as_tensors else full

    model = Watching()
    fit(model, Full(1), TrainSettings(epochs=1, lr=0.1), run=tmp_path)
    (batch,) = model.seen
    given = {each.name for each in fields(batch) if getattr(batch, each.name) is not None}
    assert given == {"frames", "landmarks", "flow", "labels", "intensity", "emotion", "sides"}
