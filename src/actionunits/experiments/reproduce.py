"""Every table and figure of the five papers by name: what can be made now, and what not yet."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.registry import MODULES
from actionunits.errors import UserError, unknown_name
from actionunits.experiments.environment import environment
from actionunits.experiments.reproduce_au_rcnn import AU_RCNN_MAKERS
from actionunits.experiments.reproduce_au_rcnn_faces import FACE_MAKERS
from actionunits.experiments.reproduce_caud import CAUD_MAKERS
from actionunits.experiments.reproduce_cooccurrence import COOCCURRENCE_MAKERS
from actionunits.experiments.reproduce_durations import DURATION_MAKERS
from actionunits.experiments.reproduce_dynamic import DYNAMIC_MAKERS
from actionunits.experiments.reproduce_facs3d import FACS3D_MAKERS
from actionunits.experiments.reproduce_gain import GAIN_MAKERS
from actionunits.experiments.reproduce_labels import LABEL_MAKERS
from actionunits.experiments.reproduce_occlusion import OCCLUSION_MAKERS
from actionunits.experiments.reproduce_pairs import PAIR_MAKERS
from actionunits.experiments.reproduce_patterns import PATTERN_MAKERS
from actionunits.experiments.reproduce_published import PUBLISHED_MAKERS
from actionunits.experiments.reproduce_regions import BOX_MAKERS, REGION_MAKERS
from actionunits.experiments.reproduce_speed import SPEED_MAKERS
from actionunits.experiments.reproduced import SCALES, Maker, Product, Request, Scale
from actionunits.records import Stage
from actionunits.reports.tables import to_markdown, write_table

__all__ = ["ITEMS", "Item", "reproduce"]


@dataclass(frozen=True)
class Item:
    """A table or figure of a paper.

    Attributes:
        paper: its short name.
        item: such as ``table5`` or ``fig4``.
        content: what it shows.
    """

    paper: str
    item: str
    content: str

    @property
    def maker(self) -> Maker | None:
        """The function that makes it, or None."""
        return MAKERS.get((self.paper, self.item))

    @property
    def state(self) -> Literal["ready", "not yet"]:
        """Whether ``au reproduce`` can make it."""
        return "ready" if self.maker is not None else "not yet"


def _items(paper: str, contents: Mapping[str, str]) -> tuple[Item, ...]:
    return tuple(Item(paper, name, content) for names, content in contents.items() for name in names.split())


ITEMS: tuple[Item, ...] = (
    *_items(
        "au_rcnn",
        {
            "table4 table7": "F1 per AU against published methods, BP4D-12 / DISFA-8",
            "table5 table8": "control experiments: static models; on licensed data dynamic ones too",
            "table5-dynamic table8-dynamic": "control experiments: static against dynamic, on sequences",
            "table6": "resolutions 256, 416, 512, 608: CNN_res against AR_res",
            "table9 table10": "average box area per AU group",
            "table11": "inference time against ROI-Nets and LCN",
            "table12 table13": "mean boxes",
            "table14 table15": "mean AU duration and segment count",
            "table16": "speed of the dynamic models, learning and in use",
            "fig4 fig5": "AU masks and boxes on a face",
            "fig7": "example detections on faces",
            "fig9": "gain of ConvLSTM over AR_res against AU duration",
            "fig10": "training loss, AR_res against 2stream",
        },
    ),
    *_items(
        "caud",
        {
            "table1 table2": "emotion accuracy (BoW, AlexNet, VGG), confusion matrix",
            "table3 table4": "encoder ImageNet against EmotionNet; FC 4096, 2048, 1024",
            "table5": "10-fold comparison",
            "fig5 fig6": "top-2 emotions; true and false positives per AU",
        },
    ),
    *_items(
        "facs3d",
        {
            "table1": "F1, ACC, NA, AUC, S: 2D CNN, CNN-LSTM, FACS3D-Net",
            "table2": "paired t-tests",
            "fig4": "occlusion maps over the mean face",
            "fig5": "co-occurrence of AUs, Jaccard index",
        },
    ),
    *_items(
        "patterns",
        {
            "table1": "correlation of F1 with base rate, per method",
            "table2": "deviation of F1 over methods, per AU",
            "fig1 fig2": "F1 of published methods beside the base rates, BP4D / DISFA",
            "table3 table4": "most and least frequent patterns",
            "fig3": "share of patterns by range of frame counts",
            "table5 table6": "top pattern per sequence / task",
            "fig4 table7": "experiment 1: all AUs at once",
            "fig5 table8": "experiment 2: one network an AU",
            "table9 table11 table12": "experiment 3: the top 66 patterns",
            "table10": "experiment 4: all patterns",
        },
    ),
    *_items(
        "cooccurrence",
        {
            "table3": "co-occurrence pairs measured on the labels beside the paper's",
            "table4": "sample counts",
            "table5 table6": "2DCNN and 3DCNN: accuracy, AUC",
            "fig13 fig14 fig15": "2D against 3D; with and without co-occurrence",
        },
    ),
)

#: Papers whose items take several licensed data sets at once, as theirs do.
JOINING = ("caud", "cooccurrence")

#: Items that are made on labels and pictures of a licensed data set too.
DATA_MAKERS: Mapping[tuple[str, str], Maker] = {
    **AU_RCNN_MAKERS,
    **FACE_MAKERS,
    **BOX_MAKERS,
    **CAUD_MAKERS,
    **DURATION_MAKERS,
    **DYNAMIC_MAKERS,
    **GAIN_MAKERS,
    **FACS3D_MAKERS,
    **OCCLUSION_MAKERS,
    **PATTERN_MAKERS,
    **COOCCURRENCE_MAKERS,
    **PAIR_MAKERS,
}

MAKERS: Mapping[tuple[str, str], Maker] = {
    **PUBLISHED_MAKERS,
    **LABEL_MAKERS,
    **REGION_MAKERS,
    **SPEED_MAKERS,
    **DATA_MAKERS,
}


def _find(paper: str, name: str) -> Item:
    papers = list(dict.fromkeys(item.paper for item in ITEMS))
    if paper not in papers:
        raise unknown_name("paper", paper, papers)
    of_paper = {item.item: item for item in ITEMS if item.paper == paper}
    if name not in of_paper:
        raise unknown_name(f"item of {paper}", name, of_paper)
    return of_paper[name]


def reproduce(
    paper: str,
    name: str,
    out: Path,
    *,
    data: Sequence[str] = (),
    scale: str = "tiny",
    runs: Path | None = None,
    stage: Stage | None = None,
) -> tuple[Path, ...]:
    """Make a table or figure with the paper's published numbers beside ours.

    ``out`` gets ``PAPER-ITEM.md`` and ``.csv``, ``.png`` where there is a picture, and ``.json``: the record.

    Args:
        paper: its short name.
        name: the item.
        out: folder of the results.
        data: ``synthetic``, or ``NAME=ROOT`` of a licensed data set, or of several where a paper joins them.
        scale: ``tiny``, ``small`` or ``paper``.
        runs: where trainings and crops are kept, so that a stopped item goes on and others share them; by
            default ``runs`` in ``out``.
        stage: shows progress.

    Returns:
        The files, the page first.

    Raises:
        UserError: no such item or scale, the item cannot be made yet, or not with that data.
    """
    item = _find(paper, name)
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    if item.maker is None:
        raise UserError(f"{paper} {name} ({item.content}) cannot be made yet; `au reproduce` lists what can")
    licensed = _licensed(data)
    if licensed and (paper, name) not in DATA_MAKERS:
        raise UserError(
            f"{paper} {name} can be made with --data synthetic only, not yet with {', '.join(data)}"
        )
    if len(licensed) > 1 and paper not in JOINING:
        raise UserError(f"{paper} {name} takes one data set, got {', '.join(licensed)}")
    begun = time.perf_counter()
    chosen: Scale = next(known for known in SCALES if known == scale)
    one = next(iter(licensed.items())) if len(licensed) == 1 else None
    product = item.maker(Request(chosen, runs or out / "runs", one, stage, licensed))
    record = {
        "item": f"{paper} {name}",
        "scale": scale,
        "data": product.data,
        "seconds_since_the_last_start": round(time.perf_counter() - begun, 3),
        **environment(),
        "runs": {f"{run.parent.name}/{run.name}": _of_run(run) for run in product.runs},
    }
    return _write(make_directory(out) / f"{paper}-{name}", item, product, record)


#: Keys of a recipe that hold folders.
FOLDERS = (("data", "root"), ("data", "cache"), ("pretrain", "run"), ("heads", "encoder"), ("still", "run"))


def _of_run(run: Path) -> dict[str, object]:
    """What a training was made with: its recipe (folders by name alone), folds, versions and seeds."""
    recipe = tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8"))
    for part, key in FOLDERS:
        folder = recipe.get(part, {}).get(key)
        if folder:
            recipe[part][key] = Path(folder).name
    if sets := recipe.get("data", {}).get("sets"):
        recipe["data"]["sets"] = {name: Path(folder).name for name, folder in sets.items()}
    made = json.loads((run / "run.json").read_text(encoding="utf-8"))
    folds = json.loads((run / "folds.json").read_text(encoding="utf-8"))
    return {"recipe": recipe, "folds": folds, **made}


def _licensed(data: Sequence[str]) -> dict[str, Path]:
    """``NAME=ROOT`` taken apart; empty for synthetic data."""
    sets: dict[str, Path] = {}
    for word in data:
        if word == "synthetic":
            continue
        name, equals, root = word.partition("=")
        if name not in MODULES:
            raise unknown_name("data set", name, ("synthetic", *MODULES))
        if not equals or not Path(root).exists():
            place = root or "an unnamed place"
            raise UserError(f"there is no data set at {place!r}: give --data {name}=FOLDER")
        if name in sets:
            raise UserError(f"expected {name} once, got {sets[name]} and {root}")
        sets[name] = Path(root)
    return sets


def _write(stem: Path, item: Item, product: Product, record: Mapping[str, object]) -> tuple[Path, ...]:
    lines = [product.data, "", f"# {item.paper} {item.item}: {item.content}", ""]
    for note in product.notes:
        lines += [note, ""]
    files = [stem.with_suffix(".md")]
    for suffix, table in product.tables.items():
        lines += [to_markdown(table), ""]
        files.append(stem.with_name(f"{stem.name}{suffix}.csv"))
        write_table(files[-1], table)
    for suffix, picture in product.pictures.items():
        path = stem.with_name(f"{stem.name}{suffix}.png")
        with replace_when_done(path) as beside:
            beside.write_bytes(picture)
        lines += [f"![{item.content}]({path.name})", ""]
        files.append(path)
    with replace_when_done(files[0]) as beside:
        beside.write_text("\n".join(lines), encoding="utf-8")
    files.append(stem.with_suffix(".json"))
    with replace_when_done(files[-1]) as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return tuple(files)
