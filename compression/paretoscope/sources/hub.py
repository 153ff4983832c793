"""Models from the Hugging Face Hub, at a revision; checking them is in `sources/folder.py`."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from paretoscope.errors import ModelError
from paretoscope.sources.files import INDEX, WEIGHTS
from paretoscope.sources.folder import DECODER_FILES, TOKENIZER_FILES
from paretoscope.sources.other_formats import MARKERS

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
