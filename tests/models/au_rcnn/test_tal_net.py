"""AR_TAL has the paper's sizes, finds clean segments, and bears what windows can be like."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS
from actionunits.metrics.segments import Segments, known_segments, segment_average_precision, temporal_iou
from actionunits.models.au_rcnn.box_features import box_features, lines_of
from actionunits.models.au_rcnn.line_segments import line_anchors
from actionunits.models.au_rcnn.tal_net import FLOOR, TalNet, TalNetConfig
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model
from actionunits.training.loop import fit
from actionunits.training.settings import TrainSettings

CLIPS, FRAMES = 4, 48
#: AU 4 has one box, AU 12 two.
SMALL = TalNetConfig(
    aus=(4, 12),
    backbone="resnet18",
    size_px=32,
    roi_cells=2,
    clip_length=FRAMES,
    anchors=(6.0, 12.0, 24.0, 40.0),
    layers=10,
    channels=32,
    units=32,
    proposals=40,
)


def _clean_labels() -> torch.Tensor:
    """i8[B,T,2]: two segments of AU 4 and one of AU 12 in each clip."""
    labels = torch.zeros(CLIPS, FRAMES, 2, dtype=torch.int8)
    for clip in range(CLIPS):
        labels[clip, 2 + 2 * clip : 14 + 4 * clip, 0] = 1
        labels[clip, 34 : 42 + 2 * clip, 0] = 1
        labels[clip, 6 + 3 * clip : 28 + 4 * clip, 1] = 1
    return labels


def _codes(model: TalNet, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Noise, and in the boxes that carry an AU what stands for it where it is shown."""
    width = model.code_length // len(model.carry)
    noise = torch.Generator().manual_seed(seed)
    stands_for = torch.randn(labels.shape[2], width, generator=torch.Generator().manual_seed(0)).clamp(min=0)
    shown = (labels == 1)[:, :, None].float() * model.carry.float()
    codes = 0.5 * torch.rand(*labels.shape[:2], len(model.carry), width, generator=noise)
    return (codes + shown @ stands_for).flatten(2)


def _batch(codes: torch.Tensor, labels: torch.Tensor) -> TensorBatch:
    return TensorBatch(torch.empty(*labels.shape[:2], 0, 0, 0), labels=labels, codes=codes)


@pytest.fixture(scope="module")
def learnt() -> tuple[TalNet, list[float]]:
    """A network that has seen clean segments 150 times, and its losses."""
    torch.manual_seed(0)
    model = TalNet(SMALL).train()
    labels = _clean_labels()
    batch = _batch(_codes(model, labels, 1), labels)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=150)
    losses = []
    for _ in range(150):
        optimiser.zero_grad()
        loss = model.loss(batch, model(batch))
        loss.backward()
        optimiser.step()
        rate.step()
        losses.append(loss.item())
    return model.eval(), losses


def test_it_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("au_rcnn/ar_tal", {"aus": list(AU_SETS["bp4d-22"])})
        assert model.code_length == 9 * 2048
        logits, offsets = model.proposer(torch.zeros(9, 2048, 400))
        classes, spans = model.classifier.classes, model.classifier.offsets
    assert (logits.shape, offsets.shape) == ((9, 2800), (9, 2800, 2))
    convolutions = [m for m in model.proposer.hidden if isinstance(m, torch.nn.Conv1d)]
    assert [m.kernel_size for m in convolutions] == [(3,)] * 10
    linear = [m for m in model.classifier.hidden if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(7 * 2048, 1024), (1024, 1024)]
    assert (classes.out_features, spans.out_features) == (23, 44)
    assert model.config.anchors == (30, 40, 65, 70, 120, 140, 180)
    assert (model.config.sampled, model.config.least_score, model.config.nms) == (256, 0.05, 0.3)
    assert (model.spec.clip_length, model.spec.frame_step, model.spec.scored) == (400, 1, "all")
    assert model.config.clip_length > 2 * max(model.config.anchors)
    assert not any(p.requires_grad for p in model.still.parameters())


