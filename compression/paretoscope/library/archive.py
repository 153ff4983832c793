"""Zip files from a browser: checked as a whole, then unpacked into an empty folder.

A zip is refused if a name leads out of the folder, if an entry is a link or encrypted, or if it
unpacks to much more than a model needs (a "zip bomb").
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from paretoscope.errors import ModelError, Problems

CHUNK = 1 << 20
SMALL = 10_000_000
"""Bytes up to which an entry may shrink to any size: texts and configs compress well."""


@dataclass(frozen=True)
class Limits:
    """The most that a zip may unpack to; `ratio` is unpacked to packed bytes of a large entry."""

    files: int = 500
    total_bytes: int = 4_000_000_000
    ratio: float = 200.0


LIMITS = Limits()


def unpacked_bytes(source: BinaryIO, name: str, limits: Limits = LIMITS) -> int:
    """The bytes that the model in a zip needs on disk.

    Raises:
        ModelError: it is no zip, or is refused; the error names every reason.
    """
    with _opened(source, name) as archive:
        return sum(entry.file_size for entry in _model_entries(archive, name, limits))


def unpack(source: BinaryIO, folder: Path, name: str, limits: Limits = LIMITS) -> None:
    """Write the model's folder in a zip to the empty `folder`, without the folders around it.

    Raises:
        ModelError: it is no zip, is refused, or is damaged.
    """
    with _opened(source, name) as archive:
        entries = _model_entries(archive, name, limits)
        root = _root([PurePosixPath(entry.filename) for entry in entries])
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if not path.is_relative_to(root):
                continue
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(entry) as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file, CHUNK)
            except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
                raise _damaged(name, str(error)) from error


def _opened(source: BinaryIO, name: str) -> zipfile.ZipFile:
    source.seek(0)
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(name, str(error)) from error


def _damaged(name: str, reason: str) -> ModelError:
    return ModelError(f'"{name}" cannot be unpacked ({reason.rstrip(".")}); zip the folder again.')


def _model_entries(
    archive: zipfile.ZipFile, name: str, limits: Limits
) -> Sequence[zipfile.ZipInfo]:
    """The files of a zip, checked; what an operating system adds is left out."""
    entries = [entry for entry in archive.infolist() if not _is_extra(entry)]
    problems = Problems(f'"{name}"', ModelError)
    for entry in entries:
        if reason := _refusal(entry, limits):
            problems.add(f'"{entry.filename:.120}"', reason)
    total = sum(entry.file_size for entry in entries)
    if len(entries) > limits.files:
        problems.add(
            "",
            f"it has {len(entries):,} files, at most {limits.files:,} are accepted; zip only the"
            " folder of the model.",
        )
    if total > limits.total_bytes:
        problems.add(
            "",
            f"it unpacks to {total / 1e9:,.3g} GB, at most {limits.total_bytes / 1e9:g} GB are"
            " accepted; give the path of the folder instead.",
        )
    if not entries:
        problems.add("", "it has no files; zip the folder of the model.")
    problems.check()
    return entries


def _is_extra(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename).parts
    return entry.is_dir() or "__MACOSX" in parts or (bool(parts) and parts[-1] == ".DS_Store")


def _refusal(entry: zipfile.ZipInfo, limits: Limits) -> str:
    """Why an entry is refused; empty for one that is not."""
    path = PurePosixPath(entry.filename)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in entry.filename
    if leads_out or not path.parts or ":" in path.parts[0]:
        return "the path leads out of the folder; zip the folder of the model again."
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "it is a link or a device, not a file; zip the files that it refers to."
    if entry.flag_bits & 1:
        return "it is encrypted; zip the folder without a password."
    if entry.file_size > SMALL and entry.file_size > limits.ratio * max(1, entry.compress_size):
        return (
            f"it unpacks to {entry.file_size / max(1, entry.compress_size):,.0f} times its size,"
            f" at most {limits.ratio:g} is accepted; give the path of the folder instead."
        )
    return ""


def _root(paths: Sequence[PurePosixPath]) -> PurePosixPath:
    """The folder of the model: that of the first `config.json`, else the one that has all files."""
    configs = [path.parent for path in paths if path.name == "config.json"]
    if configs:
        return min(configs, key=lambda folder: len(folder.parts))
    root = paths[0].parent
    while any(not path.is_relative_to(root) for path in paths):
        root = root.parent
    return root
