"""What a frozen encoder gives for pictures, computed once and kept on disk for the parts that learn from it.

The codes lie in a folder in files of a few hundred rows, each written whole: a stopped run goes on. They are
kept in half precision (a relative error below .0005), since twelve heads read them again and again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actionunits.atomic import make_directory, replace_when_done
from actionunits.models.interface import TensorBatch
from actionunits.records import FloatArray, OnProgress
from actionunits.training.data import CropSamples

__all__ = ["ClipCodeBatches", "ClipCodes", "CodeBatches", "Codes", "code_batch", "encode_once"]

_Pictures = TypeVar("_Pictures")

#: Rows of a file.
FILE_ROWS = 512


class Codes:
    """Codes on disk, read row by row.

    Args:
        folder: what :func:`encode_once` filled.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("codes-*.npy"))
        self._files = [np.load(file, mmap_mode="r") for file in files]

    def __len__(self) -> int:
        return sum(len(file) for file in self._files)

    def rows(self, numbers: NDArray[np.int64]) -> FloatArray:
        """f32[N,V] of some rows."""
        out = np.empty((len(numbers), self._files[0].shape[1]), np.float32)
        part = numbers // FILE_ROWS
        for number in np.unique(part).tolist():
            here = part == number
            out[here] = self._files[number][numbers[here] - number * FILE_ROWS]
        return out


def encode_once(
    folder: Path,
    rows: int,
    pictures: Callable[[range], _Pictures],
    encode: Callable[[_Pictures], Tensor],
    *,
    key: str,
    batch: int = 64,
    on_progress: OnProgress | None = None,
) -> Codes:
    """Fill a folder with codes, or go on with it; what another encoder or other rows have left is replaced.

    Args:
        folder: of the codes.
        rows: how many.
        pictures: gives what the encoder takes of some rows.
        encode: gives their codes f32[N,V].
        key: names encoder and rows.
        batch: rows that the encoder is given at once.
        on_progress: called with (rows done, rows).

    Raises:
        UserError: the folder cannot be written to.
    """
    make_directory(folder)
    record = folder / "codes.json"
    if not record.exists() or json.loads(record.read_text(encoding="utf-8")) != key:
        for file in folder.glob("codes-*.npy"):
            file.unlink()
        with replace_when_done(record) as beside:
            beside.write_text(json.dumps(key), encoding="utf-8")
    for number, first in enumerate(range(0, rows, FILE_ROWS)):
        last = min(first + FILE_ROWS, rows)
        path = folder / f"codes-{number:06d}.npy"
        if not path.exists():
            parts = _encoded(range(first, last), pictures, encode, batch)
            with replace_when_done(path) as beside, beside.open("wb") as stream:
                np.save(stream, np.concatenate(list(parts)))
        if on_progress is not None:
            on_progress(last, rows)
    return Codes(folder)


def _encoded(
    rows: range,
    pictures: Callable[[range], _Pictures],
    encode: Callable[[_Pictures], Tensor],
    batch: int,
) -> Iterator[NDArray[np.float16]]:
    for first in range(rows.start, rows.stop, batch):
        with torch.inference_mode():
            code = encode(pictures(range(first, min(first + batch, rows.stop))))
        yield code.float().cpu().numpy().astype(np.float16)


class CodeBatches:
    """A :class:`~actionunits.training.loop.BatchSource` of codes with the labels of one AU, shuffled.

    Args:
        codes: of all rows.
        rows: i64[N], those to learn from.
        labels: i8[N] of them, 0 or 1.
        batch: rows of a batch; fewer when there are fewer.
    """

    def __init__(self, codes: Codes, rows: NDArray[np.int64], labels: NDArray[np.int8], batch: int) -> None:
        self.codes, self.chosen, self.labels = codes, rows, labels
        self.batch = min(batch, len(rows))

    def __len__(self) -> int:
        return len(self.chosen) // self.batch if self.batch else 0

    def epoch(self, number: int, seed: int) -> Iterator[TensorBatch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        order = np.random.default_rng([seed, number]).permutation(len(self.chosen))
        for index in range(len(self)):
            at = order[index * self.batch : (index + 1) * self.batch]
            yield code_batch(self.codes.rows(self.chosen[at]), self.labels[at])


def code_batch(codes: FloatArray, labels: NDArray[np.int8] | None = None) -> TensorBatch:
    """Codes f32[B,V] of stills as a batch without pictures, with the labels i8[B] of one AU."""
    return TensorBatch(
        frames=torch.empty(len(codes), 1, 0, 0, 0),
        labels=None if labels is None else torch.from_numpy(labels)[:, None, None],
        codes=torch.from_numpy(codes)[:, None],
    )


class ClipCodes:
    """The codes of samples, clip by clip.

    Args:
        codes: of the frames with a face of the samples' index, in its order.
        samples: which clips.
    """

    def __init__(self, codes: Codes, samples: CropSamples) -> None:
        if len(codes) != int(samples.found.sum()):
            raise ValueError(f"{len(codes)} codes are not of {int(samples.found.sum())} frames with a face")
        self.samples = samples
        self._codes, self._number = codes, np.cumsum(samples.found) - 1

    def __len__(self) -> int:
        return len(self.samples)

    def clips(self, numbers: Sequence[int]) -> FloatArray:
        """f32[B,T,V] of some samples."""
        rows = self.samples.rows[np.asarray(numbers, np.int64)]
        return self._codes.rows(self._number[rows].ravel()).reshape(*rows.shape, -1)


class ClipCodeBatches:
    """A :class:`~actionunits.training.loop.BatchSource` of clips whose frames have been encoded, shuffled.

    Args:
        codes: of the training clips.
        batch: clips of a batch; fewer when there are fewer.
    """

    def __init__(self, codes: ClipCodes, batch: int) -> None:
        self.codes = codes
        self.batch = min(batch, len(codes))

    def __len__(self) -> int:
        return len(self.codes) // self.batch if self.batch else 0

    def epoch(self, number: int, seed: int) -> Iterator[TensorBatch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        order = np.random.default_rng([seed, number]).permutation(len(self.codes))
        labels = self.codes.samples.frame_labels
        for index in range(len(self)):
            at = order[index * self.batch : (index + 1) * self.batch]
            yield TensorBatch(
                frames=torch.empty(*labels[at].shape[:2], 0, 0, 0),
                labels=torch.from_numpy(labels[at]),
                codes=torch.from_numpy(self.codes.clips(at.tolist())),
            )
