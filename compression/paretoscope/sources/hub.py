"""Models from the Hugging Face Hub, at a revision."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from paretoscope.errors import ModelError
from paretoscope.sources.folder import DECODER_FILES, INDEX, TOKENIZER_FILES, WEIGHTS

HUB_FILES = ("config.json", "model*.safetensors", INDEX, *TOKENIZER_FILES, *DECODER_FILES)
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w][\w./-]*)?")


def is_hub_id(name: str) -> bool:
    """
    >>> is_hub_id("org/name@main"), is_hub_id("./folder"), is_hub_id("minilm-trec")
    (True, False, False)
    """
    return bool(_HUB_ID.fullmatch(name))


def fetch(name: str) -> tuple[Path, str]:
    """The local folder and the commit of hub id `org/name[@revision]`: from the cache, else
    downloaded.

    The token is the one that huggingface_hub finds by itself (`HF_TOKEN` or a login); it is neither
    read nor kept here.
    """
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    hub: Any = huggingface_hub
    repository, _, revision = name.partition("@")
    download = partial(
        hub.snapshot_download, repository, revision=revision or None, allow_patterns=list(HUB_FILES)
    )
    offline = any(
        os.environ.get(flag, "").upper() in ("1", "ON", "YES", "TRUE")
        for flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )
    try:
        folder = Path(download(local_files_only=True))
        if offline or _looks_complete(folder):
            return folder, folder.name
    except LocalEntryNotFoundError as error:
        if offline:
            raise ModelError(
                f'There is no folder "{name}", and the hub model "{name}" is not in the local cache'
                " while HF_HUB_OFFLINE is set; unset it or give a local folder."
            ) from error
    except ValueError as error:
        raise ModelError(f'"{name}" is not a hub id: {str(error).splitlines()[0]}') from error
    try:
        folder = Path(download())
    except Exception as error:  # the hub client raises over a dozen unrelated classes, its HTTP library's among them
        raise ModelError(_hub_reason(name, error)) from error
    return folder, folder.name


def _looks_complete(folder: Path) -> bool:
    """Another program may have cached the config alone."""
    return (folder / "config.json").is_file() and (
        (folder / WEIGHTS).is_file() or (folder / INDEX).is_file()
    )


def _hub_reason(name: str, error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return f'The hub model "{name}" is gated; ask for access on its page and set HF_TOKEN.'
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f'There is no folder "{name}" and no hub model of that name that you may read; check'
            " the name, or set HF_TOKEN for a private one."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f'The hub model "{name}" has no such revision; check what follows the @.'
    return (
        f'There is no folder "{name}", and the hub could not be reached ({type(error).__name__});'
        " check the network or give a local folder."
    )
