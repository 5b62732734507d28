"""From portraits with hand-placed points to a network's file and its card."""

from __future__ import annotations

import json

import numpy as np
import pytest
from skimage import data, io

from actionunits.errors import UserError
from actionunits.experiments.embedded.recipe import SplitSettings
from actionunits.experiments.landmarks.people import placed_faces, unplaced_faces
from actionunits.experiments.landmarks.recipe import load_point_recipe
from actionunits.experiments.landmarks.train import train_points
from actionunits.faces.point_network import PointNetwork, own_network

TINY = [
    *("pictures=48", "validation_pictures=48", "found_pictures=48", "batch=16", "real_share=0.0"),
    *("model.size_px=32", "model.channels=[4, 8, 8, 8]", "rounds=[1, 1]"),
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


def test_points_are_found_where_the_network_is_sure(tmp_path):
    folder = tmp_path / "nasa"
    folder.mkdir()
    io.imsave(folder / "astronaut.png", data.astronaut())
    io.imsave(folder / "wall.png", np.full((80, 80, 3), 99, np.uint8), check_contrast=False)
    (face,) = unplaced_faces([folder], own_network(), [], set())
    assert face.subject == "nasa/astronaut"
    assert face.points[:17, 1].max() > face.points[36:48, 1].max()
    with pytest.raises(UserError, match="not sure"):
        unplaced_faces([folder], own_network(), [], {"nasa/astronaut"})


@pytest.mark.shared
def test_a_run_writes_its_network_and_goes_on(shared_data, tmp_path, monkeypatch):
    # so small a network is sure of nothing: its second round is given what was placed by hand
    monkeypatch.setattr(
        "actionunits.experiments.landmarks.train.unplaced_faces",
        lambda folders, network, placed, held: placed,
    )
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
    assert PointNetwork(file).note == {"name": "landmarks", "version": load_point_recipe().version}
    card = json.loads((tmp_path / "out" / "landmarks.json").read_text())
    assert card["people placed by hand"] == ["london/001", "london/002"]
    assert card["validation"]["faces"] == 1
    assert "2 people" in (tmp_path / "out" / "landmarks.md").read_text()
    before = file.read_bytes()
    assert train_points(*given, workers=1).read_bytes() == before
    assert epochs == [1]
    again = train_points(*given, workers=1, unplaced=[faces], on_epoch=lambda note: epochs.append(note.epoch))
    assert json.loads(again.with_suffix(".json").read_text())["people found by the network before"] == 2
    assert epochs == [1, 1]
    with pytest.raises(UserError, match="other settings"):
        train_points(*given[:4], load_point_recipe([*TINY, "data.seed=5"]), split, workers=1)
