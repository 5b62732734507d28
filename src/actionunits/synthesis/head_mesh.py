"""The part of a face model that is drawn: which vertices and triangles, where the skin fades, what colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from actionunits.records import FloatArray
from actionunits.synthesis.face_model import FaceModel

__all__ = ["EYE", "INSIDE", "SKIN", "HeadMesh", "head_mesh"]

#: What a triangle shows: the photograph's skin, an eyeball, or the inside of the mouth.
SKIN, EYE, INSIDE = 0, 1, 2

#: The parts drawn: what they show, and the colour (RGB) of those that the photograph does not show.
_PARTS: dict[str, tuple[int, tuple[float, float, float]]] = {
    "face": (SKIN, (0, 0, 0)),
    "lacrimal_left": (SKIN, (0, 0, 0)),
    "lacrimal_right": (SKIN, (0, 0, 0)),
    "eyeball_left": (EYE, (0, 0, 0)),
    "eyeball_right": (EYE, (0, 0, 0)),
    "mouth_socket": (INSIDE, (120, 55, 52)),
    "gums_and_tongue": (INSIDE, (165, 84, 82)),
    "teeth": (INSIDE, (234, 225, 208)),
}

#: Gums further back than this share of their depth are never seen between the lips.
_FRONT_GUM = 0.6


@dataclass(frozen=True)
class HeadMesh:
    """What is drawn of a model; vertices are numbered anew.

    Attributes:
        vertices: i64[N], the model's number of each vertex.
        triangles: i32[T,3], those that the photograph shows first, the inside of the mouth last.
        kind: i8[T], ``SKIN``, ``EYE`` or ``INSIDE``.
        outside_triangles: how many triangles are not the inside of the mouth.
        skin_quads: i32[Q,4], the skin's polygons, for its normals.
        opacity: f32[N], 1 on the face, 0 where the skin has gone over into the background.
        colour: f32[N,3], RGB of the inside of the mouth, darker inward.
        enamel: f32[N,3], the same with teeth where the front of the upper gum is: of a mouth whose upper lip
            does not rise above its teeth.
        eyeballs: for (left, right) the vertices of each eyeball; empty where the model has none.
        samples: i64[S], vertices spread over the skin, by whose movement the background goes along.
    """

    vertices: NDArray[np.int64]
    triangles: NDArray[np.int32]
    kind: NDArray[np.int8]
    outside_triangles: int
    skin_quads: NDArray[np.int32]
    opacity: FloatArray
    colour: FloatArray
    enamel: FloatArray
    eyeballs: tuple[NDArray[np.int64], NDArray[np.int64]]
    samples: NDArray[np.int64]


@lru_cache(maxsize=4)
def head_mesh(model: FaceModel) -> HeadMesh:
    """Choose what to draw of a model; made once for each model."""
    opacity = _opacity(model)
    quads, kinds = [], []
    for name, (shows, _) in _PARTS.items():
        if name in model.part_polygons:
            padded = model.polygons[model.part_polygons[name]]
            part = np.where(padded < 0, padded[:, [2]], padded)
            part = part[_worth_drawing(name, part, model, opacity)]
            quads.append(part)
            kinds.append(np.full(len(part), shows, np.int8))
    every, kind_of = np.concatenate(quads), np.concatenate(kinds)
    vertices = np.unique(np.concatenate([every.ravel(), model.landmarks]))
    number = np.full(len(model.neutral), -1, np.int32)
    number[vertices] = np.arange(len(vertices), dtype=np.int32)
    every = number[every]
    triangles = np.concatenate([every[:, :3], every[:, [0, 2, 3]]])
    kind = np.concatenate([kind_of, kind_of])
    order = np.flatnonzero((triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2]))
    order = order[np.argsort(kind[order], kind="stable")]
    colour, enamel = _colours(model)
    return HeadMesh(
        vertices=vertices,
        triangles=np.ascontiguousarray(triangles[order]),
        kind=kind[order],
        outside_triangles=int((kind[order] != INSIDE).sum()),
        skin_quads=np.ascontiguousarray(every[kind_of == SKIN]),
        opacity=opacity[vertices],
        colour=colour[vertices],
        enamel=enamel[vertices],
        eyeballs=(_members(model, "eyeball_left", vertices), _members(model, "eyeball_right", vertices)),
        samples=_samples(model, opacity, vertices),
    )


def _members(model: FaceModel, part: str, vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    inside = model.part_vertices.get(part, slice(0, 0))
    return np.flatnonzero((vertices >= inside.start) & (vertices < inside.stop))


def _opacity(model: FaceModel) -> FloatArray:
    """1 within the line of jaw and forehead, 0 outside, with a soft border; 1 for other parts."""
    jaw = model.neutral[model.landmarks[:17], :2]
    brows = model.neutral[model.landmarks[17:27], 1]
    unit = float(np.ptp(jaw[:, 0])) / 14.7
    angle = np.linspace(0, np.pi, 25)[1:-1]
    half, middle = float(np.ptp(jaw[[0, 16], 0])) / 2, (jaw[0] + jaw[16]) / 2
    rise = float(brows.max()) - middle[1] + 4.2 * unit
    forehead = np.stack([middle[0] + 1.02 * half * np.cos(angle), middle[1] + rise * np.sin(angle) ** 0.7], 1)
    outline = np.concatenate([jaw, forehead]).astype(np.float32)[:, None]
    result = np.ones(len(model.neutral), np.float32)
    face = model.part_vertices["face"]
    depth = np.array(
        [cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in model.neutral[face, :2]]
    )
    ramp = np.clip((depth / unit + 0.15) / 1.0, 0, 1)
    result[face] = ramp * ramp * (3 - 2 * ramp) * ~_behind_jaw(model, depth, unit)
    return result


def _behind_jaw(model: FaceModel, inward: NDArray[np.float64], unit: float) -> NDArray[np.bool_]:
    """Which of the face's vertices the jaw hides: ears and the sides of the neck.

    A turn of the head would bring them out with the cheek's texture.
    """
    vertices = model.neutral[model.part_vertices["face"]]
    jaw = model.neutral[model.landmarks[:17]]
    nearest = jaw[KDTree(jaw[:, :2]).query(vertices[:, :2])[1]]
    allowed = 0.8 * unit + 0.7 * np.maximum(inward, 0)
    return np.asarray(nearest[:, 2] - vertices[:, 2] > allowed)


def _worth_drawing(
    name: str, quads: NDArray[np.int32], model: FaceModel, opacity: FloatArray
) -> NDArray[np.bool_]:
    """Which polygons of a part can ever be seen from in front."""
    depth = model.neutral[quads][:, :, 2].max(1)
    if name == "face":
        return np.asarray(opacity[quads].max(1) > 0)
    if name.startswith("eyeball"):
        inside = model.neutral[model.part_vertices[name], 2]
        return np.asarray(depth > (inside.min() + inside.max()) / 2)
    if name == "teeth":
        return np.asarray(depth > np.quantile(model.neutral[model.part_vertices[name], 2], 0.2))
    return np.ones(len(quads), np.bool_)


def _colours(model: FaceModel) -> tuple[FloatArray, FloatArray]:
    """The inside of the mouth: each part's colour, darker the deeper it lies; without and with tall teeth."""
    colour = np.zeros((len(model.neutral), 3), np.float32)
    lips = float(model.neutral[model.landmarks[60:68], 2].max())
    unit = float(np.ptp(model.neutral[model.landmarks[:17], 0])) / 14.7
    depth = (lips - model.neutral[:, 2:]) / unit

    def faded(name: str, kept: float) -> FloatArray:
        base = np.array(_PARTS[name][1], np.float32)
        return np.asarray(base * np.exp(-np.maximum(depth - 0.5, 0) / kept), np.float32)

    for name, (kind, _) in _PARTS.items():
        if kind == INSIDE and name in model.part_vertices:
            part = model.part_vertices[name]
            colour[part] = faded(name, 3.0 if name == "teeth" else 2.0)[part]
    enamel, gum = colour.copy(), _upper_gum(model)
    enamel[gum] = faded("teeth", 3.0)[gum]
    return colour, enamel


