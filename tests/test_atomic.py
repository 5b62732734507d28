from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from actionunits.atomic import leave_no_empty_directory, make_directory, replace_when_done
from actionunits.errors import UserError


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), replace_when_done(target) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_success_replaces_the_old_file(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with replace_when_done(target) as beside:
        assert beside.suffix == ".csv"
        beside.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_the_users_to_mend(tmp_path):
    target = tmp_path / "table.csv"
    with pytest.raises(UserError, match=r"cannot write .*table.csv: No space left on device"):
        with replace_when_done(target) as beside:
            beside.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_trouble_with_another_file_is_not_blamed_on_this_one(tmp_path):
    with pytest.raises(FileNotFoundError), replace_when_done(tmp_path / "table.csv"):
        Path("/no/such/file").read_text()


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        make_directory(tmp_path / "out" / "deeper")


@pytest.mark.parametrize("name", ["file/table.csv", f"{'a' * 300}.csv", "nowhere/table.csv"])
def test_a_name_that_cannot_be_is_the_users_to_mend(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), replace_when_done(tmp_path / name) as beside:
        beside.write_text("half")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_that_its_writer_closes_to_others_gets_the_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    with replace_when_done(tmp_path / "model.bin") as beside:
        beside.touch(mode=0o600)
        beside.chmod(0o600)
    assert (tmp_path / "model.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_in_the_way_is_said_to_be_one(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with (
        pytest.raises(UserError, match="a folder of that name is there; choose another place"),
        replace_when_done(tmp_path / "table.csv") as beside,
    ):
        beside.write_text("1")


def test_only_new_and_empty_directories_are_removed(tmp_path):
    (tmp_path / "there").mkdir()
    for new in ("there/a/b", "c"):
        with pytest.raises(RuntimeError), leave_no_empty_directory(tmp_path / new):
            make_directory(tmp_path / new)
            raise RuntimeError
        with leave_no_empty_directory(tmp_path / new):
            pass
    with leave_no_empty_directory(tmp_path / "there"):
        pass
    long = tmp_path / "d" / ("n" * 300)
    with pytest.raises(UserError, match="cannot make the folder"), leave_no_empty_directory(long):
        make_directory(long)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with leave_no_empty_directory(tmp_path / "x" / "y"):
        (make_directory(tmp_path / "x" / "y") / "table.csv").touch()
    assert (tmp_path / "x" / "y" / "table.csv").is_file()
