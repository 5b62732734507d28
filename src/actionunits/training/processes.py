"""Several processes of one training: which one writes, and how the others wait for it.

With ``training.devices`` above 1 the whole command runs once a device, started by Fabric or by ``torchrun``.
"""

from __future__ import annotations

import os

import torch.distributed

__all__ = ["is_first_process", "wait_for_all"]


def is_first_process() -> bool:
    """Whether this is the process that writes and prints; also before the processes have met."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return bool(torch.distributed.get_rank() == 0)
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def wait_for_all() -> None:
    """Wait until every process has come here; at once where there is only one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
