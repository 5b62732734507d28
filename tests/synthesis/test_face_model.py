"""The loader takes ICT-FaceKit's layout and says in one line what is wrong with anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.synthesis.face_model import load_face_model
from actionunits.synthesis.head_mesh import SKIN, head_mesh


def test_arrays_come_as_they_are_in_the_file(face_model_file: Path) -> None:
    model = load_face_model(face_model_file)
    with np.load(face_model_file) as arrays:
        np.testing.assert_array_equal(model.neutral, arrays["neutral"])
        np.testing.assert_array_equal(model.expression_delta, arrays["expression_delta"].astype(np.float32))
        np.testing.assert_array_equal(model.landmarks, arrays["landmarks68_jawline"])
    assert model.expression_names == ("mouthSmile_L", "mouthSmile_R", "jawOpen")
    assert model.part_polygons == {"face": slice(0, len(model.polygons))}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("neutral", np.zeros((5, 2), np.float32), "neutral"),
        ("polygons", np.full((4, 4), 10**6, np.int32), "polygons"),
        ("expression_names", np.array(["one"]), "expression_delta"),
        ("landmarks68_jawline", np.zeros(67, np.int32), r"landmarks68_jawline must be \[68\]"),
        ("landmarks68_jawline", np.zeros(68, np.float32), "whole numbers"),
        ("part_names", np.array(["head"]), "'face'"),
        ("part_first_vertex", np.array([9, 3], np.int32), "order"),
    ],
)
def test_arrays_that_do_not_fit_are_named(
    face_model_file: Path, tmp_path: Path, name: str, value: np.ndarray, message: str
) -> None:
    with np.load(face_model_file) as arrays:
        changed = {**arrays, name: value}
    path = tmp_path / "changed.npz"
    np.savez(path, **changed)
    with pytest.raises(UserError, match=message) as caught:
        load_face_model(path)
    assert "\n" not in str(caught.value)
    assert "changed.npz" in str(caught.value)


def test_values_that_are_not_finite_are_refused(face_model_file: Path, tmp_path: Path) -> None:
    with np.load(face_model_file) as arrays:
        changed = dict(arrays)
    changed["neutral"] = changed["neutral"].copy()
    changed["neutral"][3, 1] = np.nan
    np.savez(tmp_path / "nan.npz", **changed)
    with pytest.raises(UserError, match="not finite"):
        load_face_model(tmp_path / "nan.npz")


def test_missing_arrays_are_listed(face_model_file: Path, tmp_path: Path) -> None:
    with np.load(face_model_file) as arrays:
        fewer = {k: v for k, v in arrays.items() if k not in ("polygons", "identity_delta")}
    np.savez(tmp_path / "fewer.npz", **fewer)
    with pytest.raises(UserError, match="lacks identity_delta, polygons"):
        load_face_model(tmp_path / "fewer.npz")


def test_what_is_no_archive_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no face model at"):
        load_face_model(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "single.npy", np.zeros(3))
    np.savez(tmp_path / "pickled.npz", neutral=np.array([{"a": 1}], dtype=object))
    for name in ("text.npz", "empty.npz", "single.npy", "pickled.npz"):
        with pytest.raises(UserError, match="is not a face model") as caught:
            load_face_model(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_truncated_archive_is_refused(face_model_file: Path, tmp_path: Path) -> None:
    content = face_model_file.read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="is not a face model"):
        load_face_model(tmp_path / "cut.npz")


def test_the_face_fades_outside_the_jaw_and_is_whole_inside(face_model_file: Path) -> None:
    model = load_face_model(face_model_file)
    mesh = head_mesh(model)
    where = model.neutral[mesh.vertices]
    inner = (np.abs(where[:, 0]) < 4) & (np.abs(where[:, 1]) < 4)
    assert (mesh.opacity[inner] == 1).all()
    assert (mesh.opacity[where[:, 1] < -8.5] == 0).all()
    assert (mesh.kind == SKIN).all()
    assert mesh.outside_triangles == len(mesh.triangles)
    assert len(mesh.triangles) < 2 * len(model.polygons)


@pytest.mark.shared
def test_the_real_model_has_every_part_that_is_drawn(shared_data: Path) -> None:
    mesh = head_mesh(load_face_model(shared_data / "face_model" / "ict_facekit_light.npz"))
    assert all(len(ball) > 300 for ball in mesh.eyeballs)
    assert set(np.unique(mesh.kind)) == {0, 1, 2}
    assert mesh.colour.max() > 200
