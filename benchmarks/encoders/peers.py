"""int8 by public tools: each makes its model once, from the same checkpoint, in a process and a
scratch folder of its own; then it is judged and timed as ours are. What was made and found is kept
in the workspace.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.encoders import openvino
from benchmarks.encoders.judge import Asked, Judged, judge_folder, kept_speed, time_folder
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.engine.pipeline import Bench
from paretoscope.errors import ArtifactError
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.models.checkpoint import prepare
from paretoscope.tasks.load import export_split
from paretoscope.tasks.tokens import encode
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT

PEERS = {
    "ort-dynamic": "ONNX Runtime dynamic",
    "ort-static": "ONNX Runtime static",
    "nncf": "NNCF on OpenVINO",
}
SCRIPT = PROJECT / "benchmarks" / "peers" / "int8_encoders.py"
PACKAGES = ("onnxruntime", "torch", "nncf", "openvino")
SECONDS = "seconds.txt"


@dataclass(frozen=True)
class Peer:
    """A peer's model: `right` [n] is 1.0 where its answer is right, `seconds` went into all that
    its process did.
    """

    name: str
    folder: Path
    right: np.ndarray
    speedup: Interval
    noisy: bool
    seconds: float


def made_by(asked: Asked, bench: Bench, whole: Judged, by: str) -> Peer:
    """Raises `ArtifactError` when the tool does not make its model."""
    key = content_key(
        "peer",
        by,
        hashlib.sha256(SCRIPT.read_bytes()).hexdigest(),
        bench.model_ref.key,
        bench.task.key,
        _versions(),
    )
    folder = bench.cache.folder(key, lambda folder: make(bench, by, folder))
    split = bench.task.splits[asked.split]
    texts = encode(folder / TOKENIZER, split.texts, bench.evaluator.max_length)
    answer: Callable[[], np.ndarray]
    if by == "nncf":
        answer, sit = (
            (lambda: openvino.logits(folder, texts)),
            (lambda: openvino.speedup(folder, whole.made.folder, asked.protocol)),
        )
    else:
        answer, sit = (
            (lambda: judge_folder(folder, texts, split.labels, asked.split)),
            (lambda: time_folder(asked, folder, whole.made)),
        )
    logits = bench.cache.array(content_key("logits", key, split.sha256, fingerprint().id), answer)
    speedup, noisy = kept_speed(asked, bench, (key, whole.made.key), sit)
    right = (logits.argmax(axis=1) == split.labels).astype(np.float64)
    return Peer(PEERS[by], folder, right, speedup, noisy, float((folder / SECONDS).read_text()))


def make(bench: Bench, by: str, folder: Path) -> None:
    """Fill `folder`. The tools leave files of theirs where they run, which is therefore a folder
    that goes.
    """
    with TemporaryDirectory(prefix="paretoscope-") as name:
        scratch = Path(name)
        (scratch / "checkpoint").mkdir()
        prepare(bench.model_ref, bench.task, scratch / "checkpoint")
        export_split(bench.task, "calibration", scratch / "calibration.jsonl")
        command = [
            sys.executable,
            str(SCRIPT),
            str(scratch / "checkpoint"),
            str(scratch / "calibration.jsonl"),
            str(folder),
            "--by",
            by,
        ]
        with locks.compute():
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtifactError(
            f"{PEERS[by]} made no model:"
            f" {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    (folder / SECONDS).write_text(
        str(json.loads(done.stdout.splitlines()[-1])["seconds"]), encoding="utf-8"
    )


def _versions() -> str:
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return " ".join(found)
