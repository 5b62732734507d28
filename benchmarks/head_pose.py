"""How far head pose is off on rendered heads with the points of each finder, and the depths that fit them.

People of a folder of neutral portraits that the embedded model learned from are turned with a 3-D face model
by up to 30 degrees of yaw and 15 of pitch; each finder's points are compared with the known turn. The depths
that `actionunits.faces.pose` holds are least squares over such heads: printed beside, both sides alike.

    python benchmarks/head_pose.py LONDON --face-model FILE [--people 14] [--each 30]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from actionunits.experiments.embedded.recipe import load_embedded_recipe
from actionunits.faces import pose
from actionunits.faces.finders import LANDMARKS
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.facs.points import MIRROR_68
from actionunits.records import Expression, Face, Finder, Landmarks
from actionunits.synthesis.face_model import load_face_model
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.portraits import portrait_files, read_portrait, subject_of

#: Rounds of the fit: size and roll of each head are found from the depths, and the depths from them.
ROUNDS = 30


def turned_heads(
    paths: list[Path], model: Path, each: int
) -> dict[Finder, list[tuple[float, float, Landmarks]]]:
    """(pitch, yaw, found points) of each rendered head."""
    rng, face_model = np.random.default_rng(0), load_face_model(model)
    heads: dict[Finder, list[tuple[float, float, Landmarks]]] = {finder: [] for finder in LANDMARKS}
    for path in paths:
        animator = ModelAnimator(read_portrait(path), face_model)
        for _ in range(each):
            yaw, pitch = rng.uniform(-30, 30), rng.uniform(-15, 15)
            shown = animator.show(Expression({}, {}), yaw_deg=-yaw, pitch_deg=-pitch, size_px=228, window=3.8)
            grey = cv2.cvtColor(shown.image, cv2.COLOR_RGB2GRAY)
            box = face_box_from(Landmarks(np.ascontiguousarray(shown.points, np.float32)))
            for finder, rows in heads.items():
                rows.append((pitch, yaw, find_landmarks(grey, Face(box, 1.0), finder)))
    return heads


def fitted_depths(rows: list[tuple[float, float, Landmarks]], finder: Finder) -> dict[int, float]:
    """Least squares, both sides alike, with the mean of what is shipped (which a pose cannot tell)."""
    head = pose._head(finder)
    flat, mean = head[:, :2] - head[:, :2].mean(axis=0), -head[:, 2].mean()
    away = head[:, 2] - head[:, 2].mean()
    for _ in range(ROUNDS):
        total, weight = np.zeros(len(away)), 0.0
        for pitch, yaw, landmarks in rows:
            turn = Rotation.from_euler("XY", (pitch, yaw), degrees=True).as_matrix()[:2]
            expected = np.column_stack([flat, away]) @ turn.T @ [1, 1j]
            points = landmarks.points[pose._RIGID].astype(float) @ [1, 1j]
            seen = points - points.mean()
            seen /= np.vdot(expected, seen) / np.vdot(expected, expected)  # size and roll
            rest = np.column_stack([seen.real, seen.imag]) - flat @ turn[:, :2].T
            total, weight = total + rest @ turn[:, 2], weight + turn[:, 2] @ turn[:, 2]
        away = total / weight - (total / weight).mean()
    depth = dict(zip(pose._RIGID.tolist(), mean - away, strict=True))
    return {point: round(float(depth[point] + depth[MIRROR_68[point]]) / 2, 2) for point in depth}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--people", type=int, default=14)
    parser.add_argument("--each", type=int, default=30)
    given = parser.parse_args()
    split = load_embedded_recipe().split
    held = {*split.validation, *split.test}
    paths = [p for p in portrait_files(given.portraits) if "_smiling" not in p.stem]
    paths = [p for p in paths if f"{p.parent.name}/{subject_of(p)}" not in held][: given.people]
    for finder, rows in turned_heads(paths, given.face_model, given.each).items():
        true = np.array([row[:2] for row in rows])
        guess = np.array([pose.head_pose(row[2], finder)[:2] for row in rows])
        off = np.abs(guess - true).mean(axis=0)
        slope = [np.polyfit(true[:, i], guess[:, i], 1)[0] for i in (0, 1)]
        print(
            f"{finder}: {len(rows)} heads, off by {off[0]:.1f} degrees of pitch and {off[1]:.1f} of yaw,",
            end=" ",
        )
        print(f"slopes {slope[0]:.2f} and {slope[1]:.2f}; depths that fit: {fitted_depths(rows, finder)}")


if __name__ == "__main__":
    main()
