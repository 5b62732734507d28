"""What is said of networks over time: verdicts by intervals, falls of losses, lengths of AUs, speed."""

import numpy as np
import pandas as pd
import pytest

from actionunits.experiments.coded_durations import VIDEOS, au_seconds, published_durations

pytest.importorskip("torch")

from actionunits.experiments.au_rcnn_runs import DYNAMIC, OURS, au_rcnn_recipes
from actionunits.experiments.dynamic_speed import model_speed
from actionunits.experiments.dynamic_tables import begin_note, training_note, verdict
from actionunits.experiments.reproduce_dynamic import falls
from actionunits.experiments.reproduced import Request
from actionunits.models.registry import build_model


def test_a_verdict_follows_the_interval_of_the_difference() -> None:
    rows = {"A": (-0.05, -0.08, -0.02), "B": (0.05, 0.02, 0.08), "C": (0.01, -0.02, 0.04)}
    table = pd.DataFrame.from_dict(
        {f"F1, {OURS} - {name}": values for name, values in rows.items()},
        orient="index",
        columns=["ours", "low", "high"],
    )
    told = verdict(table, ["A", "B", "C"])
    assert f"A: higher than {OURS}" in told
    assert f"B: lower than {OURS}" in told
    assert f"C: not to be told from {OURS}" in told
    assert verdict(table, ["A"]).count(";") == 0


def _curve(epochs: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    steps = 10.0 * np.arange(epochs) + 5
    return steps, np.exp(-rate * steps)


def test_a_loss_that_falls_twice_as_fast_is_down_in_half_the_iterations() -> None:
    slow, fast = [_curve(20, 0.01)] * 2, [_curve(20, 0.02)] * 2
    table, told = falls(slow, fast)
    assert table["loss"].to_list() == pytest.approx([np.exp(-1.95)] * 2)
    assert table.iloc[:, 1].to_list() == [195.0, 195.0]
    # read on the line between two epochs of an exponential
    assert table.iloc[:, 2].to_list() == pytest.approx([97.5] * 2, abs=0.3)
    assert "falls faster in every fold" in told
    assert "falls more slowly in every fold" in falls(fast, slow)[1]
    assert "neither loss falls faster" in falls([slow[0], fast[0]], [fast[0], slow[0]])[1]


def test_segments_cut_by_the_videos_ends_are_counted_as_long_as_is_published() -> None:
    """Segments of an exponential length that begin at random, cut as a video cuts them."""
    for data in ("bp4d", "disfa"):
        videos, table = VIDEOS[data], published_durations(data)
        length = videos.frames / videos.rate_hz
        whole = au_seconds(data, tuple(int(name[2:]) for name in table.index))
        for mean, published in zip(whole, table["mean (s)"], strict=True):
            assert mean / (1 + mean / length) == pytest.approx(published)
    mean, length = 6.0, 18.0
    rng = np.random.default_rng(0)
    counted, segments = 0.0, 0
    for _ in range(4000):  # on and off in turn, both of an exponential length, from a time long before
        ends = np.cumsum(rng.exponential(mean, 60)) - rng.uniform(60, 120)
        for start, end in zip(ends[0::2], ends[1::2], strict=True):
            inside = min(end, length) - max(start, 0.0)
            counted, segments = counted + max(inside, 0.0), segments + (inside > 0)
    assert counted / segments == pytest.approx(mean / (1 + mean / length), rel=0.03)
    assert au_seconds("bp4d", (99,))[0] == pytest.approx(float(np.median(whole_of("bp4d"))))


def whole_of(data: str) -> list[float]:
    return list(au_seconds(data, tuple(int(name[2:]) for name in published_durations(data).index)))


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    request = Request(scale="tiny", folder=tmp_path_factory.mktemp("runs"))
    return au_rcnn_recipes(request, "bp4d", (OURS, *DYNAMIC), sequences=True)


def test_the_notes_name_who_begins_where_and_how_trainings_differ(recipes) -> None:
    note = begin_note({name: recipes[name] for name in DYNAMIC})
    assert all(name in note for name in DYNAMIC)
    assert f"take over {OURS}'s weights of the same fold" in note
    assert training_note({OURS: recipes[OURS]}).startswith("All are trained alike")
    assert "otherwise" in training_note(recipes)


@pytest.mark.parametrize("name", [OURS, *DYNAMIC])
def test_every_network_over_time_is_timed(recipes, name: str) -> None:
    recipe = recipes[name]
    model = build_model(recipe.model.name, recipe.model.config)
    speed = model_speed(model, repeats=1)
    assert speed.frames == model.spec.clip_length
    assert speed.labelled == (1 if model.spec.scored == "middle" else speed.frames)
    assert min(speed.learnt, speed.seen) > 0
    assert np.isfinite(speed.encoded) == (name in ("ARCRF", "ARTAL"))
    if np.isfinite(speed.encoded):
        assert speed.seen < speed.encoded, "in use a frame is encoded and then answered"