def test_clean_segments_are_found(learnt) -> None:
    """In other noise than was learnt from: each as a whole, and frame by frame."""
    model, losses = learnt
    assert losses[-1] < 0.5 * losses[0]
    labels = _clean_labels()
    codes = _codes(model, labels, 2)
    found = model.segments(codes)
    with torch.no_grad():
        logits = model.from_codes(codes).logits
    for place, au in enumerate(model.config.aus):
        runs = [known_segments(clip[:, place].numpy()) for clip in labels]
        truth = Segments(
            np.repeat(np.arange(CLIPS), [len(r) for r in runs]), np.concatenate(runs).astype(float)
        )
        for box in model.carry[:, place].nonzero()[:, 0].tolist():
            own = [(c, s) for c, clip in enumerate(found) for s in clip if (s.au, s.box) == (au, box)]
            said = Segments(
                np.array([c for c, _ in own]),
                np.array([(s.start, s.end) for _, s in own]),
                np.array([s.score for _, s in own]),
            )
            assert segment_average_precision(truth, said, [0.5])[0] > 0.9
            best = [
                temporal_iou([times], said.times[said.line == line]).max()
                for line, times in zip(truth.line, truth.times, strict=True)
            ]
            assert np.mean(best) > 0.7
            assert min(best) > 0.5
        said, shown = logits[..., place], labels[..., place] == 1
        assert (said[shown] > 0).float().mean() > 0.9
        assert (said[~shown] < 0).float().mean() > 0.7


def test_a_frame_shows_what_its_segments_show(learnt) -> None:
    model, _ = learnt
    codes = _codes(model, _clean_labels(), 3)
    with torch.no_grad():
        output = model.from_codes(codes)
    wanted = torch.full_like(output.logits, FLOOR)
    for clip, each in enumerate(model.segments(codes)):
        assert [s.score for s in each] == sorted((s.score for s in each), reverse=True)
        for s in each:
            assert 0 <= s.start < s.end <= FRAMES
            assert s.score > 0.05
            assert model.carry[s.box, model.config.aus.index(s.au)]
            for frame in range(FRAMES):
                if s.start <= frame + 0.5 < s.end:
                    at = (clip, frame, model.config.aus.index(s.au))
                    wanted[at] = max(wanted[at], np.log(s.score / (1 - s.score)))
    torch.testing.assert_close(output.logits, wanted, atol=1e-3, rtol=0)
    assert output.parts[0].shape == (CLIPS, FRAMES, *model.carry.shape)
    low = model.from_codes(torch.zeros(1, FRAMES, model.code_length)).logits
    assert torch.isfinite(low).all()


def test_unknown_labels_teach_nothing() -> None:
    """Whatever the features are there: the gradient of what reads them is 0."""
    torch.manual_seed(0)
    model = TalNet(SMALL).train()
    labels = _clean_labels()
    codes = _codes(model, labels, 1)
    batch = _batch(codes, torch.full_like(labels, -1))
    loss = model.loss(batch, model(batch))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    half = labels.clone()
    half[..., 1] = -1  # AU 12 is not coded: its class is neither raised nor lowered
    batch = _batch(codes, half)
    model.loss(batch, model(batch)).backward()
    assert model.classifier.classes.weight.grad[0].any()
    assert not model.classifier.classes.weight.grad[1].any()
    assert not model.classifier.offsets.weight.grad[2:].any()


