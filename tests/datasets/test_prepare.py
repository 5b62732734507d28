import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.cache import CropCache, CropGeometry
from actionunits.datasets.prepare import prepare
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.experiments.prepare import input_spec
from actionunits.faces.align import align, inter_ocular_distance
from actionunits.faces.detect import make_detector
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.pictures import read_picture
from actionunits.records import InputSpec, LabelIndex, Landmarks

SPEC = InputSpec(aus=(1, 2, 12), size_px=64, inter_ocular_px=28.0)


@pytest.fixture(scope="module")
def bp4d(painted_bp4d):
    return painted_bp4d, usable_index(data_set("bp4d").read(painted_bp4d, None))


@pytest.fixture(scope="module")
def undisturbed(bp4d, tmp_path_factory):
    root, index = bp4d
    return prepare(index, root, SPEC, tmp_path_factory.mktemp("cache") / "whole")


def test_every_frame_is_cropped_as_in_use(bp4d, undisturbed):
    root, index = bp4d
    cache = undisturbed.cache
    assert (undisturbed.frames, undisturbed.faceless, undisturbed.unreadable) == (36, 0, ())
    assert undisturbed.made == 6
    part, row, found = cache.locate(index)
    assert found.all()
    assert part.tolist() == np.repeat(np.arange(6), 6).tolist()
    assert row.tolist() == list(range(6)) * 6
    frame = read_picture(root / index.table["path"][0])
    landmarks = find_landmarks(frame.grey, make_detector("hog").find(frame.grey)[0], "dlib")
    wanted = align(frame.grey, landmarks, 64, 28.0).image
    np.testing.assert_array_equal(cache.crops(0)[0, :, :, 0], wanted)
    for number in range(6):
        distance = inter_ocular_distance(Landmarks(np.array(cache.points(number)[3])))
        assert distance == pytest.approx(28.0, abs=0.01)
    assert isinstance(cache.crops(0).base, np.memmap)
    pd.testing.assert_frame_equal(cache.index.table, index.table, check_categorical=False)


def test_a_stopped_run_goes_on_and_ends_the_same(bp4d, undisturbed, tmp_path):
    root, index = bp4d
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(index, root, SPEC, tmp_path / "c", on_progress=stop)
    assert seen[-1] == (15, 36)
    assert sorted(p.name[:12] for p in (tmp_path / "c" / "parts").iterdir()) == [
        "bp4d_F001_T1",
        "bp4d_F001_T2",
    ]
    with pytest.raises(UserError, match="not complete"):
        CropCache(tmp_path / "c")
    again = prepare(index, root, SPEC, tmp_path / "c")
    assert again.made == 4
    assert again.cache.digest == undisturbed.cache.digest
    third = prepare(index, root, SPEC, tmp_path / "c")
    assert third.made == 0
    assert third.cache.digest == undisturbed.cache.digest


def test_sigkill_with_two_processes(painted_bp4d, bp4d, undisturbed, tmp_path):
    out = tmp_path / "cache"
    script = (
        "from pathlib import Path; import sys\n"
        "from actionunits.datasets.bp4d import DATA_SET\n"
        "from actionunits.datasets.prepare import prepare\n"
        "from actionunits.records import InputSpec\n"
        "if __name__ == '__main__':\n"
        "    root, out = map(Path, sys.argv[1:])\n"
        "    spec = InputSpec(aus=(1,), size_px=64, inter_ocular_px=28.0)\n"
        "    prepare(DATA_SET.read(root, None).index, root, spec, out, jobs=2)\n"
    )
    (tmp_path / "run.py").write_text(script)
    command = [sys.executable, str(tmp_path / "run.py"), str(painted_bp4d), str(out)]
    process = subprocess.Popen(command)
    for _ in range(1200):
        done = list((out / "parts").glob("bp4d*")) if out.exists() else []
        if done or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    if len(done) < 6:  # it was killed before the end
        with pytest.raises(UserError, match="not complete"):
            CropCache(out)
    again = prepare(*reversed(bp4d), SPEC, out)
    assert again.made < 6
    assert again.cache.digest == undisturbed.cache.digest
    assert len(list((out / "parts").iterdir())) == 6  # nothing half-written is left


def test_what_a_killed_process_left_is_cleared_away(bp4d, undisturbed, tmp_path):
    root, index = bp4d
    shutil.copytree(undisturbed.cache.folder, tmp_path / "c")
    left = tmp_path / "c" / "parts" / ".bp4d_F001_T1-0.part-999999999"
    left.mkdir()
    prepare(index, root, SPEC, tmp_path / "c")
    assert not left.exists()


