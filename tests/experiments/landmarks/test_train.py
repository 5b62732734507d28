"""From portraits with hand-placed points to a network's file and its card."""

from __future__ import annotations

import json

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.experiments.embedded.recipe import SplitSettings
from actionunits.experiments.landmarks.people import placed_faces
from actionunits.experiments.landmarks.recipe import load_point_recipe
from actionunits.experiments.landmarks.train import train_points
from actionunits.faces.point_network import PointNetwork

TINY = [
    *("pictures=48", "validation_pictures=48", "found_pictures=48", "batch=16", "real_share=0.0"),
    *("model.size_px=32", "model.channels=[4, 8, 8, 8]", "training.epochs=1", "first_epochs=1"),
    "warmup_steps=1",
]


def _hand(*names):
    points = np.random.default_rng(0).uniform(0, 90, (189, 2)).astype(np.float32)
    return {f"faces/{name}_neutral.png": points for name in names}


def _folder(tmp_path, *names):
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in names:
        (folder / f"{name}_neutral.png").touch()
    return folder


def test_people_are_learnt_from_or_chosen_by(tmp_path):
    folder, hand = _folder(tmp_path, "1", "2", "3", "4"), _hand("1", "2", "3")
    split = SplitSettings(validation=("faces/1",), test=("faces/2",))
    learn, chosen_by = placed_faces([folder], hand, split)
    assert [face.subject for face in learn] == ["faces/3"]
    assert [face.subject for face in chosen_by] == ["faces/1"]
    learn, chosen_by = placed_faces([folder], hand, SplitSettings(validation=("other/1",)))
    assert (len(learn), len(chosen_by)) == (2, 1)
    with pytest.raises(UserError, match="FOLDER/FILE"):
        placed_faces([folder], _hand("8"), split)


@pytest.mark.shared
def test_a_run_writes_its_network_and_goes_on(shared_data, tmp_path):
    faces = tmp_path / "london"
    faces.mkdir()
    for person in ("001", "002", "008"):
        name = f"{person}_neutral.jpg"
        (faces / name).symlink_to(shared_data / "faces" / "london" / name)
    split = SplitSettings(validation=("london/008",), test=("london/009",))
    hand, model = (shared_data / part for part in ("faces/points189.npz", "face_model/ict_facekit_light.npz"))
    given = ([faces], hand, model, tmp_path / "out", load_point_recipe(TINY), split)
    epochs: list[int] = []
    file = train_points(*given, workers=1, on_epoch=lambda note: epochs.append(note.epoch))
    assert PointNetwork(file).note == {"name": "landmarks", "version": "1"}
    card = json.loads((tmp_path / "out" / "landmarks.json").read_text())
    assert card["people placed by hand"] == ["london/001", "london/002"]
    assert card["validation"]["faces"] == 1
    assert "2 people" in (tmp_path / "out" / "landmarks.md").read_text()
    before = file.read_bytes()
    assert train_points(*given, workers=1).read_bytes() == before
    assert epochs == [1]
    with pytest.raises(UserError, match="other settings"):
        train_points(*given[:4], load_point_recipe([*TINY, "data.seed=5"]), split, workers=1)
