"""``au train``: a recipe from data to scores, or the embedded model."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actionunits.cli.progress import progress_stages
from actionunits.cli.training_parts import need_training_parts
from actionunits.errors import UserError

if TYPE_CHECKING:
    from actionunits.training.loop import EpochRecord

__all__ = ["train"]


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="PAPER/NAME of a recipe that ships with the package, a TOML file, `default`: the "
            "embedded model, or `landmarks`: what finds the points of a face.",
            show_default=False,
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Changes of the recipe: training.lr=0.01", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; by default runs/RECIPE.", show_default=False)
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(help="One of the recipe's scales: tiny, small, paper.", show_default=False),
    ] = None,
    fold: Annotated[
        list[int] | None, typer.Option(help="Only this fold, from 1; repeatable.", show_default=False)
    ] = None,
    devices: Annotated[
        int,
        typer.Option(min=1, help="Processes that share the work; GPUs with training.accelerator=cuda."),
    ] = 1,
    au: Annotated[
        list[int] | None,
        typer.Option(help="For `caud/add_au`: the AU to add; repeatable.", show_default=False),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="For `caud/add_au`: the model or run that it is added to.", show_default=False),
    ] = None,
    portraits: Annotated[
        list[Path] | None,
        typer.Option(
            help="For `default` and `landmarks`: a folder of portraits; repeatable.", show_default=False
        ),
    ] = None,
    unsorted: Annotated[
        list[Path] | None,
        typer.Option(
            help="For both: a folder of portraits of other people who smile or not; repeatable.",
            show_default=False,
        ),
    ] = None,
    face_model: Annotated[
        Path | None,
        typer.Option(help="For both: a 3-D face model in ICT-FaceKit's layout.", show_default=False),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            help="For `landmarks`: an .npz file of the portraits' hand-placed points.", show_default=False
        ),
    ] = None,
) -> None:
    """Train and test a recipe over its folds; started again, it goes on where it stopped.

    Examples: au train facs3d/cnn2d --scale small
    au train facs3d/net training.accelerator=cuda --devices 2
    au train patterns/network5 training.epochs=5 data.subjects=9 --out runs/mine
    au train caud/add_au --au 20 --into runs/caud-heads --out runs/with-au20
    au train default --portraits FOLDER --face-model FILE --out runs/embedded
    au train landmarks --portraits FOLDER --points FILE --face-model FILE
    """
    need_training_parts("train")
    if bool(into) != bool(au):
        raise UserError("--au says which AU is added --into a model: give both, or neither")
    if recipe == "caud/add_au" and into is None:
        raise UserError("caud/add_au adds an AU to a model: give --au NUMBER --into MODEL")
    if recipe == "default":
        if points:
            raise UserError("--points belongs to `au train landmarks`")
        _embedded(changes or [], portraits or [], unsorted or [], face_model, out or Path("runs/embedded"))
        return
    if recipe == "landmarks":
        _landmarks(
            changes or [], portraits or [], unsorted or [], points, face_model, out or Path("runs/landmarks")
        )
        return
    if portraits or unsorted or face_model or points:
        raise UserError(
            "--portraits, --unsorted, --points and --face-model belong to `au train default` and "
            "`au train landmarks`"
        )
    name = f"{recipe.removesuffix('.toml').replace('/', '-')}" + (f"-{scale}" if scale else "")
    shared = [f"training.devices={devices}"] if devices > 1 else []
    if into is not None:
        if fold or devices > 1:
            raise UserError(
                "an added AU is trained on one fold and one device: leave --fold and --devices out"
            )
        _add_aus(recipe, changes or [], scale, au or [], into, out or Path("runs") / name)
        return
    _recipe(recipe, [*(changes or []), *shared], scale, fold, out or Path("runs") / name)


def _recipe(recipe: str, changes: list[str], scale: str | None, fold: list[int] | None, out: Path) -> None:
    from actionunits.experiments.cross_validate import cross_validate
    from actionunits.experiments.recipe import load_recipe
    from actionunits.experiments.scores import score_tables
    from actionunits.reports.tables import to_markdown
    from actionunits.training.processes import is_first_process

    resolved = load_recipe(recipe, changes, scale)
    with progress_stages() as stage:
        cross_validate(resolved, out, only=fold or None, stage=stage, on_epoch=_print_epoch)
    if not is_first_process():
        return
    for title, scores in score_tables(out, resolved.scores.metrics).items():
        print(f"{title}\n{to_markdown(scores)}\n")
    print(f"{out / 'report.html'}  scores, {out / 'predictions.parquet'}  every prediction")
    print(f"Next: au detect VIDEO --model {out / f'fold-{(fold or [1])[0]}' / 'model.safetensors'}")


def _add_aus(
    recipe: str, changes: list[str], scale: str | None, aus: list[int], into: Path, out: Path
) -> None:
    from actionunits.experiments.add_au import add_aus
    from actionunits.experiments.scores import score_tables
    from actionunits.reports.tables import to_markdown

    with progress_stages() as stage:
        added = add_aus(recipe, changes, scale, aus, into, out, stage=stage)
    for title, scores in score_tables(added.run, added.metrics).items():
        print(f"{title}\n{to_markdown(scores)}\n")
    print(f"{added.model}  with {', '.join(f'AU{au}' for au in added.aus)}; the others as in {into}")


def _print_epoch(fold: int, record: EpochRecord) -> None:
    print(
        f"fold {fold} epoch {record.epoch}: loss {record.loss:.4f}, validation {record.validation:.4f}, "
        f"{record.seconds:.1f} s"
    )


def _print_embedded_epoch(record: EpochRecord) -> None:
    validation = "" if isnan(record.validation) else f", validation {record.validation:.4f}"
    print(f"epoch {record.epoch}: loss {record.loss:.4f}{validation}")


def _embedded(
    changes: list[str], portraits: list[Path], unsorted: list[Path], face_model: Path | None, out: Path
) -> None:
    from actionunits.experiments.embedded.recipe import load_embedded_recipe
    from actionunits.experiments.embedded.train import train_embedded

    if not portraits:
        raise UserError("au train default learns from photographs: give --portraits FOLDER, once or more")
    recipe = load_embedded_recipe(changes)
    with progress_stages() as stage:
        model = train_embedded(
            portraits,
            face_model,
            out,
            recipe,
            unsorted=unsorted,
            stage=stage,
            on_epoch=_print_embedded_epoch,
        )
    print(f"{model}  the model, {out / 'card.md'}  what it was measured on")


def _landmarks(
    changes: list[str],
    portraits: list[Path],
    unplaced: list[Path],
    points: Path | None,
    face_model: Path | None,
    out: Path,
) -> None:
    from actionunits.experiments.embedded.recipe import load_embedded_recipe
    from actionunits.experiments.landmarks.recipe import load_point_recipe
    from actionunits.experiments.landmarks.train import train_points

    if not (portraits and points and face_model):
        raise UserError(
            "au train landmarks learns from portraits whose points were placed by hand: give "
            "--portraits FOLDER, --points FILE and --face-model FILE"
        )
    with progress_stages() as stage:
        network = train_points(
            portraits,
            points,
            face_model,
            out,
            load_point_recipe(changes),
            load_embedded_recipe().split,
            unplaced=unplaced,
            stage=stage,
            on_epoch=lambda note: print(
                f"epoch {note.epoch}: loss {note.loss:.4f}, validation {note.validation:.4f}"
            ),
        )
    print(f"{network}  the network, {out / 'landmarks.md'}  what it was measured on")
