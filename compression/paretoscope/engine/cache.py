"""What stages made, kept by content so that no trial repeats another's work.

A key is a hash of everything the result depends on, so an entry is never stale and never changed:
it is made once, whole, under a temporary name, then moved into place. Two workers that want the
same entry do not both make it, the second waits. When the folder outgrows its bound, the entries
that were not used for longest go. What the keys stand for is `pipeline.py`'s business.
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
from paretoscope.recipes.stages import Distill, Stage
from paretoscope.settings import Settings
from paretoscope.workspace import whole_folder

SPARED_SECONDS = 3600.0
"""An entry used this recently is not evicted: a trial may still be reading it."""


def stage_key(parent_key: str, stage: Stage, seed: int) -> str:
    """The key of what `stage` makes from what `parent_key` names, 24 hex digits.

    The seed counts only where a stage trains; the same pruning under two seeds is one entry.

    >>> from paretoscope.recipes.stages import PruneWeights
    >>> pruned = PruneWeights(sparsity=0.5)
    >>> stage_key("a", pruned, 0) == stage_key("a", pruned, 1)
    True
    >>> trained = PruneWeights(sparsity=0.5, retrain_epochs=1)
    >>> stage_key("a", trained, 0) == stage_key("a", trained, 1)
    False
    """
    seeded = stage.training_epochs > 0 or isinstance(stage, Distill)
    return content_key(parent_key, stage.canonical(), stage.code_version, seed if seeded else None)


class StageCache:
    """Folders and arrays by content key under `root`, at most `limit_bytes` of them.

    The bound is PARETOSCOPE_CACHE_GB (20 when unset) unless given.
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
        """Where the entry is or would be."""
        return self.root / key

    def folder(self, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of `key`, filled by `make(empty folder)` when there is none yet.

        Raises `ArtifactError` when the disk is full; nothing half-made stays, whatever `make`
        raises.
        """
        target = self.path(key)
        if not _touch(target):
            with _disk_full_is_a_sentence(self.root), self._alone(key):
                if not _touch(target):  # nobody made it while this one waited
                    self._drop_unfinished(key)
                    with whole_folder(target) as making:
                        make(making)
            self.evict()
        return target

    def array(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of `key`, made once and kept as .npy; one that cannot be read is made again."""

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
        """As `array`, several by name in one .npz."""

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
        """Remove the entries that were not used for longest until the rest fits."""
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
        """Remove what killed workers left half-made; what is being made now is left alone."""
        for key in {
            folder.name.split(".")[1] for folder in self.root.glob(".*.*") if folder.is_dir()
        }:
            with self._alone(key, wait=False) as mine:
                if mine:
                    self._drop_unfinished(key)

    # --- how --------------------------------------------------------------------------------------

    def _entries(self) -> list[Path]:
        return [entry for entry in self.root.glob("*") if not entry.name.startswith(".")]

    def _drop_unfinished(self, key: str) -> None:
        """Only while the lock of `key` is held: then its temporary folders belong to nobody."""
        for left in self.root.glob(f".{key}.*"):
            shutil.rmtree(left, ignore_errors=True)

    def _remove(self, entry: Path) -> None:
        """Move it out of sight in one step first, so that nobody finds half of it."""
        try:
            bin_ = Path(tempfile.mkdtemp(dir=self.root, prefix=f".{entry.name}."))
            os.replace(entry, bin_)
        except OSError:
            return  # another worker was first
        shutil.rmtree(bin_, ignore_errors=True)

    @contextmanager
    def _alone(self, key: str, *, wait: bool = True) -> Generator[bool]:
        """Hold the lock file of `key`; the system gives it back when a worker is killed."""
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
def _disk_full_is_a_sentence(root: Path) -> Generator[None]:
    try:
        yield
    except Exception as error:
        # libraries that write files wrap the system's error in their own, so its words are looked
        # at too
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or os.strerror(
            errno.ENOSPC
        ) in str(error):
            raise ArtifactError(
                f'The disk of the cache "{root}" is full; free some space or lower'
                " PARETOSCOPE_CACHE_GB, then try again."
            ) from error
        raise


def _touch(entry: Path) -> bool:
    """Note that `entry` is used; False when it is not there."""
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
