"""What au detect takes for its own; that it refuses the rest is tested with the command."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from actionunits.detect.layouts import LAYOUTS, WITH_SIDES, is_own_header, layout_of
from actionunits.detect.replacing import refuse_to_replace
from actionunits.errors import UserError


def test_tables_of_others_are_told_from_ours() -> None:
    thresholds = np.zeros(2, np.float32)
    for name in LAYOUTS:
        for emotions in ((), ("happy", "sadness")):
            for sides in (False, True) if name in WITH_SIDES else (False,):
                for files in ((), ("a.png",)):
                    layout = layout_of(name, (12, 43), thresholds, "", files, emotions, sides=sides)
                    names = [column.name for column in layout.columns]
                    assert is_own_header(names), name
                    assert not is_own_header([*names, "notes"]), "somebody added a column"
                    assert not is_own_header(names[:4] + names[5:])
                    assert not is_own_header([*names[:-3], "notes", *names[-3:]])
    openface = "frame face_id timestamp confidence success gaze_0_x pose_Tx pose_Rx AU12_r AU12_c"
    pyfeat = "FaceRectX FaceRectY FaceRectWidth FaceRectHeight FaceScore x_0 y_0 Pitch Roll Yaw AU12 input"
    for others in (openface, pyfeat, "frame AU12", "frame AU98_r", ""):
        assert not is_own_header(others.split())


def test_what_cannot_be_there_or_is_a_folder_is_not_refused_here(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "folder.csv", tmp_path / f"{'n' * 300}.csv", tmp_path / "none.csv"):
        refuse_to_replace(set(), {"table": path})


def test_a_link_to_something_of_others_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mine.png"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "a_au.png").symlink_to(tmp_path / "mine.png")
    with pytest.raises(UserError, match=r"a_au.png is not as au detect wrote it \(a picture of your own\?\)"):
        refuse_to_replace(set(), {"video": tmp_path / "a_au.png"})
