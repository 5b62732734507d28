"""Stages of training: freeze parts, thaw them, put a new last layer on, and keep frozen parts still."""

from __future__ import annotations

import fnmatch

from torch import nn

from actionunits.errors import UserError

__all__ = ["freeze", "new_output_layer", "set_training_mode", "trainable_parameters"]


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


def new_output_layer(layer: nn.Linear, outputs: int) -> nn.Linear:
    """A fresh last layer with the same inputs and another number of outputs, on the same device.

    >>> new_output_layer(nn.Linear(400, 66), 12).out_features
    12
    """
    return nn.Linear(
        layer.in_features,
        outputs,
        bias=layer.bias is not None,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )
