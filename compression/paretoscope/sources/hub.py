"""Models from the Hugging Face Hub, at a revision; checking them is in `sources/folder.py`."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from paretoscope.errors import ModelError
from paretoscope.sources.files import INDEX, WEIGHTS
from paretoscope.sources.folder import DECODER_FILES, TOKENIZER_FILES
from paretoscope.sources.other_formats import MARKERS
from paretoscope.values import Value

HUB_FILES = (
    "config.json",
    "model*.safetensors",
    INDEX,
    *TOKENIZER_FILES,
    *DECODER_FILES,
    *MARKERS,
)
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w][\w./-]*)?")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form `org/name[@revision]`.

    >>> is_hub_id("org/name@main"), is_hub_id("./folder"), is_hub_id("minilm-trec")
    (True, False, False)
    """
    return bool(_HUB_ID.fullmatch(name))


class HubModel(Value):
    """What the hub says of a model: the bytes of the files that would be downloaded, its licence
    and its commit. `cached` says whether it is on this disk already.
    """

    name: str
    files: dict[str, int] = Field(default_factory=dict[str, int])
    licence: str | None = None
    commit: str | None = None
    cached: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(self.files.values())


def describe(name: str) -> HubModel:
    """Ask the hub what `org/name[@revision]` is, without downloading it.

    Raises:
        ModelError: it is not a hub id, there is no such model, or the hub cannot be reached.
    """
    import huggingface_hub

    if not is_hub_id(name):
        raise ModelError(f'"{name}" is not a hub id; give one of the form org/name[@revision].')
    if is_cached(name):
        return HubModel(name=name, cached=True)
    if _offline():
        raise ModelError(
            f'"{name}" is not on this disk and the network is switched off (HF_HUB_OFFLINE); give a'
            " folder, or start Paretoscope without HF_HUB_OFFLINE."
        )
    hub: Any = huggingface_hub
    repository, _, revision = name.partition("@")
    try:
        info = hub.HfApi().model_info(repository, revision=revision or None, files_metadata=True)
    except Exception as error:  # the client raises many unrelated classes
        raise ModelError(_hub_reason(name, error)) from error
    files = {str(each.rfilename): int(each.size or 0) for each in info.siblings or ()}
    card: Any = info.card_data or {}
    return HubModel(
        name=name,
        files={
            path: size
            for path, size in files.items()
            if any(fnmatch(path, pattern) for pattern in HUB_FILES)
        },
        licence=card.get("license"),
        commit=info.sha,
    )


def is_cached(name: str) -> bool:
    """Whether config and weights of `org/name[@revision]` are on this disk; never downloads."""
    import huggingface_hub

    hub: Any = huggingface_hub
    repository, _, revision = name.partition("@")
    try:
        folder = hub.snapshot_download(repository, revision=revision or None, local_files_only=True)
    except (OSError, ValueError):  # not cached, or not a valid id
        return False
    return _looks_complete(Path(folder))


def _offline() -> bool:
    return any(
        os.environ.get(flag, "").upper() in ("1", "ON", "YES", "TRUE")
        for flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def fetch(name: str) -> tuple[Path, str]:
    """The local folder and the commit of `org/name[@revision]`, downloaded if it is not cached.

    The token is that of huggingface_hub (`HF_TOKEN` or a login); it is not read or stored here.
    """
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    hub: Any = huggingface_hub
    repository, _, revision = name.partition("@")
    download = partial(
        hub.snapshot_download, repository, revision=revision or None, allow_patterns=list(HUB_FILES)
    )
    offline = _offline()
    try:
        folder = Path(download(local_files_only=True))
        if offline or _looks_complete(folder):
            return folder, folder.name
    except LocalEntryNotFoundError as error:
        if offline:
            raise ModelError(
                f'There is no folder "{name}", and the hub model "{name}" is not cached while'
                " HF_HUB_OFFLINE is set; unset it or give a local folder."
            ) from error
    except ValueError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelError(
            f'"{name}" is not a hub id ({reason}); give one of the form org/name[@revision].'
        ) from error
    try:
        folder = Path(download())
    except Exception as error:  # the client raises many unrelated classes, also of its HTTP library
        raise ModelError(_hub_reason(name, error)) from error
    return folder, folder.name


def _looks_complete(folder: Path) -> bool:
    """Whether config and weights are there: another program may have cached only the config."""
    return (folder / "config.json").is_file() and (
        (folder / WEIGHTS).is_file() or (folder / INDEX).is_file()
    )


def _hub_reason(name: str, error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return f'The hub model "{name}" is gated; request access on its page and set HF_TOKEN.'
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f'There is no folder "{name}", and no hub model of this name that you can access; check'
            " the name, or set HF_TOKEN for a private model."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        revision = name.partition("@")[2]
        return f'The hub model "{name}" has no revision "{revision}"; check the part after the @.'
    return (
        f'There is no folder "{name}", and the hub could not be reached ({type(error).__name__});'
        " check the network or give a local folder."
    )
