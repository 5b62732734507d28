"""The occlusion map of one AU on the largest face of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from actionunits.errors import UserError
from actionunits.explain.occlusion import Predictor, occlusion_maps
from actionunits.faces.align import align_for
from actionunits.faces.batch import collate, sample_of
from actionunits.faces.detect import HogDetector, find_faces
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.pictures import read_picture
from actionunits.records import FloatArray, Frame, ImageArray, Landmarks, OnProgress

__all__ = ["Explained", "explain_picture", "face_of_picture"]


@dataclass(frozen=True)
class Explained:
    """A face and the map of one AU on it.

    Attributes:
        face: u8[S,S] or u8[S,S,3] RGB, the aligned crop.
        values: f32[S,S], fall of the AU's probability when the pixel's neighbourhood is hidden.
        probability: with nothing hidden.
    """

    face: ImageArray
    values: FloatArray
    probability: float


def face_of_picture(path: str | Path, landmarks: str) -> tuple[Frame, Landmarks]:
    """A picture and the points of its largest face, by that finder.

    Raises:
        UserError: no such picture, or no face in it.
    """
    frame = read_picture(path)
    faces = find_faces(frame.grey, HogDetector())
    if not faces:
        raise UserError(f"no face was found in {path}: give a picture with an upright face of 80 px or more")
    return frame, find_landmarks(frame.grey, faces[0], landmarks)


def explain_picture(
    path: str | Path,
    au: int,
    predictor: Predictor,
    *,
    patch_share: float = 0.075,
    stride_share: float = 0.015,
    on_progress: OnProgress | None = None,
) -> Explained:
    """Find the face, align it as the model wants it, and hide patch after patch.

    Args:
        path: of a picture.
        au: one of the model's AUs.
        predictor: a backend.
        patch_share: side of the patch as a share of the crop's; seed 003's 15 of 200 px.
        stride_share: its step, likewise; seed 003's 3 of 200 px.
        on_progress: called with (places done, places).

    Raises:
        UserError: no such picture, no face in it, the model does not give the AU, or takes flow.
    """
    spec = predictor.spec
    if au not in spec.aus:
        raise UserError(f"the model does not give AU{au}: it gives {', '.join(map(str, spec.aus))}")
    if spec.needs_flow:
        raise UserError("a model that takes flow cannot be explained on a picture yet")
    frame, landmarks = face_of_picture(path, spec.landmarks)
    crop = align_for(spec, frame, landmarks)
    sample = sample_of([crop] * spec.clip_length, [landmarks] * spec.clip_length, spec)
    maps = occlusion_maps(
        predictor,
        collate([sample], spec),
        patch_px=max(1, round(patch_share * spec.size_px)),
        stride_px=max(1, round(stride_share * spec.size_px)),
        on_progress=on_progress,
    )
    column = spec.aus.index(au)
    values = maps.on_pixels(maps.fall())[..., column]
    return Explained(crop.image, values, float(maps.plain[:, column].mean()))
