"""The models and data files that a person has added to a workspace, kept until removed.

The list is `library.json` in the workspace. Files that are named in it are only referred to;
uploads are copied into the workspace first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from paretoscope.errors import StoreError
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.values import Value
from paretoscope.workspace import Workspace, write_whole

FILE = "library.json"


class Entry(Value):
    """A model (folder, file or hub id) or a data file with the options that read it.

    `model` is the model for which the options of a data file were chosen. The name of a built-in
    task holds a file of unlabelled texts for it in its options.
    """

    kind: Literal["model", "data"]
    name: str
    model: str | None = None
    options: DataOptions = DEFAULT_OPTIONS
    texts: int | None = None
    labels: tuple[str, ...] = ()
    """Different texts and labels of a data file when it was added; None in older lists."""
    added_at: datetime


def entries(workspace: Workspace) -> tuple[Entry, ...]:
    """Everything added, oldest first; raises `StoreError` when the list is damaged."""
    path = workspace.root / FILE
    try:
        content = json.loads(path.read_bytes())
        return tuple(Entry.model_validate(each) for each in content["entries"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise StoreError(
            f'The list of own models and data "{path}" cannot be read ({type(error).__name__});'
            " delete it and add them again."
        ) from error


def add(workspace: Workspace, entry: Entry) -> None:
    """Add an entry; one of the same kind, name and model is replaced."""
    kept = [each for each in entries(workspace) if _key(each) != _key(entry)]
    _write(workspace, [*kept, entry])


def remove(workspace: Workspace, kind: Literal["model", "data"], name: str) -> None:
    """Remove every entry of a model or data file; the files themselves stay."""
    _write(
        workspace,
        [each for each in entries(workspace) if (each.kind, each.name) != (kind, name)],
    )


def _key(entry: Entry) -> tuple[str, str, str | None]:
    return entry.kind, entry.name, entry.model


def _write(workspace: Workspace, kept: Sequence[Entry]) -> None:
    content = {"entries": [each.model_dump(mode="json") for each in kept]}
    write_whole(workspace.root / FILE, json.dumps(content, indent=1))