def test_two_runs_at_once_are_refused(bp4d, tmp_path):
    root, index = bp4d

    def second(done, total):
        prepare(index, root, SPEC, tmp_path / "c")

    with pytest.raises(UserError, match="another au prepare is filling"):
        prepare(index, root, SPEC, tmp_path / "c", on_progress=second)


def test_another_spec_is_refused_and_other_aus_are_not(bp4d, undisturbed):
    root, index = bp4d
    out = undisturbed.cache.folder
    before = undisturbed.cache.digest
    with pytest.raises(UserError, match=r"holds grey crops of 64 px.* takes RGB crops of 96 px"):
        prepare(
            index,
            root,
            InputSpec(
                aus=(1,), size_px=96, inter_ocular_px=28.0, channels=3, normalisation=((0,) * 3, (1,) * 3)
            ),
            out,
        )
    with pytest.raises(UserError, match="detector hog, not viola-jones"):
        prepare(index, root, SPEC, out, detector="viola-jones")
    other = LabelIndex.make(index.table.assign(dataset="disfa"))
    with pytest.raises(UserError, match="dataset bp4d, not disfa"):
        prepare(other, root, SPEC, out)
    with pytest.raises(UserError, match="prepare another cache"):
        undisturbed.cache.check_spec(InputSpec(aus=(1,), size_px=64, inter_ocular_px=30.0))
    assert prepare(index, root, InputSpec(aus=(4, 6), size_px=64, inter_ocular_px=28.0), out).made == 0
    assert CropCache(out).digest == before


def test_a_changed_source_is_made_again(painted_bp4d, bp4d, undisturbed, tmp_path):
    root, out = tmp_path / "data", tmp_path / "cache"
    shutil.copytree(painted_bp4d, root)
    index = bp4d[1]
    first = prepare(index, root, SPEC, out)
    assert first.cache.digest == undisturbed.cache.digest
    picture = root / index.table["path"][7]
    cv2.imwrite(str(picture), cv2.imread(str(picture))[:, ::-1])
    second = prepare(index, root, SPEC, out)
    assert second.made == 1
    assert second.cache.digest != first.cache.digest


