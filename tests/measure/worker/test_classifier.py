"""The measuring process itself: what it imports, what it prints, and that it never outlives who
asked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from paretoscope.errors import ArtifactError
from paretoscope.measure import process
from paretoscope.measure.worker import classifier, resident
from paretoscope.measure.worker.messages import LatencyRequest
from paretoscope.workspace import PROJECT
from tests.measure.classifiers import MakeArtifact

T = TypeVar("T")
_HEAVY = {
    "torch",
    "transformers",
    "streamlit",
    "pandas",
    "pydantic",
    "onnx",
    "sqlalchemy",
    "distributed",
    "scipy",
}


def _request(artifact: Path, **changes: object) -> LatencyRequest:
    request = {
        "mode": "latency",
        "model": str(artifact / "model.onnx"),
        "threads": 1,
        "batch": 1,
        "sequence": 8,
        "lowest_id": 600,
        "highest_id": 1200,
        "warm_up_s": 0.1,
        "samples": 20,
        "fewest": 10,
        "least_s": 0.0,
        "most_s": 0.2,
    }
    return {**request, **changes}  # pyright: ignore[reportReturnType]


def test_it_never_imports_anything_heavy(make_artifact: MakeArtifact) -> None:
    """A whole measurement, with every import that it made written down by the interpreter."""
    command = [
        sys.executable,
        "-P",
        "-X",
        "importtime",
        "-m",
        "paretoscope.measure.worker.classifier",
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.write(json.dumps(_request(make_artifact("one"))).encode() + b"\n")
        child.stdin.flush()
        answer, trace = child.stdout.read(), child.stderr.read().decode()
    assert len(json.loads(answer)["samples_ns"]) == 20
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in trace.splitlines()
        if line.startswith("import time:")
    }
    assert {"onnxruntime", "numpy", "paretoscope"} <= imported
    assert not imported & _HEAVY


def test_it_ends_when_the_process_that_asked_is_killed(
    make_artifact: MakeArtifact, tmp_path: Path
) -> None:
    request = _request(make_artifact("one"), samples=10**9, least_s=600.0, most_s=600.0)
    (tmp_path / "request.json").write_text(json.dumps(request))
    script = (
        "import json; from paretoscope.measure import process;"
        f" process.ask_latency(json.load(open({str(tmp_path / 'request.json')!r})))"
    )
    asking = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT)
    try:
        worker_id = _until(lambda: _measuring_child(asking.pid))
        assert asking.poll() is None
    finally:
        asking.send_signal(signal.SIGKILL)
        asking.wait()
    assert _until(
        lambda: not Path(f"/proc/{worker_id}/cmdline").exists() or _is_over(worker_id), within_s=3
    )


def _until(question: Callable[[], T | None], within_s: float = 20.0) -> T:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


def _measuring_child(parent: int) -> int | None:
    """The child once it has loaded ONNX Runtime, so that it is in the middle of its work."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if "onnxruntime" in Path(f"/proc/{child}/maps").read_text():
            return int(child)
    return None


def _is_over(process_id: int) -> bool:
    """A dead process that nobody has waited for yet has no memory any more."""
    try:
        return not Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return True


def test_a_worker_that_is_killed_is_one_sentence(
    make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        process,
        "_COMMAND",
        [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    )
    with pytest.raises(ArtifactError, match="ended by SIGKILL"):
        process.ask_latency(_request(make_artifact("one")))


def test_a_mistake_in_the_worker_shows_its_traceback(
    make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", "raise KeyError('mistake')"])
    with pytest.raises(RuntimeError, match="KeyError: 'mistake'"):
        process.ask_latency(_request(make_artifact("one")))


def test_requests_are_the_same_every_time_and_differ_among_themselves() -> None:
    requests = classifier.synthetic_requests(2, 8, 1000, 2000)
    again = classifier.synthetic_requests(2, 8, 1000, 2000)
    for one, other in zip(requests, again, strict=True):
        np.testing.assert_array_equal(one["input_ids"], other["input_ids"])
    ids = np.stack([request["input_ids"] for request in requests])
    assert ids.shape == (16, 2, 8)
    assert ids.min() >= 1000
    assert ids.max() < 2000
    assert len(np.unique(ids, axis=0)) == 16
    assert all((request["attention_mask"] == 1).all() for request in requests)


def test_warm_up_ends_when_two_windows_agree() -> None:
    times = [1000] * 20 + [500] * 20 + [300] * 20 + [299] * 20
    assert classifier.warm_up(lambda number: times[number], most_s=5.0) == (80, True)


def test_warm_up_that_never_settles_gives_up() -> None:
    runs, stable = classifier.warm_up(lambda number: 2 ** (number // 20 % 2), most_s=0.05)
    assert runs >= 2
    assert not stable


def test_sampling_takes_as_many_as_asked_and_no_longer_than_allowed(
    make_artifact: MakeArtifact,
) -> None:
    artifact = make_artifact("one")
    assert classifier.sample(
        lambda number: number, _request(artifact, samples=30, least_s=0.0)
    ) == list(range(30))

    def slow(number: int) -> int:
        time.sleep(0.02)
        return number

    assert (
        len(classifier.sample(slow, _request(artifact, samples=1000, fewest=4, most_s=0.01))) == 4
    )
    assert len(classifier.sample(slow, _request(artifact, samples=1, least_s=0.1))) >= 4


def test_the_peak_can_be_set_back() -> None:
    if not resident.reset_peak():
        pytest.skip("this system does not let a process set its peak back")
    before = resident.now()
    block = np.ones(8_000_000)
    assert resident.now() - before > 60_000_000
    del block
    assert resident.peak() - before > 60_000_000
    resident.reset_peak()
    assert resident.peak() - before < 30_000_000
