"""Stages of training: freeze parts, thaw them, take them over from another network, and keep them still."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from torch import Tensor, nn

from actionunits.errors import UserError

__all__ = ["freeze", "set_training_mode", "take_over", "thaw", "trainable_parameters"]


def freeze(model: nn.Module, *patterns: str) -> int:
    """Stop the training of the parameters whose names fit one of the patterns; give how many values that is.

    Args:
        model: changed in place.
        patterns: shell patterns over parameter names, such as ``encoder.*``.

    Raises:
        UserError: a pattern fits no parameter.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> freeze(net, "0.*")
    9
    """
    frozen = 0
    for pattern in patterns:
        fitting = [p for name, p in model.named_parameters() if fnmatch.fnmatchcase(name, pattern)]
        if not fitting:
            top = ", ".join(sorted({name.split(".")[0] for name, _ in model.named_parameters()}))
            raise UserError(f"nothing to freeze fits {pattern!r}: the model's parts are {top}")
        for parameter in fitting:
            frozen += parameter.numel() if parameter.requires_grad else 0
            parameter.requires_grad_(False)
    return frozen


def thaw(model: nn.Module, *patterns: str) -> None:
    """Let the parameters whose names fit one of the patterns be trained again; see :func:`freeze`."""
    for name, parameter in model.named_parameters():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(True)


def take_over(model: nn.Module, state: Mapping[str, Tensor], *patterns: str) -> int:
    """Copy another network's parameters and buffers whose names fit, and freeze them; give how many values.

    Args:
        model: changed in place.
        state: the other network's ``state_dict``.
        patterns: shell patterns over names, such as ``trunk.*``.

    Raises:
        UserError: a pattern fits no parameter of the model, or the other network has not what fits.

    >>> new, old = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> take_over(new, old.state_dict(), "weight"), bool((new.weight == old.weight).all())
    (6, True)
    """
    own = model.state_dict()
    names = [name for name in own if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    missing = [name for name in names if name not in state or state[name].shape != own[name].shape]
    if missing:
        raise UserError(f"the other network has no {missing[0]} of this shape: it is of another kind or size")
    model.load_state_dict({name: state[name] for name in names}, strict=False)
    freeze(model, *patterns)
    return sum(own[name].numel() for name in names)


def trainable_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that the optimiser may change.

    Raises:
        UserError: everything is frozen.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise UserError("every part of the model is frozen: leave at least one part to train")
    return parameters


def set_training_mode(model: nn.Module) -> None:
    """``model.train()``, but a part whose parameters are all frozen stays in evaluation mode.

    Otherwise batch normalisation would go on changing the statistics of a frozen encoder, and its outputs
    would no longer be those that were saved.
    """
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()