@pytest.mark.parametrize("labels", ["quiet", "one frame", "everywhere", "over both ends", "one unknown end"])
@pytest.mark.parametrize("length", [1, 5, 30])
def test_windows_of_every_kind_are_borne(labels: str, length: int) -> None:
    """No segment; one of a frame; the whole window; longer than it; a window shorter than every anchor."""
    torch.manual_seed(1)
    model = TalNet(replace(SMALL, clip_length=length, anchors=(8.0, 60.0)))
    codes = torch.rand(2, length, model.code_length)
    truth = torch.zeros(2, length, 2, dtype=torch.int8)
    if labels == "one frame":
        truth[:, length // 2] = 1
    elif labels == "everywhere":
        truth[:] = 1
    elif labels == "over both ends":
        truth[0, : length // 2 + 1] = 1
        truth[1, length // 3 :] = 1
    elif labels == "one unknown end":
        truth[:, length // 2 :] = -1
        truth[:, : length // 2] = 1
    batch = _batch(codes, truth)
    model.train()
    output = model(batch)
    assert output.logits.isnan().all()  # segments are not read off in training
    parts = model.losses(batch, output, torch.tensor([0.5, 1.5]))
    loss = parts.total()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    model.eval()
    with torch.no_grad():
        assert torch.isfinite(model.from_codes(codes).logits).all()
        model.classifier.classes.bias[-1] = 50.0  # nothing is found
        assert model.segments(codes) == ((), ())
        assert (model.from_codes(codes).logits == FLOOR).all()


def test_draws_are_those_of_the_seed_and_the_first_loss_is_about_the_papers() -> None:
    """2.7 at the start: objectness ln 2, and the classes that a box carries and none."""
    torch.manual_seed(0)
    model = TalNet(replace(SMALL, aus=AU_SETS["bp4d-12"], sampled=16)).train()
    labels = torch.zeros(2, FRAMES, 12, dtype=torch.int8)
    labels[:, 10:30, ::2] = 1
    batch = _batch(torch.rand(2, FRAMES, model.code_length), labels)
    output = model(batch)
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(model.loss(batch, output).item())
    assert losses[0] == losses[1] != losses[2]
    assert 2.0 < losses[0] < 3.2


def test_codes_are_the_pooled_features_of_the_boxes(batch_for) -> None:
    torch.manual_seed(0)
    model = TalNet(replace(SMALL, clip_length=17)).train()  # more than are looked at together
    assert not model.still.training
    batch = batch_for(model, clips=2)
    codes = model.encode(batch)
    assert codes.shape == (2, 17, model.code_length)
    still = model.still
    one = TensorBatch(batch.frames[1:, 16:], regions=batch.regions[1:, 16:])
    with torch.no_grad():
        pooled = still.backbone.avgpool(still.box_maps(still.maps(one.frames[0]), one.regions[0])).flatten(1)
    torch.testing.assert_close(lines_of(codes, 3)[3:, :, 16], pooled, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(box_features(still, one)[0, 0], pooled.flatten(), atol=1e-5, rtol=1e-5)
    model.eval()
    with torch.no_grad():
        assert torch.equal(model(batch).logits, model.from_codes(codes).logits)


def test_the_generic_loop_trains_all_but_the_network_of_stills(tmp_path) -> None:
    torch.manual_seed(0)
    model = TalNet(SMALL)
    labels = _clean_labels()
    batch = _batch(_codes(model, labels, 1), labels)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    class Source:
        def __len__(self) -> int:
            return 1

        def epoch(self, number: int, seed: int):
            yield batch

    result = fit(model, Source(), TrainSettings(epochs=4, optimiser="adamw", lr=2e-3), run=tmp_path)
    assert result.history[-1].loss < result.history[0].loss
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"proposer", "classifier"}


def test_anchors_that_reach_over_the_window_end_with_it() -> None:
    anchors = line_anchors(FRAMES, (60.0,))
    assert anchors.min() == 0
    assert anchors.max() == FRAMES


def test_mistakes_are_told() -> None:
    with pytest.raises(UserError, match="lengths of a frame or more"):
        build_model("au_rcnn/ar_tal", {"anchors": []})
    with pytest.raises(UserError, match="are positive"):
        build_model("au_rcnn/ar_tal", {"cells": 0})
    with pytest.raises(UserError, match="within 0 to 1"):
        build_model("au_rcnn/ar_tal", {"nms": 0.0})