def test_faceless_and_unreadable_frames_are_counted(painted_bp4d, bp4d, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(painted_bp4d, root)
    index = bp4d[1]
    paths = index.table["path"]
    rng = np.random.default_rng(0)
    for row in range(6, 12):
        cv2.imwrite(str(root / paths[row]), rng.integers(0, 256, (220, 220, 3), np.uint8))
    (root / paths[20]).write_bytes(b"no picture")
    done = prepare(index, root, SPEC, tmp_path / "cache")
    assert done.faceless == 6
    assert len(done.unreadable) == 1
    assert paths[20] in done.unreadable[0]
    assert done.cache.summary["faceless"] == 6
    found = done.cache.locate(index)[2]
    assert np.flatnonzero(~found).tolist() == [*range(6, 12), 20]
    assert not done.cache.crops(1).any()


def test_videos_are_read_by_frame_number(tmp_path, request):
    from actionunits.datasets.fakes import FakeSize
    from actionunits.experiments.fakes import make_fake

    make_fake("disfa", tmp_path / "disfa", FakeSize(1, 1, 8), size_px=200)
    reading = data_set("disfa").read(tmp_path / "disfa", None)
    index = reading.index.take(np.array([1, 2, 3, 6, 7]))
    table = pd.concat([index.table, index.table.tail(1).assign(frame=30)], ignore_index=True)
    done = prepare(LabelIndex(table), tmp_path / "disfa", SPEC, tmp_path / "cache")
    assert done.faceless == 0
    assert [reason.partition(":")[0][-8:] for reason in done.unreadable] == ["frame 30"]
    whole = prepare(reading.index, tmp_path / "disfa", SPEC, tmp_path / "whole").cache
    difference = whole.crops(0)[[1, 2, 3, 6, 7]].astype(int) - done.cache.crops(0)[:5]
    assert np.abs(difference).mean() < 3  # the points are followed through other frames


def test_a_later_part_of_a_video_counts_from_0_as_the_first_does(tmp_path):
    from actionunits.datasets.fakes import FakeSize
    from actionunits.experiments.fakes import make_fake

    make_fake("disfa", tmp_path / "disfa", FakeSize(1, 1, 8), size_px=200)
    one = data_set("disfa").read(tmp_path / "disfa", None).index.table
    halves = np.where(one["frame"] <= 4, "a", "b")
    cut = one.assign(sequence=halves)
    from_zero = cut.assign(frame=one["frame"] - 1)
    crops = []
    for name, table in (("one", cut), ("zero", from_zero)):
        cache = prepare(LabelIndex.make(table), tmp_path / "disfa", SPEC, tmp_path / name).cache
        crops.append(np.concatenate([cache.crops(0), cache.crops(1)]))
    np.testing.assert_array_equal(crops[0], crops[1])


def test_stills_of_a_person_share_a_part(tmp_path):
    from actionunits.datasets.fakes import FakeSize
    from actionunits.experiments.fakes import make_fake

    make_fake("rafd", tmp_path / "rafd", FakeSize(2, 1, 4), size_px=200)
    index = data_set("rafd").read(tmp_path / "rafd", None).index
    cache = prepare(index, tmp_path / "rafd", SPEC, tmp_path / "cache").cache
    assert len(cache.part_names) == 2
    assert np.bincount(cache.locate(index)[0]).tolist() == [8, 8]
    assert cache.summary["faceless"] <= 1


def test_profile_faces_are_counted_as_faceless(tmp_path):
    from actionunits.datasets.fakes import FakeSize
    from actionunits.experiments.fakes import make_fake

    make_fake("rafd", tmp_path / "rafd", FakeSize(2, 1, 4), size_px=260, variant="cameras")
    index = data_set("rafd").read(tmp_path / "rafd", None).index
    done = prepare(index, tmp_path / "rafd", SPEC, tmp_path / "cache")
    found = pd.Series(done.cache.locate(index)[2]).groupby(index.table["view"].to_numpy(str)).sum()
    assert found[["000", "180"]].tolist() == [0, 0]
    assert (found[["045", "090", "135"]] >= 15).all()
    assert done.faceless == len(index) - found.sum() >= 32
    assert not done.unreadable


def test_bad_places(bp4d, tmp_path):
    root, index = bp4d
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="no crop cache: choose a new folder"):
        prepare(index, root, SPEC, tmp_path / "full")
    with pytest.raises(UserError, match="no crop cache at"):
        CropCache(tmp_path / "absent")
    with pytest.raises(UserError, match="without a path"):
        prepare(LabelIndex.make(index.table.assign(path="")), root, SPEC, tmp_path / "x")
    (tmp_path / "old").mkdir()
    record = {"format": 0, "geometry": {"size_px": 1, "inter_ocular_px": 1, "eye_line": 1, "channels": 1}}
    (tmp_path / "old" / "cache.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="of version 0"):
        prepare(index, root, SPEC, tmp_path / "old")
    (tmp_path / "old" / "cache.json").write_text("{")
    with pytest.raises(UserError, match="no crop cache of this package"):
        CropCache(tmp_path / "old")


def test_the_cache_knows_only_its_own_frames(bp4d, undisturbed):
    other = LabelIndex.make(bp4d[1].table.assign(frame=bp4d[1].table["frame"] + 1000))
    with pytest.raises(UserError, match="F001 T1 frame 1095 is not in the cache"):
        undisturbed.cache.locate(other)


def test_specs_by_name():
    spec = input_spec("facs3d")
    assert (spec.size_px, spec.inter_ocular_px, spec.channels) == (200, 80.0, 1)
    assert input_spec("facs3d/cnn2d") == spec
    with pytest.raises(UserError, match="did you mean 'facs3d"):
        input_spec("facs3")


def test_a_cache_tells_whose_points_lay_its_crops(bp4d, tmp_path):
    """Of the first caches, which had dlib's only, nothing says so."""
    root, index = bp4d
    old = CropGeometry.of(SPEC).to_plain()
    assert "landmarks" not in old
    assert CropGeometry(**old).landmarks == "dlib"
    few = index.take(np.arange(3))
    made = prepare(few, root, replace(SPEC, landmarks="own"), tmp_path / "own")
    frame = read_picture(root / index.table["path"][0])
    landmarks = find_landmarks(frame.grey, make_detector("hog").find(frame.grey)[0], "own")
    np.testing.assert_array_equal(
        made.cache.crops(0)[0, :, :, 0], align(frame.grey, landmarks, 64, 28.0).image
    )
    with pytest.raises(UserError, match="by the points of 'own'; this model takes grey crops"):
        prepare(few, root, SPEC, tmp_path / "own")
