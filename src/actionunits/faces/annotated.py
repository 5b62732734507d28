"""What au detect has drawn, by what the file itself says: such a copy is no source beside its original."""

from __future__ import annotations

from pathlib import Path

import av
import av.error
from PIL import Image

__all__ = ["ANNOTATED_MARK", "MADE_BY", "is_annotated"]

#: At the end of the name of an annotated copy, of a picture as of a video.
ANNOTATED_MARK = "_au"
#: The comment of a written video or picture, by which it is known again.
MADE_BY = "annotated by au detect"


def is_annotated(path: Path) -> bool:
    """Whether au detect wrote a picture (``.png``) or video (``.mp4``), by the file's comment."""
    try:
        if path.suffix.lower() == ".png":
            with Image.open(path, formats=["PNG"]) as picture:
                return picture.info.get("Comment") == MADE_BY
        with av.open(str(path), metadata_errors="replace") as container:
            return container.metadata.get("comment") == MADE_BY
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, av.error.FFmpegError):
        return False
