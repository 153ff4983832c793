"""int8 models by public tools, evaluated and timed like ours.

Each tool converts the same checkpoint once, in a separate process and scratch folder. Models and
results are cached in the workspace.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.encoders import runtimes
from benchmarks.encoders.evaluation import (
    Evaluated,
    Options,
    cached_speedup,
    evaluate_folder,
    measure_speedup,
)
from paretoscope.artifact.pack import MODEL, TOKENIZER
from paretoscope.engine.build import Bench
from paretoscope.errors import ArtifactError
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.models.checkpoint import prepare
from paretoscope.tasks.load import export_split
from paretoscope.tasks.tokens import encode
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT


@dataclass(frozen=True)
class Tool:
    """A public tool: `worker` runs its file `model` in another runtime than ONNX Runtime."""

    name: str
    model: str = MODEL
    worker: str = ""


PEERS = {
    "ort-dynamic": Tool("ONNX Runtime dynamic"),
    "ort-static": Tool("ONNX Runtime static"),
    "nncf": Tool("NNCF on OpenVINO", "model.xml", "benchmarks.peers.openvino_worker"),
}
"""Name in `peers/int8_encoders.py --by` -> the tool."""
SCRIPT = PROJECT / "benchmarks" / "peers" / "int8_encoders.py"
PACKAGES = ("onnxruntime", "torch", "nncf", "openvino")
SECONDS = "seconds.txt"


@dataclass(frozen=True)
class Peer:
    """A peer's model: `correct` [n] is 1.0 where its prediction is correct.

    `seconds` is the duration of its whole process.
    """

    name: str
    folder: Path
    correct: np.ndarray
    speedup: Interval
    noisy: bool
    seconds: float


def peer_model(options: Options, bench: Bench, baseline: Evaluated, by: str) -> Peer:
    """Make and measure a peer's model; raises `ArtifactError` when the tool fails."""
    tool = PEERS[by]
    key = content_key(
        "peer",
        by,
        hashlib.sha256(SCRIPT.read_bytes()).hexdigest(),
        bench.model_ref.key,
        bench.task.key,
        _versions(),
    )
    folder = bench.cache.folder(key, lambda folder: make(bench, by, folder))
    split = bench.task.splits[options.split]
    texts = encode(folder / TOKENIZER, split.texts, bench.evaluator.max_length)

    def infer() -> np.ndarray:
        if tool.worker:
            return runtimes.logits(tool.worker, folder / tool.model, texts)
        return evaluate_folder(folder, texts, split.labels, options.split)

    def measure() -> tuple[Interval, bool]:
        if tool.worker:
            model = folder / tool.model
            return runtimes.speedup(tool.worker, model, baseline.made.folder, options.protocol)
        return measure_speedup(options, folder, baseline.made)

    logits = bench.cache.array(content_key("logits", key, split.sha256, fingerprint().id), infer)
    speedup, noisy = cached_speedup(options, bench, (key, baseline.made.key), measure)
    correct = (logits.argmax(axis=1) == split.labels).astype(np.float64)
    return Peer(tool.name, folder, correct, speedup, noisy, float((folder / SECONDS).read_text()))


def make(bench: Bench, by: str, folder: Path) -> None:
    """Write the peer's model to `folder`.

    The tools leave files in their working directory, so they run in a temporary folder.
    """
    with TemporaryDirectory(prefix="paretoscope-") as name:
        scratch = Path(name)
        (scratch / "checkpoint").mkdir()
        prepare(bench.model_ref, bench.task, scratch / "checkpoint")
        export_split(bench.task, "calibration", scratch / "calibration.jsonl")
        paths = (scratch / "checkpoint", scratch / "calibration.jsonl", folder)
        command = [sys.executable, str(SCRIPT), *map(str, paths), "--by", by]
        with locks.compute():
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no error message"])[-1]
        raise ArtifactError(f"{PEERS[by].name} made no model: {reason}")
    seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
    (folder / SECONDS).write_text(str(seconds), encoding="utf-8")


def _versions() -> str:
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return " ".join(found)
