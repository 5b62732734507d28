"""``import actionunits as au``: small, quick, and the same as the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import actionunits as au
from actionunits.detect.outputs import OutputPlan, detect_to_files


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of one face."""
    from skimage.data import astronaut

    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(astronaut()[40:240, 130:330]).save(path)
    return path


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture without a face."""
    path = tmp_path_factory.mktemp("grey") / "grey.png"
    Image.fromarray(np.full((90, 120), 128, np.uint8)).save(path)
    return path


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_is_quick_and_brings_nothing_heavy() -> None:
    code = """
import sys, time
start = time.perf_counter()
import actionunits
print(time.perf_counter() - start)
print([name for name in ("numpy", "cv2", "dlib", "torch", "pandas", "av") if name in sys.modules])
"""
    seconds, heavy = min((_python(code).splitlines() for _ in range(3)), key=lambda lines: float(lines[0]))
    assert float(seconds) < 0.1
    assert heavy == "[]"


def test_detecting_needs_neither_torch_nor_plots(photo: Path) -> None:
    code = f"""
import sys, actionunits as au
list(au.Detector().run({str(photo)!r}))
print([name for name in ("torch", "pandas", "matplotlib", "scipy", "skimage") if name in sys.modules])
"""
    assert _python(code).strip() == "[]"


def test_the_command_needs_neither_tables_nor_figures_to_write_a_table(photo: Path, tmp_path: Path) -> None:
    code = f"""
import contextlib, sys
from actionunits.cli.main import run
sys.argv = ["au", "detect", {str(photo)!r}, "--out", {str(tmp_path)!r}]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
    run()
print([name for name in ("torch", "pandas", "pyarrow", "matplotlib", "scipy") if name in sys.modules])
"""
    assert _python(code).strip() == "[]"
    assert list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    "first", ["import actionunits.detect.pipeline", "from actionunits.detect import pipeline", "pass"]
)
def test_detect_is_a_function_and_a_package_in_any_order(first: str) -> None:
    code = f"{first}\nimport actionunits as au\nprint(callable(au.detect), au.Detector, callable(au.detect))"
    assert _python(code).strip() == "True <class 'actionunits.detect.pipeline.Detector'> True"


def test_the_public_names() -> None:
    assert set(au.__all__) <= set(dir(au))
    assert all(getattr(au, name) is not None for name in au.__all__)
    from importlib.metadata import version

    assert au.__version__ == version("actionunits")
    with pytest.raises(AttributeError, match="no attribute 'detekt'"):
        au.detekt  # noqa: B018


def test_the_table_is_the_one_the_command_writes(photo: Path, tmp_path: Path) -> None:
    table = au.detect(photo)
    summary = detect_to_files(au.Detector(), photo, "photo", OutputPlan(tmp_path))
    pd.testing.assert_frame_equal(table, pd.read_csv(summary.files[0]))
    assert table.loc[0, "success"] == 1
    assert table["frame"].dtype == np.int64


def test_several_sources_have_a_column_for_it(photo: Path, grey: Path) -> None:
    table = au.detect([photo, str(grey)])
    assert table["source"].tolist() == [str(photo), str(grey)]
    assert table["success"].tolist() == [1, 0]
    assert table.loc[1].filter(regex=r"AU\d\d_").isna().all()
    assert table.loc[0].filter(regex=r"AU\d\d_p").notna().all()


def test_a_mistake_is_one_kind_of_error(tmp_path: Path, photo: Path) -> None:
    with pytest.raises(au.UserError, match="gone"):
        au.detect(tmp_path / "gone.mp4")
    with pytest.raises(au.UserError, match="faces"):
        au.detect(photo, faces="biggest")  # type: ignore[arg-type]


def test_a_source_that_breaks_off_gives_its_good_rows_and_a_warning(tmp_path: Path, photo: Path) -> None:
    import shutil

    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(photo, folder / "1.png")
    (folder / "2.png").write_bytes(photo.read_bytes()[:2000])
    with pytest.warns(UserWarning, match=r"2\.png"):
        table = au.detect(folder)
    assert table["success"].tolist() == [1]
