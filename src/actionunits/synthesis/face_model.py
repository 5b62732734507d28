"""A 3-D face model in ICT-FaceKit's layout: reading the file and checking that it is one."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import FloatArray

__all__ = ["FaceModel", "load_face_model"]

#: The arrays of the file and their number of dimensions.
_ARRAYS = {
    "neutral": 2,
    "polygons": 2,
    "expression_names": 1,
    "expression_delta": 3,
    "identity_delta": 3,
    "landmarks68_jawline": 1,
    "part_names": 1,
    "part_first_polygon": 1,
    "part_first_vertex": 1,
}


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A head as a mesh, with the directions in which it can change.

    Lengths are centimetres; x to the right of the picture (the subject's left), y up, z to the viewer.

    Attributes:
        neutral: f32[V,3], the mean face at rest.
        polygons: i32[P,4], vertices of each quad, counter-clockwise from outside; -1 pads a triangle.
        expression_names: name of each expression shape, such as ``mouthSmile_L``.
        expression_delta: f32[K,V,3], what full weight of each shape adds.
        identity_delta: f32[M,V,3], what one standard deviation of each identity mode adds.
        landmarks: i32[68], the vertex of each of the 68 points.
        part_vertices: for each part's name its vertices.
        part_polygons: for each part's name its polygons.
    """

    neutral: FloatArray
    polygons: NDArray[np.int32]
    expression_names: tuple[str, ...]
    expression_delta: FloatArray
    identity_delta: FloatArray
    landmarks: NDArray[np.int32]
    part_vertices: Mapping[str, slice]
    part_polygons: Mapping[str, slice]


def load_face_model(path: str | Path) -> FaceModel:
    """Read a face model file.

    Args:
        path: an ``.npz`` file with the arrays ``neutral`` [V,3], ``polygons`` [P,4], ``expression_names``
            [K], ``expression_delta`` [K,V,3], ``identity_delta`` [M,V,3], ``landmarks68_jawline`` [68],
            ``part_names`` [N], ``part_first_polygon`` and ``part_first_vertex`` [N+1].

    Raises:
        UserError: the file is missing, is not such a file, or its arrays do not fit one another.
    """
    arrays = _read(Path(path))
    problem = _problem(arrays)
    if problem:
        raise UserError(f"{path} is not a face model in ICT-FaceKit's layout: {problem}")
    names = [str(name) for name in arrays["part_names"]]
    return FaceModel(
        neutral=arrays["neutral"].astype(np.float32),
        polygons=arrays["polygons"].astype(np.int32),
        expression_names=tuple(str(name) for name in arrays["expression_names"]),
        expression_delta=arrays["expression_delta"].astype(np.float32),
        identity_delta=arrays["identity_delta"].astype(np.float32),
        landmarks=arrays["landmarks68_jawline"].astype(np.int32),
        part_vertices=_slices(names, arrays["part_first_vertex"]),
        part_polygons=_slices(names, arrays["part_first_polygon"]),
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise UserError(f"no face model at {path}: expected an .npz file in ICT-FaceKit's layout")
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UserError(f"{path} is not a face model: expected an .npz archive, got a single array")
        with archive:
            missing = sorted(set(_ARRAYS) - set(archive.files))
            if missing:
                raise UserError(f"{path} is not a face model: it lacks {', '.join(missing)}")
            return {name: archive[name] for name in _ARRAYS}
    except OSError as problem:
        raise UserError(f"cannot read the face model {path}: {problem.strerror or problem}") from problem
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as problem:  # numpy advises to unpickle
        raise UserError(f"{path} is not a face model: expected a whole .npz archive of arrays") from problem


def _problem(arrays: Mapping[str, NDArray[Any]]) -> str:
    """What does not fit, or an empty text."""
    for name, dimensions in _ARRAYS.items():
        if arrays[name].ndim != dimensions:
            return f"{name} must have {dimensions} dimensions, got {arrays[name].ndim}"
    vertices, polygons = len(arrays["neutral"]), len(arrays["polygons"])
    parts = len(arrays["part_names"])
    wanted = {
        "neutral": (vertices, 3),
        "polygons": (polygons, 4),
        "expression_delta": (len(arrays["expression_names"]), vertices, 3),
        "identity_delta": (len(arrays["identity_delta"]), vertices, 3),
        "landmarks68_jawline": (68,),
        "part_first_polygon": (parts + 1,),
        "part_first_vertex": (parts + 1,),
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            return f"{name} must be {list(shape)}, got {list(arrays[name].shape)}"
    if "face" not in {str(name) for name in arrays["part_names"]}:
        return "no part is named 'face'"
    return _index_problem(arrays, vertices, polygons)


def _index_problem(arrays: Mapping[str, NDArray[Any]], vertices: int, polygons: int) -> str:
    limits = {
        "polygons": (-1, vertices - 1),
        "landmarks68_jawline": (0, vertices - 1),
        "part_first_polygon": (0, polygons),
        "part_first_vertex": (0, vertices),
    }
    for name, (low, high) in limits.items():
        values = arrays[name]
        if values.dtype.kind not in "iu":
            return f"{name} must hold whole numbers"
        if values.size and (values.min() < low or values.max() > high):
            return f"{name} must be within {low} to {high}, got {values.min()} to {values.max()}"
    if (np.diff(arrays["part_first_polygon"]) < 0).any() or (np.diff(arrays["part_first_vertex"]) < 0).any():
        return "the parts must be in order"
    if not all(np.isfinite(arrays[n]).all() for n in ("neutral", "expression_delta", "identity_delta")):
        return "it holds values that are not finite"
    return ""


def _slices(names: list[str], first: NDArray[Any]) -> dict[str, slice]:
    return {name: slice(int(first[i]), int(first[i + 1])) for i, name in enumerate(names)}
