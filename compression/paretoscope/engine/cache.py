"""The stage cache: folders and arrays by content key, shared by all trials of a workspace.

A key is a hash of everything that the result depends on, so entries are never stale and never
change. An entry is written under a temporary name, then renamed. If two workers need the same
entry, the second waits for the first. Above the size limit the least recently used entries are
removed. What the keys consist of is decided in `build.py`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from paretoscope.errors import ArtifactError
from paretoscope.keys import content_key
from paretoscope.recipes.stages import Distill, Reference, Stage
from paretoscope.settings import Settings
from paretoscope.workspace import whole_folder

SPARED_SECONDS = 3600.0
"""An entry used within this time is not evicted, because a trial may still read it."""


def stage_key(parent_key: str, stage: Stage, seed: int) -> str:
    """The key of a stage's result, 24 hex digits; `parent_key` is the key of its input.

    The seed is part of it only for stages that train or draw folds.

    >>> from paretoscope.recipes.stages import PruneWeights
    >>> pruned = PruneWeights(sparsity=0.5)
    >>> stage_key("a", pruned, 0) == stage_key("a", pruned, 1)
    True
    >>> trained = PruneWeights(sparsity=0.5, retrain_epochs=1)
    >>> stage_key("a", trained, 0) == stage_key("a", trained, 1)
    False
    """
    seeded = stage.training_epochs > 0 or isinstance(stage, Distill | Reference)
    return content_key(parent_key, stage.canonical(), stage.code_version, seed if seeded else None)


class StageCache:
    """Folders and arrays by content key under `root`, at most `limit_bytes` in total.

    The default limit is PARETOSCOPE_CACHE_GB.
    """

    def __init__(
        self,
        root: Path,
        *,
        limit_bytes: float | None = None,
        spared_seconds: float = SPARED_SECONDS,
    ) -> None:
        self.root = root
        self.limit_bytes = (
            Settings.from_environment().cache_gb * 1e9 if limit_bytes is None else limit_bytes
        )
        self.spared_seconds = spared_seconds

    def path(self, key: str) -> Path:
        """The folder of an entry, whether it exists or not."""
        return self.root / key

    def folder(self, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of `key`; if it does not exist, `make(empty folder)` fills it.

        Raises `ArtifactError` when the disk is full. After any exception no partial entry remains.
        """
        target = self.path(key)
        if not _touch(target):
            with _disk_full_errors(self.root), self._locked(key):
                if not _touch(target):  # not made while this worker waited
                    self._drop_unfinished(key)
                    with whole_folder(target) as making:
                        make(making)
            self.evict()
        return target

    def array(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of `key`, computed once; an unreadable file is computed again."""

        def write(folder: Path) -> None:
            np.save(folder / "array.npy", make(), allow_pickle=False)

        try:
            return np.load(self.folder(key, write) / "array.npy", allow_pickle=False)
        except (ValueError, EOFError, FileNotFoundError):
            self._remove(self.path(key))
            return np.load(self.folder(key, write) / "array.npy", allow_pickle=False)

    def arrays(
        self, key: str, make: Callable[[], Mapping[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Like `array`, for several named arrays in one .npz."""

        def write(folder: Path) -> None:
            made: dict[str, Any] = dict(make())
            np.savez(folder / "arrays.npz", **made)

        def read() -> dict[str, np.ndarray]:
            with np.load(self.folder(key, write) / "arrays.npz", allow_pickle=False) as found:
                return dict(found)

        try:
            return read()
        except (ValueError, EOFError, FileNotFoundError, zipfile.BadZipFile):
            self._remove(self.path(key))
            return read()

    def evict(self) -> None:
        """Remove the least recently used entries until the rest is within the limit."""
        entries = sorted(
            ((_used_at(entry), _size(entry), entry) for entry in self._entries()),
            key=lambda row: row[0],
        )
        excess = sum(size for _, size, _ in entries) - self.limit_bytes
        spared_from = time.time() - self.spared_seconds
        for used_at, size, entry in entries:
            if excess <= 0 or used_at >= spared_from:
                return
            self._remove(entry)
            excess -= size

    def drop_unfinished(self) -> None:
        """Remove the partial entries of killed workers, not those that are being made."""
        for key in {
            folder.name.split(".")[1] for folder in self.root.glob(".*.*") if folder.is_dir()
        }:
            with self._locked(key, wait=False) as locked:
                if locked:
                    self._drop_unfinished(key)

    # --- how --------------------------------------------------------------------------------------

    def _entries(self) -> list[Path]:
        return [entry for entry in self.root.glob("*") if not entry.name.startswith(".")]

    def _drop_unfinished(self, key: str) -> None:
        """Call it with the lock of `key` held: its temporary folders are then unused."""
        for left in self.root.glob(f".{key}.*"):
            shutil.rmtree(left, ignore_errors=True)

    def _remove(self, entry: Path) -> None:
        """Rename the entry first, so that no reader finds a part of it."""
        try:
            bin_ = Path(tempfile.mkdtemp(dir=self.root, prefix=f".{entry.name}."))
            os.replace(entry, bin_)
        except OSError:
            return  # another worker was first
        shutil.rmtree(bin_, ignore_errors=True)

    @contextmanager
    def _locked(self, key: str, *, wait: bool = True) -> Generator[bool]:
        """Hold the lock file of `key`; the system releases it when the worker is killed."""
        locks = self.root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / key).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True


@contextmanager
def _disk_full_errors(root: Path) -> Generator[None]:
    try:
        yield
    except Exception as error:
        # some libraries wrap the system's error in their own, so the message is searched as well
        full = os.strerror(errno.ENOSPC) in str(error)
        if full or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise ArtifactError(
                f'The disk of the cache "{root}" is full; free some space or lower'
                " PARETOSCOPE_CACHE_GB, then try again."
            ) from error
        raise


def _touch(entry: Path) -> bool:
    """Mark `entry` as used now; False when it does not exist."""
    try:
        os.utime(entry)
    except FileNotFoundError:
        return False
    return True


def _used_at(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(entry: Path) -> int:
    total = 0
    for folder, _, files in os.walk(entry):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total
