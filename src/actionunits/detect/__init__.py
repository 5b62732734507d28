"""AUs of faces in pictures and videos.

The package is also a function: ``actionunits.detect(path)`` gives a table, while
``actionunits.detect.pipeline`` and the other modules stay importable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.detect.backends import Backend

__all__ = ["DetectPackage"]


class DetectPackage(ModuleType):
    """This package; calling it detects."""

    def __call__(
        self,
        source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        model: str | Path | Backend | None = None,
        faces: Literal["largest", "all"] = "largest",
        detector: Literal["hog", "viola-jones"] = "hog",
        batch: int = 16,
        smooth_s: float = 0.0,
        baseline: str = "none",
    ) -> pd.DataFrame:
        """AUs of each frame as a table in OpenFace's columns, with probabilities.

        Columns: ``frame`` (from 1), ``face_id``, ``timestamp`` (seconds), ``confidence``, ``success``,
        ``pose_Rx``, ``pose_Ry``, ``pose_Rz`` (pitch, yaw, roll in radians), ``AU01_r`` .. (intensity, 0 to
        5), ``AU01_c`` .. (0 or 1), ``AU01_p`` .. (probability), ``outside_pose`` and ``outside_size`` (1:
        outside what the model was tested on). A frame without a face is one row with ``success`` 0,
        ``face_id`` -1 and NaN for the rest. Where a source is a folder, a last column ``file`` has the
        picture's name (None for rows of other sources).

        Of a source that breaks off, the good frames are given, with a warning.

        Args:
            source: a picture, a folder of pictures or a video; of several, a column ``source`` comes first.
            model: an ``.onnx`` or ``.safetensors`` file, or None for the embedded model.
            faces: ``largest`` or ``all``.
            detector: ``hog`` or ``viola-jones``.
            batch: faces that the model is given at once.
            smooth_s: standard deviation of a Gaussian over time, seconds; 0 is off.
            baseline: ``auto``, ``first:5s`` or ``none``: take each person's own neutral face from a video's
                values, see :mod:`actionunits.detect.baseline`.

        Raises:
            UserError: a source or the model cannot be read, or an option is not known.
        """
        from actionunits.detect.table import detect_table

        return detect_table(
            source,
            model=model,
            faces=faces,
            detector=detector,
            batch=batch,
            smooth_s=smooth_s,
            baseline=baseline,
        )


sys.modules[__name__].__class__ = DetectPackage
