"""Checkpoints: all that the next number depends on, written beside and renamed, read without pickle."""

from __future__ import annotations

import io
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError

__all__ = ["load_state", "random_states", "restore_random_states", "save_state"]


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a nest of dicts, lists, scalars and tensors; the old file stays until the new one is whole.

    Raises:
        UserError: the disk is full or the folder cannot be written to.
    """
    memory = io.BytesIO()
    torch.save(state, memory)
    with replace_when_done(path) as beside:
        beside.write_bytes(memory.getbuffer())


def load_state(path: Path) -> dict[str, Any]:
    """Read what :func:`save_state` wrote; nothing but plain values and tensors is accepted.

    Raises:
        UserError: the file is not such a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as problem:
        raise UserError(
            f"{path} is not a checkpoint of this package ({type(problem).__name__}): delete it to start anew"
        ) from problem
    if not isinstance(state, dict):
        raise UserError(f"{path} is not a checkpoint of this package: delete it to start anew")
    return state


def random_states(device: torch.device) -> dict[str, Any]:
    """The states of PyTorch's, NumPy's and Python's global generators as plain values and tensors."""
    _, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002  (dropout's neighbours may use it)
    version, words, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "numpy": [torch.from_numpy(np.asarray(keys, np.int64)), int(position), int(has_gauss), float(gauss)],
        "python": [version, list(words), next_gauss],
    }


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Put the generators back to where :func:`random_states` found them."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, gauss))  # noqa: NPY002
    version, words, next_gauss = states["python"]
    random.setstate((version, tuple(words), next_gauss))
