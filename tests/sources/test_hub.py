"""Models from the hub: cached, downloaded or refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paretoscope.errors import ModelError
from paretoscope.sources import hub
from paretoscope.sources.folder import folder_key
from paretoscope.sources.resolve import resolve_model
from tests.tiny.folders import write_model


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, with the network off."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_in_cache(cache: Path, commit: str = "a" * 40) -> Path:
    repository = cache / "models--org--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return write_model(repository / "snapshots" / commit)


def test_a_cached_hub_model_needs_no_network(hub_cache: Path) -> None:
    folder = put_in_cache(hub_cache)
    ref = resolve_model("org/name")
    assert (ref.kind, ref.name, ref.path, ref.revision) == (
        "hub",
        "org/name",
        str(folder),
        "a" * 40,
    )
    assert resolve_model("org/name@main").key == ref.key == folder_key(folder)


@pytest.mark.parametrize("name", ["org/other", "org/name@v2"])
def test_a_hub_model_that_is_not_cached_while_offline(hub_cache: Path, name: str) -> None:
    put_in_cache(hub_cache)
    with pytest.raises(
        ModelError,
        match=f'the hub model "{name}" is not cached while HF_HUB_OFFLINE is set',
    ):
        resolve_model(name)


def test_hub_failures_are_one_sentence(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_: Any, local_files_only: bool = False, **__: Any) -> str:
        raise LocalEntryNotFoundError("no") if local_files_only else ConnectionError("two\nlines")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(ModelError, match=r"the hub could not be reached \(ConnectionError\)"):
        resolve_model("org/name")


def test_only_harmless_files_are_downloaded(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def downloaded(repository: str, **options: Any) -> str:
        asked.append({"repository": repository} | options)
        return str(write_model(hub_cache / "b" if len(asked) > 1 else hub_cache / "a"))

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.snapshot_download", downloaded)
    resolve_model("org/name@v1.0")
    assert (asked[0]["repository"], asked[0]["revision"], asked[0]["local_files_only"]) == (
        "org/name",
        "v1.0",
        True,
    )
    assert not any(
        pattern.endswith((".bin", ".py", ".pt")) or pattern == "*"
        for pattern in asked[0]["allow_patterns"]
    )
    assert "token" not in asked[0]
    assert len(asked) == 1


def test_what_a_hub_model_is_before_it_is_downloaded(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"config.json": 10, "model.safetensors": 400, "pytorch_model.bin": 500, "x/a.md": 3}

    def model_info(_self: Any, name: str, **options: Any) -> Any:
        assert (name, options) == ("org/new", {"revision": "v2", "files_metadata": True})
        files = [SimpleNamespace(rfilename=path, size=size) for path, size in sizes.items()]
        return SimpleNamespace(siblings=files, card_data={"license": "mit"}, sha="b" * 40)

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    found = hub.describe("org/new@v2")
    assert (found.licence, found.cached) == ("mit", False)
    assert found.size_bytes == 410, "only the files that would be downloaded"


def test_a_cached_model_is_described_without_the_network(hub_cache: Path) -> None:
    put_in_cache(hub_cache)
    assert hub.describe("org/name").cached
    assert hub.is_cached("org/name")
    assert not hub.is_cached("org/other")
    with pytest.raises(ModelError, match="network is switched off"):
        hub.describe("org/other")
    with pytest.raises(ModelError, match="not a hub id"):
        hub.describe("name")
