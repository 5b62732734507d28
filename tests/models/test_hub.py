"""The Hub is reached only when asked, through a stand-in here: nothing is fetched in a test."""

from pathlib import Path
from shutil import copyfile

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from actionunits.errors import UserError
from actionunits.models.hub import FILE_NAME, from_pretrained, push_to_hub
from actionunits.models.registry import build_model
from actionunits.models.weights import save_model


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the Hub's place."""
    root = tmp_path / "hub"

    class Api:
        def create_repo(self, repo: str, *, private: bool, exist_ok: bool) -> str:
            assert private
            (root / repo).mkdir(parents=True, exist_ok=exist_ok)
            return f"https://hub.invalid/{repo}"

        def upload_file(self, *, path_or_fileobj: str, path_in_repo: str, repo_id: str) -> None:
            copyfile(path_or_fileobj, root / repo_id / path_in_repo)

    def download(repo: str, name: str, revision: str | None = None) -> str:
        if not (root / repo / name).is_file():
            raise LocalEntryNotFoundError(f"{repo} is not there\nmore")
        return str(root / repo / name)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return root


def test_a_model_goes_there_and_comes_back(tmp_path: Path, hub: Path, small) -> None:
    torch.manual_seed(0)
    model = build_model("patterns/network5", small["patterns/network5"])
    save_model(tmp_path / FILE_NAME, model, name="patterns/network5", card={"data": "noise"})
    assert push_to_hub(tmp_path / FILE_NAME, "me/net") == "https://hub.invalid/me/net"
    assert "Detects AU1, AU2" in (hub / "me/net/README.md").read_text()
    for source in ("me/net", tmp_path / FILE_NAME, tmp_path):
        again = from_pretrained(source)
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    with pytest.raises(UserError, match=r"cannot fetch model.safetensors of me/other: .* not there$"):
        from_pretrained("me/other")
    with pytest.raises(UserError, match="there is no model file"):
        from_pretrained(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="not a safetensors file"):
        (tmp_path / "bad.safetensors").write_text("{}")
        push_to_hub(tmp_path / "bad.safetensors", "me/net")


def test_what_the_transport_raises_is_one_line(tmp_path: Path, monkeypatch, small) -> None:
    def refuse(*_args, **_named):
        raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(UserError, match="cannot fetch model.safetensors of me/net: ConnectionError"):
        from_pretrained("me/net")
