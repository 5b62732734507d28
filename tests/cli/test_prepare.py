import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from actionunits.cli.main import app
from actionunits.models.registry import build_model
from actionunits.models.weights import save_model

run = CliRunner().invoke


@pytest.fixture(scope="module")
def bp4d(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "bp4d"
    options = ["--subjects", "3", "--sequences", "1", "--frames", "5", "--size", "200"]
    result = run(app, ["datasets", "fake", "bp4d", str(folder), *options])
    assert result.exit_code == 0, result.output
    assert "imitation of bp4d" in result.output
    return folder


def test_fake_check_prepare(bp4d, tmp_path):
    checked = run(app, ["datasets", "check", "bp4d", str(bp4d)])
    assert checked.exit_code == 0
    assert "3 subjects, 3 sequences, 15 frames" in checked.output
    assert checked.output.rstrip().endswith("usable")
    command = [
        "prepare",
        "bp4d",
        str(bp4d),
        "--spec",
        "facs3d",
        "--out",
        str(tmp_path / "cache"),
        "--jobs",
        "1",
    ]
    first = run(app, command)
    assert first.exit_code == 0, first.output
    assert "15 frames (0 without a face, 0 unreadable), 3 sequences new" in first.output
    second = run(app, command)
    assert "0 sequences new" in second.output
    digest = re.compile(r"digest \w{64}")
    assert digest.search(first.output)[0] == digest.search(second.output)[0]


def test_flow_is_kept_for_a_model_that_takes_it(bp4d, tmp_path):
    model = build_model(
        "au_rcnn/ar_two_stream", {"backbone": "resnet18", "size_px": 64, "roi_cells": 4, "clip_length": 3}
    )
    save_model(tmp_path / "m.safetensors", model, name="au_rcnn/ar_two_stream", card={})
    command = ["prepare", "bp4d", str(bp4d), "--spec", str(tmp_path / "m.safetensors"), "--jobs", "1"]
    for _ in range(2):
        done = run(app, [*command, "--out", str(tmp_path / "cache")])
        assert done.exit_code == 0, done.output
        files = sorted((tmp_path / "cache" / "parts").glob("*/flow-dis.npy"))
        assert [np.load(file).shape for file in files] == [(5, 64, 64, 2)] * 3


def test_a_data_set_that_cannot_be_used_ends_with_1(bp4d, tmp_path):
    for root in (tmp_path / "absent", tmp_path):
        result = run(app, ["datasets", "check", "bp4d", str(root), "--json"])
        assert result.exit_code == 1
        report = json.loads(result.output)
        assert report["usable"] is False
        for departure in report["departures"]:
            assert departure["path"].startswith(str(tmp_path))
            assert departure["expected"]
            assert departure["remedy"]
    assert "must be mended: " in run(app, ["datasets", "check", "bp4d", str(tmp_path)]).output


def test_json_has_every_count(bp4d):
    report = json.loads(run(app, ["datasets", "check", "bp4d", str(bp4d), "--json"]).output)
    assert report["usable"] is True
    assert (report["subjects"], report["frames"]) == (3, 15)
    one = report["units"]["AU12"]
    assert one["shown"] + one["not_shown"] + one["unknown"] == 15
    assert report["departures"][0]["kind"] == "missing"
