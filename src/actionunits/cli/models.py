"""``au models``: the networks of the package, and what a model file says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(
    name="models",
    help="The networks of the package, and what a model file says of itself.\n\n"
    "Example: au models show embedded",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def list_models(context: typer.Context) -> None:
    """List the networks and the embedded model."""
    if context.invoked_subcommand is not None:
        return
    from actionunits.models.registry import REGISTRY

    rows = [("network", "paper", "what it is"), *((n, row.paper, row.summary) for n, row in REGISTRY.items())]
    width, wide = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, paper, summary in rows:
        print(f"{name:<{width}}  {paper:<{wide}}  {summary}")
    print("\nau models show NAME: its configuration; au models show FILE: a model file's card;")
    print("au models show embedded (or default): the card of the model that `au detect` uses by default")


@app.command()
def show(
    model: Annotated[
        str,
        typer.Argument(
            help="A network's name, a model file (.safetensors or .onnx), or `embedded`.", show_default=False
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; of all but the embedded model this is so anyway.")
    ] = False,
) -> None:
    """Show a network's configuration, or a model file's input, AUs and card.

    The embedded model (`embedded` or `default`) has a card to read: how it was made, how good each AU is, and
    what it is not for.

    Example: au models show embedded
    """
    from actionunits.models.registry import EMBEDDED, REGISTRY

    if model in EMBEDDED and not as_json:
        from importlib import resources

        print((resources.files("actionunits") / "weights" / "README.md").read_text(encoding="utf-8").rstrip())
        return
    if model in EMBEDDED or (model not in REGISTRY and Path(model).suffix in (".onnx", ".safetensors")):
        _print(_of_file(model))
        return
    from actionunits.cli.training_parts import need_training_parts
    from actionunits.errors import unknown_name
    from actionunits.models.config import to_plain
    from actionunits.models.registry import entry, make_config

    if model not in REGISTRY:
        raise unknown_name("model", model, [*EMBEDDED, *REGISTRY])
    row = entry(model)
    need_training_parts("models show")
    values = {"name": model, "paper": row.paper, "summary": row.summary}
    _print({**values, "configuration": to_plain(make_config(model, {}))})


def _of_file(model: str) -> dict[str, Any]:
    """The header of a model file; ONNX is read without PyTorch."""
    if Path(model).suffix == ".safetensors":
        from actionunits.cli.training_parts import need_training_parts

        need_training_parts("models show")
        from actionunits.models.weights import read_header

        file = read_header(model)
        return {
            "name": file.name,
            "digest": file.digest,
            "input": file.spec.to_dict(),
            "configuration": dict(file.config),
            "card": dict(file.card),
        }
    from actionunits.detect.backends import OnnxBackend, load_backend

    backend = load_backend(model)
    card = dict(backend.card) if isinstance(backend, OnnxBackend) else {}
    return {"name": backend.name, "input": backend.spec.to_dict(), "card": card}


def _print(values: dict[str, Any]) -> None:
    print(json.dumps(values, indent=1, ensure_ascii=False))
