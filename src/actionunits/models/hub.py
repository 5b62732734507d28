"""Model files on the Hugging Face Hub: fetched and put there only when one of these functions is called."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from actionunits.errors import UserError
from actionunits.models.interface import AUModel
from actionunits.models.weights import ModelFile, load_model, read_header

__all__ = ["FILE_NAME", "from_pretrained", "push_to_hub"]

#: Name of the model file in a repository.
FILE_NAME = "model.safetensors"


def from_pretrained(source: str | Path, *, revision: str | None = None) -> AUModel:
    """The network of a model file, or of a repository of the Hub, which is then fetched (once: it is cached).

    What is fetched is a safetensors file, whose digest is checked; nothing of it is run.

    Args:
        source: a ``.safetensors`` file, the folder of a run's fold, or ``OWNER/NAME`` on the Hub.
        revision: a branch, tag or commit of the repository.

    Raises:
        UserError: there is no such file or repository, it cannot be reached, or is no model of this package.
    """
    place = Path(source)
    if place.is_dir():
        return load_model(place / FILE_NAME)
    if place.is_file() or place.suffix == ".safetensors":
        return load_model(place)
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    try:
        file = hf_hub_download(str(source), FILE_NAME, revision=revision)
    except HFValidationError as problem:
        raise UserError(f"{source} is no file, and no name on the Hub: expected OWNER/NAME") from problem
    except Exception as problem:  # its transport's errors change with its versions
        raise UserError(f"cannot fetch {FILE_NAME} of {source}: {_line(problem)}") from problem
    return load_model(file)


def push_to_hub(model: str | Path, repository: str, *, private: bool = True) -> str:
    """Put a model file on the Hub, with a page made of its card.

    Args:
        model: the ``.safetensors`` file. Its card names the subjects that it was trained on: see that the
            data set's licence allows that to be shown.
        repository: ``OWNER/NAME``; made if it is missing.
        private: whether a new repository is seen by its owner only.

    Returns:
        The page's address.

    Raises:
        UserError: it is no model file, or the Hub refuses (log in with ``hf auth login`` first).
    """
    header = read_header(model)
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        address = api.create_repo(repository, private=private, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "README.md"
            page.write_text(_page(header, repository), encoding="utf-8")
            api.upload_file(path_or_fileobj=str(page), path_in_repo="README.md", repo_id=repository)
            api.upload_file(path_or_fileobj=str(model), path_in_repo=FILE_NAME, repo_id=repository)
    except Exception as problem:  # its transport's errors change with its versions
        raise UserError(f"cannot put {model} on the Hub as {repository}: {_line(problem)}") from problem
    return str(address)


def _line(problem: Exception) -> str:
    """The first line of what an error says, or its name."""
    return next(iter(str(problem).splitlines()), "") or type(problem).__name__


def _page(header: ModelFile, repository: str) -> str:
    aus = ", ".join(f"AU{au}" for au in header.spec.aus)
    card = json.dumps(header.card, indent=1)
    return f"""---
library_name: actionunits
tags: [facial-action-units, FACS]
---
# {header.name}

Detects {aus} in aligned faces.

```python
from actionunits.models.hub import from_pretrained

model = from_pretrained("{repository}")
```

## Card

```json
{card}
```
"""
