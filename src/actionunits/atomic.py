"""Files that appear whole or not at all: written beside, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from actionunits.errors import UserError

__all__ = ["leave_no_empty_directory", "make_directory", "replace_when_done"]

_UMASK = os.umask(0)
os.umask(_UMASK)


@contextmanager
def replace_when_done(path: str | os.PathLike[str]) -> Iterator[Path]:
    r"""Give a temporary name beside ``path``; on success it is renamed to ``path``, else it is removed.

    The temporary name keeps the suffix (``.NAME.part-PID.csv``), so that writers which choose their format by
    the suffix work. An existing ``path`` stays as it was until the new one is complete, also after an
    exception, Ctrl-C, or a full disk.

    Raises:
        UserError: the directory cannot be written to, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replace_when_done(Path(folder) / "table.csv") as beside:
    ...         _ = beside.write_text("frame\n1\n")
    ...     sorted(p.name for p in Path(folder).iterdir())
    ['table.csv']
    """
    final = Path(path)
    beside = final.with_name(f".{final.stem}.part-{os.getpid()}{final.suffix}")
    try:
        yield beside
        if os.name == "posix":  # some writers make files that only their owner may read
            beside.chmod(0o666 & ~_UMASK)
        beside.replace(final)
    except OSError as problem:
        if problem.filename is not None and Path(os.fsdecode(problem.filename)) not in (beside, final):
            raise
        what = problem.strerror or str(problem)
        if problem.errno == errno.EISDIR:
            what = "a folder of that name is there"
        todo = "free space or choose" if problem.errno in (errno.ENOSPC, errno.EDQUOT) else "choose"
        raise UserError(f"cannot write {final}: {what}; {todo} another place") from problem
    finally:
        with suppress(
            OSError
        ):  # what could not be made cannot be removed: the first problem is the one to tell
            beside.unlink()


def make_directory(path: str | os.PathLike[str]) -> Path:
    """Make a directory and its parents, or say in one line why not.

    Raises:
        UserError: a file stands in the way, or the place cannot be written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(
            f"cannot make the folder {folder}: {problem.strerror}; choose another --out"
        ) from problem
    if not os.access(folder, os.W_OK):
        raise UserError(
            f"cannot write into {folder}: it is read-only, or permission is denied; choose another --out"
        )
    return folder


@contextmanager
def leave_no_empty_directory(path: str | os.PathLike[str]) -> Iterator[None]:
    """Remove a directory, and its parents, that were made meanwhile and in which nothing came to be.

    What was there before stays, and so does what holds a file.
    """
    folder = Path(path).absolute()
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):  # it is not empty, or was never made
                each.rmdir()
