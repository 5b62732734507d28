from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.utils.flop_counter import FlopCounterMode

from actionunits.detect.backends import load_backend
from actionunits.experiments.embedded.rule import smile_by_points
from actionunits.facs.face_template import TEMPLATE_POINTS
from actionunits.facs.motion import face_frame, smile_measure
from actionunits.facs.points import MIRROR_68
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import ACTION_UNITS
from actionunits.models.embedded.net import EmbeddedConfig, MeanOfNetworks, build
from actionunits.models.interface import TensorBatch
from actionunits.models.weights import export_onnx, load_model, save_model
from actionunits.records import Batch


def _batch(count: int = 3) -> TensorBatch:
    generator = torch.Generator().manual_seed(1)
    return TensorBatch(
        frames=torch.randn(count, 1, 1, 112, 112, generator=generator),
        landmarks=torch.rand(count, 1, 68, 2, generator=generator) * 112,
        labels=torch.randint(0, 2, (count, 1, 17), generator=generator),
        intensity=torch.rand(count, 1, 17, generator=generator) * 5,
    )


def test_it_gives_17_aus_and_intensities_within_0_to_5():
    model = build(EmbeddedConfig()).eval()
    output = model(_batch())
    assert model.spec.aus == DEFAULT_17
    assert output.logits.shape == (3, 1, 17)
    assert output.intensity is not None
    assert 0 <= float(output.intensity.detach().min()) <= float(output.intensity.detach().max()) <= 5


def _width_and_lift(points: np.ndarray) -> float:
    """In the frame of the face."""
    origin, axes = face_frame(points)
    face = (points - origin) @ axes.T / (axes[0] @ axes[0])
    width = float(np.hypot(*(face[54] - face[48])))
    return width + float(face[[51, 57, 62, 66], 1].mean() - face[[48, 54], 1].mean())


def test_the_measure_of_a_smile_is_the_unlearned_rule_for_arrays_and_tensors():
    rng = np.random.default_rng(1)
    points = (rng.normal(0, 3, (20, 68, 2)) + TEMPLATE_POINTS[:68] * 42 + 56).astype(np.float32)
    tilted = points @ np.array([[0.96, 0.28], [-0.28, 0.96]], np.float32)
    for given in (points, tilted):
        rule = [smile_by_points(each) for each in given]
        np.testing.assert_allclose(smile_measure(torch.from_numpy(given)).numpy(), rule, rtol=1e-4)
        np.testing.assert_allclose(rule, [_width_and_lift(each) for each in given], rtol=1e-9)


def test_the_measure_of_a_smile_moves_12_only_in_network_and_file(tmp_path):
    torch.manual_seed(0)
    without = build(EmbeddedConfig()).eval()
    with_it = build(EmbeddedConfig(smile_weight=15.0)).eval()
    with_it.load_state_dict(without.state_dict())
    batch = _batch()
    with torch.no_grad():
        plain, moved = without(batch), with_it(batch)
    more = 15.0 * (smile_measure(batch.landmarks) - 0.93)
    column = DEFAULT_17.index(12)
    torch.testing.assert_close(
        moved.logits[..., column] - plain.logits[..., column], more, atol=1e-3, rtol=1e-4
    )
    others = [place for place in range(17) if place != column]
    assert torch.equal(moved.logits[..., others], plain.logits[..., others])
    file = tmp_path / "model.onnx"
    export_onnx(with_it, file, card={})
    said = load_backend(file).predict(Batch(batch.frames.numpy(), landmarks=batch.landmarks.numpy()))
    np.testing.assert_allclose(said.probability, torch.sigmoid(moved.logits).numpy(), atol=1e-4)


def test_sides_are_within_0_to_5_and_nan_where_facs_codes_none():
    output = build(EmbeddedConfig()).eval()(_batch())
    assert output.sides is not None
    assert output.sides.shape == (3, 1, 17, 2)
    unpaired = [column for column, au in enumerate(DEFAULT_17) if not ACTION_UNITS[au].paired]
    assert unpaired
    missing = torch.isnan(output.sides).all(-1).all(0)[0]
    assert missing.nonzero().flatten().tolist() == unpaired
    known = output.sides[torch.isfinite(output.sides)].detach()
    assert 0 <= float(known.min()) <= float(known.max()) <= 5


def test_it_learns_which_side_is_stronger_and_unknown_sides_teach_nothing():
    torch.manual_seed(0)
    model = build(EmbeddedConfig(dropout=0.0))
    frames = torch.randn(2, 1, 1, 112, 112)
    sides = torch.full((2, 1, 17, 2), float("nan"))
    sides[0, 0, DEFAULT_17.index(12)] = torch.tensor([4.0, 0.0])
    sides[1, 0, DEFAULT_17.index(12)] = torch.tensor([0.0, 4.0])
    points = torch.rand(2, 1, 68, 2) * 112
    batch = TensorBatch(frames, points, labels=torch.full((2, 1, 17), -1), sides=sides)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        model.loss(batch, model(batch)).backward()
        optimiser.step()
    found = model.eval()(batch).sides[:, 0, DEFAULT_17.index(12)].detach()
    assert torch.allclose(found, sides[:, 0, DEFAULT_17.index(12)], atol=1.0)
    unknown = TensorBatch(frames, points, labels=batch.labels, sides=torch.full_like(sides, float("nan")))
    assert float(model.loss(unknown, model(unknown)).detach()) == 0.0


