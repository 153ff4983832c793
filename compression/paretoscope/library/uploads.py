"""Uploaded models and data files, stored in the workspace under a hash of their content.

A file is written under a temporary name and renamed, so an upload that fails leaves nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from paretoscope.errors import ModelError, ParetoscopeError, StoreError
from paretoscope.library.archive import CHUNK, unpack, unpacked_bytes
from paretoscope.workspace import Workspace, whole_folder

MODEL_SUFFIXES = (".zip", ".gguf", ".safetensors", ".json", ".txt", ".model", ".jinja")
SPARE_BYTES = 500_000_000
"""Free space that an upload leaves on the disk, for the store and the artefacts."""


class Upload(NamedTuple):
    """A file from a browser: its name there, its content and its bytes."""

    name: str
    file: BinaryIO
    size: int


def store_data(workspace: Workspace, upload: Upload) -> Path:
    """The path of the stored data file; equal content is stored once.

    Raises:
        StoreError: the disk is full or cannot be written.
    """
    return _stored_file(workspace, upload)


def store_model(workspace: Workspace, uploads: Sequence[Upload]) -> Path:
    """The stored model: the folder in a zip, a GGUF file, or the folder of single files.

    Raises:
        ModelError: the files are not one model, or the zip is refused.
        StoreError: the disk is full or cannot be written.
    """
    packed = [each for each in uploads if _suffix(each) in (".zip", ".gguf")]
    if packed and len(uploads) > 1:
        raise ModelError(
            f'"{packed[0].name}" is a whole model, but {len(uploads)} files were given; give it'
            " without the others."
        )
    if not packed:
        return _stored_files(workspace, uploads)
    (upload,) = packed
    if _suffix(upload) == ".gguf":
        return _stored_file(workspace, upload)
    return _unpacked(workspace, upload)


def free_bytes(workspace: Workspace) -> int:
    """Free bytes on the disk of the workspace, which may not exist yet."""
    folder = workspace.root
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_room(workspace: Workspace, needed: int, what: str) -> None:
    """Raise `StoreError` unless `needed` bytes fit on the disk and `SPARE_BYTES` stay free."""
    free = free_bytes(workspace)
    if needed + SPARE_BYTES > free:
        raise StoreError(
            f'"{what}" needs {needed / 1e6:,.3g} MB, but the disk of the workspace has'
            f" {free / 1e6:,.3g} MB free and {SPARE_BYTES / 1e6:g} MB are kept; free some space."
        )


def _suffix(upload: Upload) -> str:
    return PurePosixPath(upload.name).suffix.lower()


def _plain(name: str) -> str:
    """A file name without folders and without characters that a path or a shell could misread."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]+", "-", last)[-100:].lstrip(".-") or "file"


def _digest(uploads: Sequence[Upload]) -> str:
    """12 hex digits of a hash over the content, for several files over their names too."""
    digest = hashlib.sha256()
    for upload in sorted(uploads, key=lambda each: each.name):
        if len(uploads) > 1:
            digest.update(f"{upload.name}\0{upload.size}\0".encode())
        upload.file.seek(0)
        while chunk := upload.file.read(CHUNK):
            digest.update(chunk)
        upload.file.seek(0)
    return digest.hexdigest()[:12]


def _stored_file(workspace: Workspace, upload: Upload) -> Path:
    folder = workspace.uploads / _digest([upload])
    path = folder / _plain(upload.name)
    if not path.is_file():
        _write(workspace, upload.name, upload.size, folder, [(upload, path.name)])
    return path


def _stored_files(workspace: Workspace, uploads: Sequence[Upload]) -> Path:
    digest = _digest(uploads)
    folder = workspace.uploads / digest / f"model-{digest[:6]}"
    if not folder.is_dir():
        size = sum(each.size for each in uploads)
        named = [(each, _plain(each.name)) for each in uploads]
        _write(workspace, folder.name, size, folder, named)
    return folder


def _write(
    workspace: Workspace,
    what: str,
    size: int,
    folder: Path,
    files: Sequence[tuple[Upload, str]],
) -> None:
    check_room(workspace, size, what)
    with _disk_errors(what), whole_folder(folder) as making:
        for upload, name in files:
            upload.file.seek(0)
            with (making / name).open("wb") as file:
                shutil.copyfileobj(upload.file, file, CHUNK)


def _unpacked(workspace: Workspace, upload: Upload) -> Path:
    around = workspace.uploads / _digest([upload])
    folder = around / _plain(PurePosixPath(upload.name).stem)
    if not folder.is_dir():
        check_room(workspace, unpacked_bytes(upload.file, upload.name), upload.name)
        try:
            with _disk_errors(upload.name), whole_folder(folder) as making:
                unpack(upload.file, making, upload.name)
        except ParetoscopeError:
            with contextlib.suppress(OSError):
                around.rmdir()
            raise
    return _model_in(folder)


def _model_in(folder: Path) -> Path:
    """The single GGUF file of a folder that has nothing else, else the folder."""
    files = list(folder.iterdir())
    return files[0] if len(files) == 1 and files[0].suffix.lower() == ".gguf" else folder


@contextlib.contextmanager
def _disk_errors(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f'"{what}" cannot be stored in the workspace ({error.strerror}); free some disk space.'
        ) from error
