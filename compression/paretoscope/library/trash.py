"""Deleted files and entries of a workspace, kept in its `trash` folder until it is emptied.

Only paths inside the workspace are moved; the files of a person elsewhere are never touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from paretoscope.errors import StoreError
from paretoscope.library.entry_list import Entry, add, remove
from paretoscope.library.space import size_of
from paretoscope.values import Value
from paretoscope.workspace import Workspace, write_whole

FOLDER = "trash"
RECORD = "record.json"


class Deleted(Value):
    """Something in the trash: `paths` are relative to the workspace, `what` names it in words."""

    id: str
    what: str
    deleted_at: datetime
    paths: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    size_bytes: int = 0


def delete(
    workspace: Workspace, what: str, *, paths: Sequence[Path] = (), entries: Sequence[Entry] = ()
) -> Deleted:
    """Move `paths` into the trash and remove `entries` from the list.

    Paths outside the workspace and paths that do not exist are left as they are.

    Raises:
        StoreError: the workspace cannot be written.
    """
    inside = [path for path in paths if _is_inside(workspace, path)]
    record = Deleted(
        id=uuid.uuid4().hex[:12],
        what=what,
        deleted_at=datetime.now(UTC),
        paths=tuple(str(path.relative_to(workspace.root)) for path in inside),
        entries=tuple(entries),
        size_bytes=sum(map(size_of, inside)),
    )
    folder = _folder(workspace, record.id)
    with _errors(what):
        write_whole(folder / RECORD, record.model_dump_json())  # first: a move can be undone
        for number, path in enumerate(inside):
            os.replace(path, folder / str(number))
    for entry in entries:
        remove(workspace, entry.kind, entry.name)
    return record


def restore(workspace: Workspace, deleted: Deleted) -> None:
    """Move everything back and list it again; what exists there by now is kept.

    Raises:
        StoreError: the workspace cannot be written.
    """
    folder = _folder(workspace, deleted.id)
    with _errors(deleted.what):
        for number, name in enumerate(deleted.paths):
            source, target = folder / str(number), workspace.root / name
            if source.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
    for entry in deleted.entries:
        add(workspace, entry)
    shutil.rmtree(folder, ignore_errors=True)


def deleted(workspace: Workspace) -> tuple[Deleted, ...]:
    """What is in the trash, the newest first; unreadable records are left out."""
    return tuple(sorted(_records(workspace), key=lambda each: each.deleted_at, reverse=True))


def empty(workspace: Workspace) -> int:
    """Remove everything in the trash for good; the bytes that were freed."""
    folder = workspace.root / FOLDER
    if not folder.is_dir():
        return 0
    freed = size_of(folder)
    with _errors("The trash"):
        going = Path(tempfile.mkdtemp(dir=workspace.root, prefix=f".{FOLDER}."))
        os.replace(folder, going)
    shutil.rmtree(going, ignore_errors=True)
    return freed


def _records(workspace: Workspace) -> Iterator[Deleted]:
    for path in (workspace.root / FOLDER).glob(f"*/{RECORD}"):
        with contextlib.suppress(OSError, ValueError, ValidationError):
            yield Deleted.model_validate_json(path.read_bytes())


def _folder(workspace: Workspace, id_: str) -> Path:
    return workspace.root / FOLDER / id_


def _is_inside(workspace: Workspace, path: Path) -> bool:
    """Whether a path is in the workspace itself, also after links are followed."""
    root = workspace.root.resolve()
    inside = path != workspace.root and path.is_relative_to(workspace.root)
    return inside and path.exists() and path.resolve().is_relative_to(root)


@contextlib.contextmanager
def _errors(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f'"{what}" cannot be moved ({error.strerror}); check the permissions of the workspace.'
        ) from error
