"""The 68 points of a face by a network of our own, a file for ONNX Runtime.

The file has the input ``crop`` f32[N,1,S,S] (grey values 0 to 255) and the output ``points`` f32[N,68,2] in
pixels of the crop, which :func:`crop_square` places around a face's box; its metadata ``actionunits.points``
says ``{"version": ..}``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from actionunits.errors import UserError
from actionunits.faces.cutting import cut_out
from actionunits.records import Face, FloatArray, ImageArray, Landmarks

__all__ = ["POINTS_KEY", "PointNetwork", "crop_square", "own_network"]

#: Where the file says that it is one of ours.
POINTS_KEY = "actionunits.points"

#: The crop's side in sides of the box, and how far its middle lies below the box's: brows to chin, with room
#: for an open mouth and a box that is a little off.
CROP_SIDE, CROP_DOWN = 1.45, 0.06


def crop_square(box: FloatArray) -> tuple[float, float, float]:
    """(left, top, side) of the square that the network looks at, in the pixels of a face's box f32[4]."""
    left, top, right, bottom = (float(edge) for edge in box)
    size = max(right - left, bottom - top, 4.0)
    side = CROP_SIDE * size
    return (left + right - side) / 2, (top + bottom - side) / 2 + CROP_DOWN * size, side


class PointNetwork:
    """A point network, run by ONNX Runtime on one core.

    Args:
        path: the ``.onnx`` file.

    Raises:
        UserError: the file is missing, damaged, or not a point network of this package.
    """

    def __init__(self, path: str | Path) -> None:
        import onnxruntime

        file = Path(path)
        if not file.is_file():
            raise UserError(f"no point network at {file}: expected an .onnx file of `au train landmarks`")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(file), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as problem:  # ONNX Runtime's own classes share no narrower base
            reason = str(problem).strip().splitlines()[0][:160]
            raise UserError(f"{file} cannot be read as an ONNX model ({reason}): is it whole?") from problem
        self._session = session
        self._size_px = _checked_size(file, session)
        self.note: dict[str, Any] = json.loads(session.get_modelmeta().custom_metadata_map[POINTS_KEY])

    def find(self, grey: ImageArray, face: Face) -> Landmarks:
        """The 68 points of the face in a box, to a fraction of a pixel.

        Args:
            grey: u8[H,W].
            face: its box as the HOG detector gives it; what lies beyond the picture counts as its nearest
                pixels.
        """
        left, top, side = crop_square(face.box)
        x0, y0, side_px = round(left), round(top), max(2, round(side))
        patch = cut_out(grey, x0, y0, side_px, side_px)
        shrinks = side_px > self._size_px
        crop = cv2.resize(
            patch,
            (self._size_px, self._size_px),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        (points,) = self._session.run(["points"], {"crop": crop[None, None].astype(np.float32)})
        scale = side_px / self._size_px
        corner = np.array([x0 - 0.5, y0 - 0.5], np.float32)
        return Landmarks(((points[0] + 0.5) * np.float32(scale) + corner).astype(np.float32))


def _checked_size(file: Path, session: Any) -> int:
    """The side of the crop that the file takes."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = inputs[0].shape if len(inputs) == 1 and inputs[0].name == "crop" else []
    named = [port.name for port in outputs] == ["points"]
    if len(shape) != 4 or not named or POINTS_KEY not in session.get_modelmeta().custom_metadata_map:
        raise UserError(f"{file} is not a point network of this package: use what `au train landmarks` wrote")
    return int(shape[-1])


@cache
def own_network() -> PointNetwork:
    """The network that comes with the package, read once.

    Raises:
        UserError: this installation lacks it.
    """
    file = resources.files("actionunits") / "weights" / "landmarks.onnx"
    if not file.is_file():
        raise UserError("this installation has no point network: install actionunits again, or use dlib's")
    with resources.as_file(file) as path:
        return PointNetwork(path)
