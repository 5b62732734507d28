"""Every network of the package by name: one literal table, imported only when a name is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actionunits.errors import unknown_name
from actionunits.models.config import from_plain

if TYPE_CHECKING:
    from actionunits.models.interface import AUModel

__all__ = ["EMBEDDED", "REGISTRY", "Entry", "build_model", "config_class", "entry", "make_config"]

#: Names of the model that is in the package.
EMBEDDED = ("embedded", "default")


@dataclass(frozen=True)
class Entry:
    """Where a network is.

    Attributes:
        module: its module, below ``actionunits.models``.
        builder: the function there that makes it out of its configuration.
        config: the frozen dataclass there.
        paper: short name of the paper (``docs/papers``), or ``own``.
        summary: what it is, in a line.
    """

    module: str
    builder: str
    config: str
    paper: str
    summary: str


REGISTRY: dict[str, Entry] = {
    "embedded/points_and_picture": Entry(
        "embedded.net", "build", "EmbeddedConfig", "own", "the small network that ships with the package"
    ),
    "facs3d/cnn2d": Entry(
        "facs3d.cnn2d", "build", "Cnn2dConfig", "facs3d", "2D CNN on 200 px grey faces, three 5x5 layers"
    ),
    "facs3d/cnn_lstm": Entry(
        "facs3d.cnn_lstm", "build", "CnnLstmConfig", "facs3d", "the 2D CNN with an LSTM of 256 over the clip"
    ),
    "facs3d/net": Entry(
        "facs3d.net",
        "build",
        "Facs3dConfig",
        "facs3d",
        "3-D code of a clip, 2-D codes of its frames",
    ),
    "patterns/network1": Entry(
        "patterns.network1", "build", "Network1Config", "patterns", "the 2D CNN of facs3d, as Network 1"
    ),
    "patterns/network2": Entry(
        "patterns.network2",
        "build",
        "Network2Config",
        "patterns",
        "four small convolutions, three wide layers",
    ),
    "patterns/network3": Entry(
        "patterns.network3",
        "build",
        "Network3Config",
        "patterns",
        "Network 1 with a class for each AU pattern",
    ),
    "patterns/network4": Entry(
        "patterns.network4",
        "build",
        "Network4Config",
        "patterns",
        "Network 3's convolutions, frozen, AU outputs",
    ),
    "patterns/network5": Entry(
        "patterns.network5", "build", "Network5Config", "patterns", "VGG13-like network on 64 px grey faces"
    ),
    "patterns/network6": Entry(
        "patterns.network6",
        "build",
        "Network6Config",
        "patterns",
        "Network 5 with a class for each AU pattern",
    ),
    "patterns/network7": Entry(
        "patterns.network7",
        "build",
        "Network7Config",
        "patterns",
        "Network 6's convolutions, frozen, AU outputs",
    ),
    "cooccurrence/cnn2d": Entry(
        "cooccurrence.cnn2d", "build", "Cnn2dConfig", "cooccurrence", "one network an AU, on its region"
    ),
    "caud/emotion_net": Entry(
        "caud.emotion_net",
        "build",
        "EmotionNetConfig",
        "caud",
        "AlexNet or VGG-16 with eight emotions, no AUs",
    ),
    "cooccurrence/cnn3d": Entry(
        "cooccurrence.cnn3d",
        "build",
        "Cnn3dConfig",
        "cooccurrence",
        "one network an AU, on seven frames of its region",
    ),
    "cooccurrence/tied": Entry(
        "cooccurrence.tied",
        "build",
        "TiedConfig",
        "cooccurrence",
        "any network, its AUs fused and its loss constrained",
    ),
    "caud/heads": Entry(
        "caud.heads", "build", "CaudConfig", "caud", "a frozen AlexNet or VGG-16 encoder, one head an AU"
    ),
    "au_rcnn/cnn_res": Entry(
        "au_rcnn.cnn_res", "build", "CnnResConfig", "au_rcnn", "the paper's baseline: ResNet, whole face"
    ),
    "au_rcnn/ar_res": Entry(
        "au_rcnn.ar_res", "build", "ArResConfig", "au_rcnn", "AU R-CNN: ResNet, boxes of the AU groups"
    ),
    "au_rcnn/mean_box": Entry(
        "au_rcnn.mean_box",
        "build",
        "MeanBoxConfig",
        "au_rcnn",
        "the same with one set of boxes for all faces",
    ),
    "au_rcnn/ar_vgg": Entry(
        "au_rcnn.ar_vgg", "build", "ArVggConfig", "au_rcnn", "AU R-CNN on VGG-16 or VGG-19"
    ),
    "au_rcnn/ar_fpn": Entry(
        "au_rcnn.ar_fpn", "build", "ArFpnConfig", "au_rcnn", "AU R-CNN with a feature pyramid"
    ),
    "au_rcnn/ar_conv_lstm": Entry(
        "au_rcnn.conv_lstm", "build", "ArConvLstmConfig", "au_rcnn", "AU R-CNN, a ConvLSTM for each box"
    ),
    "au_rcnn/ar_two_stream": Entry(
        "au_rcnn.two_stream", "build", "ArTwoStreamConfig", "au_rcnn", "AU R-CNN on a face and its flow"
    ),
    "au_rcnn/ar_crf": Entry(
        "au_rcnn.crf", "build", "ArCrfConfig", "au_rcnn", "a random field over AR_res's boxes and time"
    ),
    "au_rcnn/ar_tal": Entry(
        "au_rcnn.tal_net", "build", "TalNetConfig", "au_rcnn", "AU R-CNN and TAL-Net: whole segments in time"
    ),
}


def entry(name: str) -> Entry:
    """The table's row of a name.

    Raises:
        UserError: no such network; the message gives the nearest.

    >>> entry("facs3d/cnn2d").paper
    'facs3d'
    """
    if name not in REGISTRY:
        raise unknown_name("model", name, REGISTRY)
    return REGISTRY[name]


def config_class(name: str) -> type[Any]:
    """The frozen dataclass that configures a network.

    Raises:
        UserError: no such network.
    """
    row = entry(name)
    found: type[Any] = getattr(importlib.import_module(f"actionunits.models.{row.module}"), row.config)
    return found


def make_config(name: str, values: Mapping[str, Any]) -> Any:
    """A network's configuration out of plain values; what is left out takes the paper's default.

    Raises:
        UserError: no such network, an unknown key (with the nearest), or a wrong value.
    """
    return from_plain(config_class(name), values, f"model {name}:")


def build_model(name: str, config: Any | None = None) -> AUModel:
    """Make a network with fresh weights (from PyTorch's global generator).

    Args:
        name: its name in the table.
        config: the family's dataclass, a mapping of plain values, or None for the paper's defaults.

    Raises:
        UserError: no such network, or an unknown or wrong value.
    """
    if config is None or isinstance(config, Mapping):
        config = make_config(name, config or {})
    row = entry(name)
    model: AUModel = getattr(importlib.import_module(f"actionunits.models.{row.module}"), row.builder)(config)
    return model
