"""From a data set's folder to the crop cache of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from actionunits.datasets.joined import join_data_sets
from actionunits.datasets.prepare import Prepared, prepare
from actionunits.errors import UserError, unknown_name
from actionunits.records import InputSpec, LabelIndex, OnProgress

__all__ = ["input_spec", "prepare_data_set", "prepare_joined"]


def input_spec(model: str) -> InputSpec:
    """What a model takes.

    Args:
        model: a network's name (``facs3d/cnn2d``), a family's (``facs3d``: its first network's), ``default``
            for the embedded model, or a model file (``.onnx``, ``.safetensors``).

    Raises:
        UserError: no such model, or PyTorch is needed and not installed.

    >>> input_spec("facs3d").size_px
    200
    """
    from actionunits.models.registry import REGISTRY

    if model == "default" or Path(model).suffix.lower() in (".onnx", ".safetensors"):
        from actionunits.detect.backends import load_backend

        return load_backend(None if model == "default" else Path(model)).spec
    name = model if model in REGISTRY else next((n for n in REGISTRY if n.split("/")[0] == model), None)
    if name is None:
        families = dict.fromkeys(n.split("/")[0] for n in REGISTRY)
        raise unknown_name("model", model, ["default", *families, *REGISTRY])
    try:
        from actionunits.models.registry import build_model

        return build_model(name).spec
    except ImportError as problem:
        raise UserError(f"{name} needs PyTorch: pip install 'actionunits[train]'") from problem


def prepare_data_set(
    name: str,
    root: Path,
    spec: InputSpec,
    out: Path,
    *,
    positive: int | None = None,
    detector: str = "hog",
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> Prepared:
    """Read a data set and fill its crop cache; see :func:`actionunits.datasets.prepare.prepare`.

    Raises:
        UserError: the data set cannot be used, or the cache holds other crops.
    """
    return prepare_joined(
        {name: root},
        spec,
        out,
        positive=positive,
        detector=detector,
        jobs=jobs,
        on_progress=on_progress,
    )


def prepare_joined(
    roots: Mapping[str, Path],
    spec: InputSpec,
    out: Path,
    *,
    positive: int | None = None,
    detector: str = "hog",
    jobs: int = 1,
    chosen: Callable[[str, LabelIndex], LabelIndex] | None = None,
    on_progress: OnProgress | None = None,
) -> Prepared:
    """Read several data sets and fill one crop cache with all of them.

    Args:
        roots: data set to its folder.
        spec: what the model takes.
        out: folder of the cache.
        positive: as for :func:`prepare_data_set`.
        detector: of the faces.
        jobs: processes.
        chosen: gives the part of a set's frames to use; all without it.
        on_progress: called with (frames done, frames).

    Raises:
        UserError: one of them cannot be used, or the cache holds other crops.
    """
    reading, folder = join_data_sets(roots, chosen, positive)
    return prepare(
        reading.index,
        folder,
        spec,
        out,
        events=reading.events,
        detector=detector,
        jobs=jobs,
        on_progress=on_progress,
    )
