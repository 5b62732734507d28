"""The embedded detector: one small network over an aligned grey face and its 68 points.

It is no paper's network. It is made to run on one core in well under a millisecond (21 million
multiply-additions) and to be trained on animated portraits, where a network that sees the picture
alone learns the rendering and one that sees the points alone misses wrinkles, lids and teeth. So there are
two branches with a head each, and their logits are averaged; each branch also has a loss of its own, so that
neither leans on the other. Both see a mirrored face as the face, with left and right changed
(:mod:`actionunits.models.embedded.mirrored`). The shipped model is the mean of two such networks.

A smile is the one expression whose measure in the points needs no learning. Among real people who were not
learnt from, that measure and the branches err on different faces: a share of it is added to AU12's logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from actionunits.facs.motion import smile_measure
from actionunits.facs.points import MIRROR_68
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import ACTION_UNITS
from actionunits.models.embedded.mirrored import MirrorConvolution, MirrorNorm, mirrored_map
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.records import Finder, InputSpec

__all__ = ["EmbeddedConfig", "MeanOfNetworks", "PointsAndPicture", "build"]

#: Weight of the cross-entropy of the stronger side beside those of what the AUs show.
LEAD_WEIGHT = 0.3

#: About how wide the mouth is and how high its corners are in a face at rest, in inter-ocular distances.
_AT_REST = 0.93


@dataclass(frozen=True)
class EmbeddedConfig:
    """Sizes of the embedded network.

    Attributes:
        aus: the output columns.
        size_px: side of the grey crop, a multiple of 16.
        inter_ocular_px: distance between the eyes in the crop.
        landmarks: what finds the points: ``own`` or ``dlib``.
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the crop's side, twins counted apart.
        picture_features: width of the picture branch's code, of the face and of its mirror.
        point_features: width of the points branch's hidden layers, likewise.
        dropout: share of the codes dropped in training.
        picture_share: weight of the picture's logits in the average; the points have the rest.
        smile_weight: what an inter-ocular distance of :func:`~actionunits.facs.motion.smile_measure` adds to
            AU12's logit, when the network is used; training does without.
        members: networks of these sizes, trained apart, of which the mean is taken.
    """

    aus: tuple[int, ...] = DEFAULT_17
    size_px: int = 112
    inter_ocular_px: float = 42.0
    landmarks: Finder = "own"
    widths: tuple[int, int, int, int] = (16, 24, 56, 96)
    picture_features: int = 128
    point_features: int = 96
    dropout: float = 0.1
    picture_share: float = 0.6
    smile_weight: float = 0.0
    members: int = 1

    def __post_init__(self) -> None:
        if self.members < 1:
            raise ValueError(f"members must be 1 or more, got {self.members}")
        if self.size_px < 16 or self.size_px % 16:
            raise ValueError(f"size_px must be a multiple of 16, got {self.size_px}")
        if any(width < 2 or width % 2 for width in self.widths):
            raise ValueError(f"widths must be even, half of each are twins; got {self.widths}")


def _convolution(inputs: int, outputs: int, *, stride: int, size: int = 3) -> list[nn.Module]:
    return [
        MirrorConvolution(inputs, outputs, size=size, stride=stride),
        MirrorNorm(outputs),
        nn.ReLU(inplace=True),
    ]


def _trunk(widths: tuple[int, int, int, int]) -> nn.Sequential:
    """Contrast of the crop evened out, then convolutions down to 1/16 of its side."""
    first, second, third, fourth = widths
    return nn.Sequential(
        nn.InstanceNorm2d(1),
        *_convolution(1, first, stride=2),
        *_convolution(first, second, stride=2),
        *_convolution(second, third, stride=2),
        *_convolution(third, third, stride=1),
        *_convolution(third, fourth, stride=2),
        *_convolution(fourth, fourth, stride=1),
        *_convolution(fourth, 32, stride=1, size=1),
    ).to(memory_format=torch.channels_last)  # nearly twice as fast on a CPU


class _Answers(nn.Module):
    """From the mean of twin codes [N,F] what both sides share, from their difference the lead of the left."""

    def __init__(self, features: int, shared: int, leads: int) -> None:
        super().__init__()
        self.shared = nn.Linear(features, shared)
        self.lead = nn.Linear(features, leads, bias=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([self.shared(0.5 * (first + second)), self.lead(0.5 * (first - second))], -1)


class PointsAndPicture(AUModel):
    """Occurrence and intensity of each AU, and of each side, from a grey crop and the 68 points.

    The code of the picture keeps its place (the last 7x7 map is flattened, not pooled): faces are aligned, so
    a place is a part of the face.
    """

    gives_sides = True

    point_mean: Tensor
    point_deviation: Tensor
    calibration_scale: Tensor
    calibration_shift: Tensor

    def __init__(self, config: EmbeddedConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            needs_landmarks=True,
            landmarks=config.landmarks,
        )
        self.picture = _trunk(config.widths)
        side = config.size_px // 16
        self._mirror = list(MIRROR_68)
        self._paired = [ACTION_UNITS[au].paired for au in config.aus]
        shared, leads = 2 * len(config.aus) + sum(self._paired), sum(self._paired)
        self.picture_code = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(config.dropout),
            nn.Linear(32 * side * side, config.picture_features),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
        )
        self.picture_answers = _Answers(config.picture_features, shared, leads)
        hidden = config.point_features
        self.points_code = nn.Sequential(
            nn.Linear(136, hidden), nn.ReLU(inplace=True), nn.Dropout(config.dropout)
        )
        self.points_code_of_both = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(inplace=True))
        self.points_answers = _Answers(hidden, shared, leads)
        self.register_buffer("point_mean", torch.zeros(136))
        self.register_buffer("point_deviation", torch.ones(136))
        self.register_buffer("calibration_scale", torch.ones(len(config.aus)))
        self.register_buffer("calibration_shift", torch.zeros(len(config.aus)))

    def set_point_statistics(self, points: Tensor) -> None:
        """Take mean and deviation of the crop's points [N,68,2] (px) from the training part."""
        flat = points.reshape(len(points), 136) / self.config.inter_ocular_px
        self.point_mean = flat.mean(0)
        self.point_deviation = flat.std(0).clamp(min=0.02)

    def _normalised(self, points: Tensor) -> Tensor:
        flat = points.flatten(1) / self.config.inter_ocular_px
        return ((flat - self.point_mean) / self.point_deviation).clamp(-6.0, 6.0)

    def branches(self, batch: TensorBatch) -> tuple[Tensor, Tensor]:
        """Raw outputs f32[B,T,2A+2P] of the picture's and of the points' head.

        A logits, A intensities, and for the P paired AUs the level of both sides and the lead of the left.
        """
        assert batch.landmarks is not None, "the pipeline gives landmarks where the spec asks for them"
        count, length = batch.frames.shape[:2]
        frames = batch.frames.reshape(count * length, *batch.frames.shape[2:])
        seen = self.picture(frames)
        picture = self.picture_answers(self.picture_code(seen), self.picture_code(mirrored_map(seen)))
        points = batch.landmarks.reshape(count * length, 68, 2)
        x, y = points[:, self._mirror].unbind(-1)
        other = torch.stack([self.config.size_px - 1.0 - x, y], -1)
        one, two = (self.points_code(self._normalised(each)) for each in (points, other))
        shape = self.points_answers(
            self.points_code_of_both(torch.cat([one, two], -1)),
            self.points_code_of_both(torch.cat([two, one], -1)),
        )
        return picture.reshape(count, length, -1), shape.reshape(count, length, -1)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Calibrated logits, intensity and sides (0 to 5), the weighted average of both branches.

        The logit of AU12 has the smile's measure added. ``parts`` holds the average before that and before
        calibration, the picture's branch and the points' branch.
        """
        picture, points = self.branches(batch)
        share = self.config.picture_share
        both = share * picture + (1.0 - share) * points
        logits, intensity, sides = self._split(both)
        if self.config.smile_weight and 12 in self.config.aus:
            assert batch.landmarks is not None
            more = self.config.smile_weight * (smile_measure(batch.landmarks) - _AT_REST)
            is_12 = torch.tensor([float(au == 12) for au in self.config.aus], device=logits.device)
            logits = logits + more[..., None] * is_12
        logits = logits * self.calibration_scale + self.calibration_shift
        return ModelOutput(
            logits,
            5.0 * torch.sigmoid(intensity),
            parts=(both, picture, points),
            sides=self._all_columns(5.0 * torch.sigmoid(sides)),
        )

    def _split(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B,T,A], intensities [B,T,A] and sides [B,T,P,2] before the sigmoid."""
        aus = len(self.config.aus)
        level, lead = raw[..., 2 * aus :].chunk(2, dim=-1)
        return raw[..., :aus], raw[..., aus : 2 * aus], torch.stack([level + lead, level - lead], -1)

    def _all_columns(self, sides: Tensor) -> Tensor:
        """[B,T,A,2] with NaN for the AUs that have no sides."""
        none = torch.full_like(sides[:, :, 0], float("nan"))
        given = iter(sides.unbind(2))
        return torch.stack([next(given) if paired else none for paired in self._paired], 2)

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Cross-entropy of occurrence, intensity / 5 and sides / 5: of each branch, and half for the average.

        Most faces are even, and which side is stronger would hardly be learnt from both levels: where they
        differ by a grade or more, it has a cross-entropy of its own. Unknown labels (-1), intensities and
        sides (NaN) are masked.
        """
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        known = (batch.labels >= 0).to(output.logits.dtype)
        if weights is not None:
            known = known * weights
        target = batch.labels.clamp(min=0).to(output.logits.dtype)
        total = output.logits.new_zeros(())
        for share, raw in zip((0.5, 1.0, 1.0), output.parts, strict=True):
            logits, intensity, sides = self._split(raw)
            total = total + share * _masked_bce(logits, target, known)
            if batch.intensity is not None:
                graded = torch.isfinite(batch.intensity).to(raw.dtype)
                total = total + share * _masked_bce(
                    intensity, torch.nan_to_num(batch.intensity) / 5.0, graded
                )
            if batch.sides is not None:
                target_sides = batch.sides[:, :, self._paired]
                sided = torch.isfinite(target_sides).to(raw.dtype)
                total = total + share * _masked_bce(sides, torch.nan_to_num(target_sides) / 5.0, sided)
                lead, more = (part[..., 0] - part[..., 1] for part in (sides, target_sides))
                unlike = (more.abs() >= 1.0).to(raw.dtype)
                total = total + LEAD_WEIGHT * share * _masked_bce(lead, (more > 0).to(raw.dtype), unlike)
        return total


class MeanOfNetworks(PointsAndPicture):
    """Networks that were trained apart as one: of each branch the mean over them, then one calibration."""

    def __init__(self, config: EmbeddedConfig) -> None:
        super().__init__(config)
        alone = replace(config, members=1)
        self.others = nn.ModuleList(PointsAndPicture(alone) for _ in range(config.members - 1))

    @classmethod
    def of(cls, networks: Sequence[PointsAndPicture]) -> MeanOfNetworks:
        """The mean of networks of the same configuration; it is not calibrated yet."""
        mean = cls(replace(networks[0].config, members=len(networks)))
        state = dict(networks[0].state_dict())
        for place, network in enumerate(networks[1:]):
            state |= {f"others.{place}.{name}": value for name, value in network.state_dict().items()}
        mean.load_state_dict(state)
        mean.calibration_scale.fill_(1.0)
        mean.calibration_shift.fill_(0.0)
        return mean.eval()

    def branches(self, batch: TensorBatch) -> tuple[Tensor, Tensor]:
        """As those of one network."""
        each = [super().branches(batch)]
        for other in self.others:
            assert isinstance(other, PointsAndPicture)
            each.append(other.branches(batch))
        picture, points = (torch.stack(part).mean(0) for part in zip(*each, strict=True))
        return picture, points


def _masked_bce(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1.0)


def build(config: EmbeddedConfig) -> PointsAndPicture:
    """The network of a configuration, with random weights."""
    return PointsAndPicture(config) if config.members == 1 else MeanOfNetworks(config)