def _upper_gum(model: FaceModel) -> NDArray[np.int64]:
    """The front vertices of the gums that the jaw does not take along."""
    part = model.part_vertices.get("gums_and_tongue", slice(0, 0))
    numbers = np.arange(len(model.neutral))[part]
    if not len(numbers) or "jawOpen" not in model.expression_names:
        return np.zeros(0, np.int64)
    moves = np.linalg.norm(model.expression_delta[model.expression_names.index("jawOpen")][part], axis=1)
    depth = model.neutral[part, 2]
    front = depth > depth.min() + _FRONT_GUM * np.ptp(depth)
    return np.asarray(numbers[(moves < 0.1 * moves.max()) & front], np.int64)


def _samples(model: FaceModel, opacity: FloatArray, vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Skin vertices on a loose grid of the front view."""
    face = model.part_vertices["face"]
    mine = np.flatnonzero((vertices >= face.start) & (vertices < face.stop))
    mine = mine[opacity[vertices[mine]] > 0.02]
    xyz = model.neutral[vertices[mine]]
    unit = float(np.ptp(model.neutral[model.landmarks[:17], 0])) / 14.7
    front = mine[np.argsort(-xyz[:, 2])]
    cells = np.floor(model.neutral[vertices[front], :2] / (1.1 * unit)).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return np.sort(front[first])
