"""Facial Action Units (FACS) out of pictures and videos.

>>> import actionunits as au
>>> callable(au.detect), au.Detector.__name__
(True, 'Detector')

``au.detect(path)`` gives a table, ``au.Detector`` iterates over frames; everything else is in the submodules.
Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

# ONNX Runtime's official builds write down a device id and send events of their use (1.32 does so on Linux,
# too) unless they are told not to before they are loaded. Nothing may leave the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
if "onnxruntime" in sys.modules:
    sys.modules["onnxruntime"].disable_telemetry_events()

if TYPE_CHECKING:
    from actionunits.detect import DetectPackage
    from actionunits.detect.pipeline import Detector
    from actionunits.errors import UserError

    detect: DetectPackage
    __version__: str

__all__ = ["Detector", "UserError", "__version__", "detect"]


def __getattr__(name: str) -> object:
    # ``detect`` is both a package and, by being callable, the function: see actionunits/detect/__init__.py
    if name == "detect":
        import actionunits.detect as package

        return package
    if name == "Detector":
        from actionunits.detect.pipeline import Detector

        return Detector
    if name == "UserError":
        from actionunits.errors import UserError

        return UserError
    if name == "__version__":
        from importlib.metadata import version

        return version("actionunits")
    raise AttributeError(f"module 'actionunits' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
