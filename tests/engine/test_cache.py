"""The stage cache: made once, whole or not at all, bounded, and keyed by what matters only."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from paretoscope.engine.cache import StageCache, stage_key
from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.keys import content_key
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize


def write(size: int):
    def make(folder: Path) -> None:
        (folder / "file").write_bytes(b"x" * size)

    return make


def refuse(_folder: Path) -> None:
    raise AssertionError("made twice")


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    made = cache.folder("k", write(3))
    assert (made / "file").read_bytes() == b"xxx"
    assert cache.folder("k", refuse) == made == cache.path("k")


def test_two_workers_do_the_same_work_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make(folder: Path) -> None:
        made.append(1)
        time.sleep(0.1)
        write(1)(folder)

    threads = [
        threading.Thread(target=lambda: StageCache(tmp_path).folder("k", make)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)

    def half(folder: Path) -> None:
        write(1)(folder)
        raise KeyError("broken")

    with pytest.raises(KeyError):
        cache.folder("k", half)
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]
    assert cache.folder("k", write(2)).is_dir()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("write failed: No space left on device"),
    ],
)
def test_a_full_disk_is_a_sentence(tmp_path: Path, error: Exception) -> None:
    def full(folder: Path) -> None:
        write(1)(folder)
        raise error

    with pytest.raises(ArtifactError, match="is full"):
        StageCache(tmp_path).folder("k", full)
    assert not [path for path in tmp_path.iterdir() if path.name != ".locks"]


def _hang(root: Path) -> None:
    def make(folder: Path) -> None:
        write(9)(folder)
        (root / "started").touch()
        time.sleep(60)

    StageCache(root).folder("k", make)


def test_a_killed_worker_leaves_neither_lock_nor_rubbish(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("fork").Process(target=_hang, args=(tmp_path,))
    worker.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    cache = StageCache(tmp_path)
    cache.drop_unfinished()
    assert list(tmp_path.glob(".k.*")), "what is being made is left alone"
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    cache.drop_unfinished()
    assert not list(tmp_path.glob(".k.*"))
    assert (cache.folder("k", write(2)) / "file").stat().st_size == 2


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = StageCache(tmp_path, limit_bytes=250, spared_seconds=0)
    for age, key in ((30, "a"), (20, "b")):
        cache.folder(key, write(100))
        then = time.time() - age
        os.utime(cache.path(key), (then, then))
    cache.folder("a", refuse)  # a use counts, not the making
    cache.folder("c", write(100))
    assert {path.name for path in tmp_path.iterdir()} == {".locks", "a", "c"}


def test_what_was_used_just_now_is_spared(tmp_path: Path) -> None:
    cache = StageCache(tmp_path, limit_bytes=1)
    cache.folder("a", write(100))
    cache.folder("b", write(100))
    assert cache.path("a").is_dir()


def test_arrays_round_trip_and_heal(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(cache.array("k", lambda: array), array)
    (cache.path("k") / "array.npy").write_bytes(b"\x93NUMPY")
    np.testing.assert_array_equal(cache.array("k", lambda: array + 1), array + 1)


def test_a_bound_that_is_no_number_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARETOSCOPE_CACHE_GB", "lots")
    with pytest.raises(ParetoscopeError, match='PARETOSCOPE_CACHE_GB is "lots"'):
        StageCache(tmp_path)


def test_a_key_holds_what_matters_and_nothing_else() -> None:
    plain, trained, quantized = (
        PruneWeights(sparsity=0.5),
        PruneWeights(sparsity=0.5, retrain_epochs=1),
        Quantize(),
    )
    keys = [
        stage_key("p", plain, 0),
        stage_key("q", plain, 0),
        stage_key("p", PruneWeights(sparsity=0.6), 0),
        stage_key("p", trained, 0),
        stage_key("p", trained, 1),
        stage_key("p", Distill(), 0),
        stage_key("p", Distill(), 1),
        stage_key("p", quantized, 0),
        stage_key("p", Quantize(train_epochs=1), 0),
        stage_key("p", Quantize(train_epochs=1), 1),
    ]
    assert len(set(keys)) == len(keys)
    assert stage_key("p", plain, 1) == keys[0]
    assert stage_key("p", Quantize(scheme=quantized.scheme), 5) == stage_key("p", quantized, 0)
    assert content_key("a", 1) != content_key("a", "1")
