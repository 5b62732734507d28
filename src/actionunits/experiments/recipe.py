"""Recipes: a TOML file says data, folds, model, training and metrics; an unknown key is an error.

A recipe is named ``PAPER/NAME`` (it ships with the package) or by its path. ``key=value`` changes a value,
``[scales.NAME]`` holds the changes of a scale (``tiny``, ``small``, ``paper``).
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from actionunits.datasets.folds import NAMED_FOLDS
from actionunits.datasets.registry import MODULES
from actionunits.errors import UserError, unknown_name
from actionunits.facs.sets import au_set
from actionunits.metrics.scoring import METRIC_NAMES
from actionunits.models.config import from_plain, to_plain
from actionunits.models.cooccurrence.ties import Ties
from actionunits.models.registry import config_class, make_config
from actionunits.synthesis.coded_faces import Difficulty
from actionunits.training.augment import AugmentSettings
from actionunits.training.sampling import Sampler
from actionunits.training.settings import TrainSettings

__all__ = [
    "BatchSettings",
    "DataSettings",
    "FoldSettings",
    "HeadSettings",
    "ModelSettings",
    "PatternSettings",
    "PretrainSettings",
    "Recipe",
    "ScoreSettings",
    "change_values",
    "learns_patterns",
    "load_recipe",
    "read_recipe",
    "recipe_from",
    "recipe_names",
    "to_toml",
]


@dataclass(frozen=True)
class DataSettings:
    """What is learnt from.

    Attributes:
        name: ``synthetic``: painted people, animated; nothing licensed is needed. Or a data set
            (``au datasets list``), of which ``root`` or ``cache`` says where it is. Or ``joined``: several
            data sets, which ``sets`` names; for a network that gives emotions only, their pictures with one.
        sets: of ``joined``: data set to folder.
        root: the data set's folder; crops are made out of it.
        cache: a crop cache (``au prepare``); without ``root`` it must be complete.
        positive: the intensity from which an AU counts as shown, where the set has intensities and a choice.
        detector: of the faces.
        thin_frames: use so many frames of each sequence, spread over its middle; 0 = all.
        thin_step: the step between them, smaller where a sequence is too short.
        keep_patterns: use only the frames of so many of the most frequent AU patterns; 0 = all frames.
        pattern_set: the AUs that make these patterns (:data:`actionunits.facs.sets.AU_SETS`).
        clips: how clips are cut to learn from (:class:`~actionunits.training.data.Clips`); ``auto``: as
            ``au detect`` cuts them, or ``spread`` with ``thin_frames``.
        stride: frames from one training clip to the next, for ``frames`` and ``windows``; 0 = their default.
        scored_clips: how clips are cut to validate and test on.
        validation_stride: stills, and clips of every frame, are validated on every so-many-th frame; the test
            people on all.
        clip_rate_hz: clips take frames so far apart that there are about so many a second, whatever the rate
            of a sequence: 0.2 s are 2 steps at 60 frames/s and 7 at 200 with 30 here; 0 = the model's step.
        expressions: use only ``micro`` or ``macro``-expressions, where a data set marks both.
        coding: of the synthetic set: AUs are shown together as often as in ``bp4d`` or ``disfa``, or as FACS
            thinks plausible (``prototypes``); ``auto``: the first that codes all of the model's AUs;
            ``micro``: each sequence has one micro-expression (:mod:`actionunits.synthesis.micro_set`);
            ``emotions``: eight emotions in five views, each picture one of them in turn.
        durations: how long the AUs of synthetic sequences last: ``short``, a second or two, all alike; or
            ``published``, each as long as in the data set whose patterns are shown (seed 001's tables).
        subjects: people of the synthetic set.
        sequences: of each.
        frames: of a sequence; 1 makes single pictures.
        rate_hz: frames a second.
        around: of synthetic micro-expressions: draw only so many frames before and after each apex, which
            is all that clips around it need; 0 = whole sequences.
        seed: of people, expressions and cameras.
        difficulty: how hard the synthetic faces are to code.
    """

    name: str = "synthetic"
    sets: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    cache: str = ""
    positive: int | None = None
    detector: Literal["hog", "viola-jones"] = "hog"
    thin_frames: int = 0
    thin_step: int = 1
    keep_patterns: int = 0
    pattern_set: str = "bp4d-12"
    clips: Literal["auto", "frames", "tile", "windows", "apex", "spread"] = "auto"
    stride: int = 0
    scored_clips: Literal["auto", "frames", "tile", "windows", "apex", "spread"] = "auto"
    validation_stride: int = 1
    clip_rate_hz: float = 0.0
    expressions: Literal["all", "micro", "macro"] = "all"
    coding: Literal["auto", "bp4d", "disfa", "prototypes", "micro", "emotions"] = "auto"
    durations: Literal["short", "published"] = "short"
    subjects: int = 12
    sequences: int = 60
    frames: int = 1
    rate_hz: float = 12.5
    around: int = 0
    seed: int = 0
    difficulty: Difficulty = field(default_factory=Difficulty)

    def __post_init__(self) -> None:
        known = ("synthetic", "joined", *MODULES)
        if self.name not in known:
            raise unknown_name("data set", self.name, known)
        for name in self.sets:
            if name not in MODULES:
                raise unknown_name("data set", name, MODULES)
        if self.sets and self.name != "joined":
            raise UserError("data.sets names the folders of data.name=joined: give both, or neither")
        if self.name == "joined" and not (self.sets or self.cache):
            raise UserError("say what is joined: data.sets.casme=FOLDER data.sets.casme2=FOLDER ..")
        if self.coding == "emotions" and self.frames != 1:
            raise UserError("emotions are shown in single pictures: set data.frames=1")
        if self.durations == "published" and self.frames == 1:
            raise UserError("AUs last in sequences, not in single pictures: set data.frames above 1")
        if self.name not in ("synthetic", "joined") and not (self.root or self.cache):
            raise UserError(f"say where {self.name} is: data.root=FOLDER, or data.cache=CROP_CACHE")
        counts = (self.subjects, self.sequences, self.frames, self.validation_stride)
        if min(counts) < 1 or not self.rate_hz > 0:
            raise ValueError("subjects, sequences, frames, validation_stride and rate_hz must be positive")
        if self.around < 0:
            raise ValueError(f"around must be 0 or more frames, got {self.around}")
        if self.thin_frames < 0 or self.thin_step < 1:
            raise ValueError("thin_frames must be 0 or more, and thin_step 1 or more")
        if self.keep_patterns < 0:
            raise ValueError("keep_patterns must be 0 or more")
        if not self.clip_rate_hz >= 0:
            raise ValueError("clip_rate_hz must be 0 or more")
        au_set(self.pattern_set)


@dataclass(frozen=True)
class FoldSettings:
    """Who is trained on and who is tested on; no subject stands on two sides.

    Attributes:
        name: ``k-fold``, ``leave-one-subject-out``, ``thirds``, or published folds (``bp4d-3``, ``disfa-3``).
        count: of ``k-fold``: folds; each subject is tested once.
        validation: share of a fold's training subjects that choose the epoch and the thresholds; 0 = none.
        seed: of the split.
    """

    name: str = "k-fold"
    count: int = 3
    validation: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        known = ("k-fold", "leave-one-subject-out", "thirds", *NAMED_FOLDS)
        if self.name not in known:
            raise unknown_name("folds", self.name, known)
        if self.count < 2 or not 0 <= self.validation < 1:
            raise ValueError("count must be 2 or more and validation within 0 to 1")


@dataclass(frozen=True)
class ModelSettings:
    """The network.

    Attributes:
        name: its name in the registry (``au models``).
        config: what differs from the paper's sizes.
        pretrained: file with ImageNet weights for a family that takes them; ``cache``: torchvision's file in
            PyTorch's cache, and random weights where it is not there; empty = random weights.
        freeze: patterns of parameter names that are not trained.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    pretrained: str = ""
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchSettings:
    """How samples become batches.

    Attributes:
        size: samples in a batch.
        sampler: ``shuffle``, ``aus`` or ``patterns``.
        augment: random changes; leave the table out for none.
        weights: of the AUs in the loss: ``equal`` or ``inverse_base_rate`` (seed 003).
    """

    size: int = 20
    sampler: Sampler = "shuffle"
    augment: AugmentSettings | None = None
    weights: Literal["equal", "inverse_base_rate"] = "equal"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be 1 or more")


@dataclass(frozen=True)
class PatternSettings:
    """Which AU patterns are classes, for a network or a stage that learns patterns.

    Attributes:
        of: they are counted in the ``training`` subjects' labels of each fold, or in those of all the
            ``data``: seed 004's experiment 3 does that, so its classes know which patterns are tested.
        at_least: frames that a class needs.
        most: so many of the most frequent at most; 0 = all of them.
    """

    of: Literal["training", "data"] = "training"
    at_least: int = 397
    most: int = 0

    def __post_init__(self) -> None:
        if self.at_least < 1 or self.most < 0:
            raise ValueError("at_least must be 1 or more and most 0 or more")


@dataclass(frozen=True)
class PretrainSettings:
    """A stage before the training: the network with pattern classes, of which parts are kept and frozen.

    Seed 004: "pattern-train, freeze, new AU head". What is left out is as in the training proper; AUs have no
    weights in it.

    Attributes:
        freeze: patterns of parameter names that are taken over and frozen.
        run: a finished run of a pattern network over the same folds to take them from; empty = train it here.
        epochs: of the stage.
        lr: its learning rate.
        sampler: its sampler.
    """

    freeze: tuple[str, ...]
    run: str = ""
    epochs: int | None = None
    lr: float | None = None
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        if not self.freeze:
            raise ValueError("freeze must name the parts to take over, such as ['trunk.*']")


@dataclass(frozen=True)
class HeadSettings:
    """The network's heads are trained one by one, on codes that its frozen encoder gives once (seed 002).

    Attributes:
        encoder: a run or model file of ``caud/emotion_net``, or a ``caud/heads`` model, whose encoder is
            taken over; empty = the weights that the network starts from.
        balance: of each AU, jittered copies top up the rarer of shown and not shown.
        jitter_share: how far a copy's box may lie away, as a share of its side, in x and in y.
        most_copies: of one picture, for one AU.
        mirror: the mirrored picture is learnt from too.
    """

    encoder: str = ""
    balance: bool = True
    jitter_share: float = 0.125
    most_copies: int = 8
    mirror: bool = True

    def __post_init__(self) -> None:
        if self.most_copies < 0 or not 0 <= self.jitter_share < 0.5:
            raise ValueError("most_copies must be 0 or more and jitter_share within 0 to .5")


@dataclass(frozen=True)
class StillSettings:
    """A network over time begins with a trained network of stills inside it (seed 001's dynamic models).

    Attributes:
        run: a finished run of that network over the same folds to take its weights from, fold by fold; empty
            = train it here, by the following.
        stride: of each sequence it learns from every so-many-th frame.
        batches: how they become batches.
        training: its own training.
    """

    run: str = ""
    stride: int = 1
    batches: BatchSettings = field(default_factory=BatchSettings)
    training: TrainSettings = field(default_factory=TrainSettings)

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError("stride must be 1 or more frames")


@dataclass(frozen=True)
class ScoreSettings:
    """What is reported.

    Attributes:
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        choose_by: the metric whose mean over the AUs, on the validation subjects, chooses the epoch; of a
            network that gives emotions only, ``ACA``, the average class accuracy.
        faceless: test frames in which no face was found are ``left_out``, or also counted as ``errors``
            (seed 002): then both countings are given.
        thresholds: ``half`` (0.5) or ``validation`` (the best F1 of the validation subjects).
    """

    metrics: tuple[str, ...] = ("F1", "ACC", "NA", "AUC", "S")
    choose_by: str = "AUC"
    thresholds: Literal["half", "validation"] = "half"
    faceless: Literal["left_out", "errors"] = "left_out"

    def __post_init__(self) -> None:
        for name in (*self.metrics, *([] if self.choose_by == "ACA" else [self.choose_by])):
            if name not in METRIC_NAMES:
                raise unknown_name("metric", name, (*METRIC_NAMES, "ACA"))


@dataclass(frozen=True)
class Recipe:
    """One experiment.

    Attributes:
        title: what it is, in a line.
        paper: short name of the paper.
        model: the network.
        data: what is learnt from.
        folds: who is tested on.
        batches: how samples become batches.
        training: optimiser, schedule, devices.
        scores: what is reported.
        patterns: which patterns are classes, where patterns are learnt.
        pretrain: a stage on patterns before the training, or None.
        heads: the network's heads are trained one by one, or None.
        still: the network of stills inside is trained before, or None.
        cooccurrence: tie the network's AUs (seed 000's fusion layer and constrained loss): true, or a table
            of :class:`~actionunits.models.cooccurrence.ties.Ties`.
    """

    title: str
    paper: str
    model: ModelSettings
    data: DataSettings = field(default_factory=DataSettings)
    folds: FoldSettings = field(default_factory=FoldSettings)
    batches: BatchSettings = field(default_factory=BatchSettings)
    training: TrainSettings = field(default_factory=TrainSettings)
    scores: ScoreSettings = field(default_factory=ScoreSettings)
    patterns: PatternSettings = field(default_factory=PatternSettings)
    pretrain: PretrainSettings | None = None
    heads: HeadSettings | None = None
    still: StillSettings | None = None
    cooccurrence: bool | Ties = False

    @property
    def ties(self) -> Ties | None:
        """How AUs are tied, or None."""
        if isinstance(self.cooccurrence, Ties):
            return self.cooccurrence
        return Ties() if self.cooccurrence else None

    def __post_init__(self) -> None:
        if self.scores.thresholds == "validation" and self.folds.validation == 0:
            raise UserError(
                "thresholds of the validation subjects need some: raise folds.validation above 0, or take "
                "scores.thresholds=half"
            )


#: Keys of a recipe that may be left out, or be true instead of a table.
_PLAIN_KEYS = ("cooccurrence",)


def recipe_names() -> tuple[str, ...]:
    """The recipes that ship with the package, as ``PAPER/NAME``."""
    return tuple(sorted(name for name, _ in _shipped()))


def _shipped() -> Iterator[tuple[str, Traversable]]:
    for paper in (resources.files("actionunits") / "recipes").iterdir():
        if paper.is_dir():
            for file in paper.iterdir():
                if file.name.endswith(".toml"):
                    yield f"{paper.name}/{file.name.removesuffix('.toml')}", file


def read_recipe(name: str | Path) -> dict[str, Any]:
    """The plain values of a recipe that ships with the package, or of a TOML file.

    Raises:
        UserError: no such recipe (with the nearest), or the file is not TOML.
    """
    shipped = dict(_shipped())
    if str(name) in shipped:
        text = shipped[str(name)].read_text(encoding="utf-8")
    elif Path(name).is_file():
        if Path(name).suffix != ".toml":
            raise UserError(f"{name} is not a recipe: expected a .toml file, or one of {', '.join(shipped)}")
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    elif Path(name).is_dir():
        raise UserError(f"{name} is a folder: give a recipe's TOML file, or one of {', '.join(shipped)}")
    elif str(name).endswith(".toml"):
        raise UserError(f"there is no recipe file {name}: give a TOML file, or one of {', '.join(shipped)}")
    else:
        raise unknown_name("recipe", str(name), shipped)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UserError(f"the recipe {name} is not valid TOML: {problem}") from problem


def change_values(values: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Apply ``key=value`` changes; a key without a dot is changed in every table that holds it.

    Values are TOML; what is not valid TOML is taken as text.

    Raises:
        UserError: a change without ``=``, or a key without a dot that no table holds.

    >>> change_values({"training": {"lr": 0.1}, "model": {"name": "a"}}, ["lr=0.5", "model.name=b"])
    {'training': {'lr': 0.5}, 'model': {'name': 'b'}}
    """
    changed = json.loads(json.dumps(values))
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{change!r} is not a change: write key=value, such as training.lr=0.01")
        value = _toml_value(text)
        path = key.strip().split(".")
        if len(path) > 1 or key in changed or key.strip() in _PLAIN_KEYS:
            _set(changed, path, value, change)
            continue
        tables = [table for table in changed.values() if isinstance(table, dict) and key in table]
        if not tables:
            known = [
                f"{name}.{inner}"
                for name, table in changed.items()
                if isinstance(table, dict)
                for inner in table
            ]
            names = [*_PLAIN_KEYS, *(name.split(".")[1] for name in known)]
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(
                f"the recipe has no {key!r}: {hint}write TABLE.{key}=...; it sets {', '.join(known)}"
            )
        for table in tables:
            table[key] = value
    return dict(changed)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(values: dict[str, Any], path: Sequence[str], value: Any, change: str) -> None:
    for part in path[:-1]:
        if values.get(part) is True and part in _PLAIN_KEYS:
            values[part] = {}  # what is on with its defaults gets a setting
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UserError(f"{change!r}: {part!r} is a value, not a table")
    values[path[-1]] = value


def recipe_from(values: Mapping[str, Any], scale: str | None = None, where: str = "the recipe") -> Recipe:
    """Check plain values and make the recipe of them; the model's configuration is checked too.

    Args:
        values: as :func:`read_recipe` gives them.
        scale: the changes of ``[scales.NAME]`` to apply, or None for the recipe as it stands.
        where: how to name it in errors.

    Raises:
        UserError: an unknown key (with the nearest), a missing one, a wrong value, or an unknown scale.
    """
    plain = dict(values)
    scales = plain.pop("scales", {})
    if scale is not None:
        if scale not in scales:
            raise unknown_name("scale", scale, scales)
        plain = _merged(plain, scales[scale])
    recipe = from_plain(Recipe, plain, where)
    make_config(recipe.model.name, recipe.model.config)
    _check_stages(recipe)
    return recipe


def _check_stages(recipe: Recipe) -> None:
    takes_over = getattr(config_class(recipe.model.name), "takes_over", ())
    if takes_over and recipe.pretrain is None:
        raise UserError(
            f"{recipe.model.name} takes over {', '.join(takes_over)} from a training on patterns: give the "
            f"recipe a table [pretrain] with freeze = {json.dumps(list(takes_over))}"
        )
    if recipe.pretrain is not None and (left := sorted(set(takes_over) - set(recipe.pretrain.freeze))):
        raise UserError(
            f"{recipe.model.name} takes over {', '.join(takes_over)}: name {', '.join(left)} in "
            "pretrain.freeze, or it would keep its random weights"
        )
    if recipe.heads is not None and recipe.model.name != "caud/heads":
        raise UserError(f"{recipe.model.name} has no heads to train one by one: leave [heads] out")
    if recipe.heads is not None and (recipe.batches.augment or recipe.batches.sampler != "shuffle"):
        raise UserError(
            "heads learn from codes of pictures and their copies, balanced AU by AU: leave batches.augment "
            "and batches.sampler out, and change [heads] instead"
        )
    if recipe.pretrain is not None and learns_patterns(recipe.model.name):
        raise UserError(f"{recipe.model.name} learns patterns itself: leave [pretrain] out")
    if recipe.ties is not None and learns_patterns(recipe.model.name):
        raise UserError(
            f"{recipe.model.name} decides whole AU patterns, which ties AUs: leave cooccurrence out"
        )
    if recipe.ties is not None and recipe.model.name == "au_rcnn/ar_tal":
        raise UserError(
            f"{recipe.model.name} learns whole segments and says nothing of single frames in training, which "
            "ties need: leave cooccurrence out"
        )


def learns_patterns(name: str) -> bool:
    """Whether a network's classes are AU patterns, which its configuration names."""
    return "patterns" in {each.name for each in fields(config_class(name))}


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = (
            _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def load_recipe(name: str | Path, changes: Sequence[str] = (), scale: str | None = None) -> Recipe:
    """Read, scale, change and check a recipe.

    Raises:
        UserError: see :func:`read_recipe`, :func:`change_values` and :func:`recipe_from`.

    >>> load_recipe("facs3d/cnn2d", ["training.lr=0.5"]).training.lr
    0.5
    """
    values = read_recipe(name)
    scales = values.pop("scales", {})
    if scale is not None:
        if scale not in scales:
            raise unknown_name("scale", scale, scales)
        values = _merged(values, scales[scale])
    return recipe_from(change_values(values, changes), where=f"the recipe {name}:")


def to_toml(value: Any) -> str:
    """A dataclass or mapping as TOML; values that are None are left out.

    >>> print(to_toml({"a": 1, "t": {"b": [1.0, 2.0], "c": "x", "d": None}}), end="")
    a = 1
    <BLANKLINE>
    [t]
    b = [1.0, 2.0]
    c = "x"
    """
    return "".join(_tables(to_plain(value), ())).lstrip("\n")


def _tables(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {k: v for k, v in values.items() if not isinstance(v, Mapping) and v is not None}
    if path and (plain or not values):
        yield f"\n[{'.'.join(path)}]\n"
    for key, value in plain.items():
        yield f"{key} = {json.dumps(value)}\n"
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _tables(value, (*path, key))
