"""ImageNet weights that the user has: read from a file, never fetched."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from actionunits.errors import UserError

__all__ = ["IMAGENET_STATISTICS", "cached_weights", "copy_matching", "read_state"]


#: torchvision's mean and deviation of each RGB channel, on 0 to 255 pixels.
IMAGENET_STATISTICS = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def cached_weights(backbone: str) -> Path | None:
    """Torchvision's ImageNet weights of ``alexnet`` or ``vgg16`` in PyTorch's cache, if they are there."""
    enum = {"alexnet": models.AlexNet_Weights, "vgg16": models.VGG16_Weights}[backbone]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(enum.IMAGENET1K_V1.url).name
    return path if path.is_file() else None


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a torchvision ``.pth`` or a ``.safetensors`` file; a pickle with code in it is refused.

    Raises:
        UserError: no such file, or it holds something else than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"there are no weights at {path}: fetch torchvision's file yourself, or train from random weights"
        )
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, SafetensorError) as problem:
        raise UserError(f"{path} does not hold plain tensors: expected torchvision's weights") from problem
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path} does not hold a table of tensors: expected torchvision's weights")
    return dict(state)


def copy_matching(
    module: nn.Module, state: Mapping[str, Tensor], least: float = 0.0
) -> tuple[int, tuple[str, ...]]:
    """Copy the tensors whose name and shape fit; give how many fitted and the module's names that did not.

    Args:
        module: changed in place.
        state: name to tensor.
        least: share of the module's values that must fit, for a part that another network's weights would
            fit in part.

    Raises:
        UserError: nothing but counters fits, or less than that share.
    """
    own = module.state_dict()
    fitting = {name: t for name, t in state.items() if name in own and own[name].shape == t.shape}
    if not any(tensor.ndim for tensor in fitting.values()):
        raise UserError("none of the given weights fits this network: they are from another one")
    values, fitted = (sum(own[name].numel() for name in names) for names in (own, fitting))
    if fitted < least * values:
        raise UserError(
            f"{fitted / values:.0%} of the network's values are in the given weights: they are from another "
            "network"
        )
    module.load_state_dict(fitting, strict=False)
    return len(fitting), tuple(name for name in own if name not in fitting)
