"""What the verbs that need PyTorch ask for first."""

from __future__ import annotations

import importlib.util

from actionunits.errors import UserError

__all__ = ["need_training_parts"]


def need_training_parts(verb: str) -> None:
    """Say in one line how to install what ``au VERB`` needs, if it is not there.

    Raises:
        UserError: PyTorch or another part of the extra ``train`` is missing.
    """
    needed = ("torch", "torchvision", "lightning", "safetensors")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"au {verb} needs {', '.join(missing)}: install it with pip install 'actionunits[train]'"
        )
