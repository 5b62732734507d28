"""ResNets by name, of any of torchvision's depths."""

from __future__ import annotations

from typing import Any, Literal

import torchvision

__all__ = ["RESNET_WIDTH", "ResNetName", "make_resnet"]

ResNetName = Literal["resnet18", "resnet34", "resnet50", "resnet101"]

#: Channels of the last map.
RESNET_WIDTH: dict[str, int] = {"resnet18": 512, "resnet34": 512, "resnet50": 2048, "resnet101": 2048}


def make_resnet(name: ResNetName) -> Any:
    """Torchvision's network with random weights and its layer ``fc`` of 1000 outputs; nothing is fetched."""
    makers = {
        "resnet18": torchvision.models.resnet18,
        "resnet34": torchvision.models.resnet34,
        "resnet50": torchvision.models.resnet50,
        "resnet101": torchvision.models.resnet101,
    }
    return makers[name](weights=None)