def test_it_costs_at_most_22_million_multiply_additions():
    model = build(EmbeddedConfig()).eval()
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model(_batch(1))
    assert 1e6 < counted.get_total_flops() / 2 <= 22e6
    assert sum(p.numel() for p in model.parameters()) * 4 <= 1.5e6


def test_a_mirrored_face_is_the_face_with_its_sides_changed():
    torch.manual_seed(0)
    networks = [build(EmbeddedConfig()) for _ in range(2)]
    for network in networks:
        network.set_point_statistics(torch.rand(20, 68, 2) * 112)
        network(_batch(8))  # takes the statistics of what it normalises
    model, batch = MeanOfNetworks.of([network.eval() for network in networks]), _batch()
    points = batch.landmarks[:, :, list(MIRROR_68)].clone()
    points[..., 0] = 111 - points[..., 0]
    with torch.no_grad():
        seen, mirrored = model(batch), model(TensorBatch(batch.frames.flip(-1), points))
    tolerance = {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(mirrored.logits, seen.logits, **tolerance)
    torch.testing.assert_close(mirrored.intensity, seen.intensity, **tolerance)
    torch.testing.assert_close(mirrored.sides, seen.sides.flip(-1), equal_nan=True, **tolerance)
    assert float((seen.sides[..., 0] - seen.sides[..., 1]).abs().nan_to_num().max()) > 1e-3


def test_unknown_labels_do_not_enter_the_loss():
    model = build(EmbeddedConfig(dropout=0.0)).eval()
    whole = _batch()
    assert whole.labels is not None
    assert whole.intensity is not None
    hidden_labels, hidden_intensity = whole.labels.clone(), whole.intensity.clone()
    hidden_labels[1], hidden_intensity[1] = -1, float("nan")
    rows = [0, 2]
    part = TensorBatch(
        whole.frames[rows], whole.landmarks[rows], labels=whole.labels[rows], intensity=whole.intensity[rows]
    )
    masked = TensorBatch(whole.frames, whole.landmarks, labels=hidden_labels, intensity=hidden_intensity)
    assert torch.allclose(model.loss(masked, model(masked)), model.loss(part, model(part)), atol=1e-6)


def test_a_batch_without_any_known_label_has_a_loss_of_0_and_a_gradient():
    model = build(EmbeddedConfig())
    batch = _batch()
    blank = TensorBatch(batch.frames, batch.landmarks, labels=torch.full((3, 1, 17), -1))
    loss = model.loss(blank, model(blank))
    loss.backward()
    assert float(loss.detach()) == 0.0


def test_both_branches_matter_and_calibration_moves_the_logits():
    model = build(EmbeddedConfig()).eval()
    batch = _batch()
    other_points = TensorBatch(batch.frames, batch.landmarks + 5 * torch.randn(3, 1, 68, 2))
    other_picture = TensorBatch(batch.frames.flip(-2), batch.landmarks)
    before = model(batch).logits
    assert not torch.allclose(before, model(other_points).logits)
    assert not torch.allclose(before, model(other_picture).logits)
    model.calibration_scale.fill_(2.0)
    model.calibration_shift.fill_(1.0)
    assert torch.allclose(model(batch).logits, 2 * before + 1, atol=1e-6)


def test_networks_trained_apart_are_averaged_before_one_calibration(tmp_path):
    first, second = build(EmbeddedConfig()).eval(), build(EmbeddedConfig()).eval()
    second.set_point_statistics(torch.rand(4, 68, 2) * 112)
    first.calibration_scale.fill_(3.0)
    mean, batch = MeanOfNetworks.of([first, second]), _batch()
    parts = [network(batch).parts[0] for network in (first, second)]
    both = mean(batch)
    assert torch.allclose(both.parts[0], (parts[0] + parts[1]) / 2, atol=1e-6)
    assert torch.allclose(both.logits, both.parts[0][..., :17], atol=1e-6), "not calibrated yet"
    save_model(tmp_path / "mean.safetensors", mean, name="embedded/points_and_picture", card={})
    again = load_model(tmp_path / "mean.safetensors")
    assert torch.equal(again(batch).logits, both.logits)
    export_onnx(mean, tmp_path / "mean.onnx", {})
    said = load_backend(tmp_path / "mean.onnx").predict(Batch(batch.frames.numpy(), batch.landmarks.numpy()))
    np.testing.assert_allclose(said.probability, torch.sigmoid(both.logits).detach(), atol=1e-5)
    np.testing.assert_allclose(said.sides, both.sides.detach(), atol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"members": 0}, "members must be 1 or more, got 0"),
        ({"size_px": 120}, "size_px must be a multiple of 16, got 120"),
        ({"widths": (16, 24, 55, 96)}, "widths must be even"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        EmbeddedConfig(**wrong)
