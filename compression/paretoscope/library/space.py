"""How much disk a workspace uses, by kind, and deleting its cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from paretoscope.workspace import Workspace

KINDS = {
    "artifacts": "Artefacts: the compressed models",
    "cache": "Cache: trained students, teacher outputs, exported graphs",
    "samples": "Samples: predictions and latencies of each trial",
    "uploads": "Uploads: models and data from the browser",
    "logs": "Logs",
    "trash": "Trash",
    "other": "Store and lists: results, jobs, checks",
}
"""Kind -> what it holds, in the order of the table; `other` is everything else."""


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 for what does not exist."""
    return sum(size for _, size in _files(path))


def used(workspace: Workspace) -> dict[str, int]:
    """Bytes by kind, of files that exist at this moment.

    A file with several hard links is counted once, where it is found first: cached graphs are often
    linked to artefacts.
    """
    found = dict.fromkeys(KINDS, 0)
    seen: set[tuple[int, int]] = set()
    for kind in (*(kind for kind in KINDS if kind != "other"), ""):
        for identity, size in _files(workspace.root / kind):
            if identity not in seen:
                seen.add(identity)
                found[kind or "other"] += size
    return found


def clear_cache(workspace: Workspace) -> int:
    """Delete every entry of the cache; the bytes that were freed.

    Call it only while no trial runs. An entry is renamed before it is removed, so that no reader
    finds a part of it.
    """
    before = used(workspace)["cache"]
    for entry in workspace.cache.glob("*"):
        if entry.name.startswith("."):
            continue
        try:
            going = Path(tempfile.mkdtemp(dir=workspace.cache, prefix=f".{entry.name}."))
            os.replace(entry, going)
        except OSError:
            continue
        shutil.rmtree(going, ignore_errors=True)
    return max(0, before - used(workspace)["cache"])


def _files(path: Path) -> Iterator[tuple[tuple[int, int], int]]:
    """((device, inode), bytes) of every file at or below `path`; links are not followed."""
    below = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    for file in below if path.is_dir() else (path,):
        try:
            stat = file.lstat()
        except OSError:
            continue
        yield (stat.st_dev, stat.st_ino), stat.st_size
