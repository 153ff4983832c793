"""Starts the measuring process, sends it a request and returns its answer.

The measurements are in `measure/worker/classifier.py` and `measure/worker/decoder.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, cast

from paretoscope.errors import ArtifactError
from paretoscope.measure.worker.messages import (
    ChoicesRequest,
    GenerationAnswer,
    GenerationRequest,
    LatencyAnswer,
    LatencyRequest,
    ProfileAnswer,
    ProfileRequest,
    QualityAnswer,
    QualityRequest,
    TokensRequest,
)
from paretoscope.workspace import subprocess_python_path

ReportDone = Callable[[int, int], None]
"""Called with (done, of): tokens of a split, or cloze questions."""
_report: ContextVar[ReportDone] = ContextVar("report", default=lambda done, of: None)
MODEL_FILE = "model.onnx"
# -P: files in the current folder must not shadow modules
_COMMAND = [sys.executable, "-P", "-m"]
_WORKER, _DECODER_WORKER, _PROFILER = (
    "paretoscope.measure.worker.classifier",
    "paretoscope.measure.worker.decoder",
    "paretoscope.measure.worker.profiling",
)


@contextmanager
def reporting(report: ReportDone) -> Generator[None]:
    """Within the block `report` is called while a graph is evaluated."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def model_file(artifact: Path, name: str = MODEL_FILE) -> Path:
    """The model in an artefact's folder; raises `ArtifactError` when it is missing."""
    model = artifact.resolve() / name
    if not model.is_file():
        raise ArtifactError(
            f'There is no {name} in the artefact "{artifact}": run the trial again to make it.'
        )
    return model


def ask_latency(request: LatencyRequest) -> LatencyAnswer:
    return cast(LatencyAnswer, _ask(_WORKER, cast("Mapping[str, Any]", request)))


def ask_quality(request: QualityRequest) -> QualityAnswer:
    return cast(QualityAnswer, _ask(_WORKER, cast("Mapping[str, Any]", request)))


def ask_profile(request: ProfileRequest) -> ProfileAnswer:
    return cast(ProfileAnswer, _ask(_PROFILER, cast("Mapping[str, Any]", request)))


def ask_tokens(request: TokensRequest) -> QualityAnswer:
    return cast(QualityAnswer, _ask(_DECODER_WORKER, cast("Mapping[str, Any]", request)))


def ask_choices(request: ChoicesRequest) -> QualityAnswer:
    return cast(QualityAnswer, _ask(_DECODER_WORKER, cast("Mapping[str, Any]", request)))


def ask_generation(request: GenerationRequest) -> GenerationAnswer:
    return cast(GenerationAnswer, _ask(_DECODER_WORKER, cast("Mapping[str, Any]", request)))


def _ask(worker: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Start a new process for one request.

    Raises `ArtifactError` when the model cannot be measured or the process was killed.
    """
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            [*_COMMAND, worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            # unbuffered: closing the pipe must not raise for input that a dead process never read
            bufsize=0,
            env=_environment(),
        ) as process:
            assert process.stdin
            assert process.stdout
            try:
                # stdin stays open until the answer arrives; its end makes the process exit
                process.stdin.write(json.dumps(request).encode() + b"\n")
                answer = _last_line(process.stdout, _report.get())
                process.wait()
            except BrokenPipeError:
                answer = b""
                process.wait()
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0 or not answer:
            errors.seek(0)
            _explain(
                str(request["model"]),
                process.returncode,
                errors.read().decode(errors="replace"),
            )
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        raise ArtifactError(found["error"])
    return found


def _last_line(stdout: IO[bytes], report: ReportDone) -> bytes:
    """The answer; the lines before it are reported as progress."""
    last = b""
    with open(stdout.fileno(), "rb", closefd=False) as lines:
        for line in lines:
            if last:
                report(*json.loads(last))
            last = line
    return last


def _environment() -> dict[str, str]:
    """The caller's, with this package importable, and without threads for numpy's linear algebra,
    which is not used.
    """
    return {
        **os.environ,
        "PYTHONPATH": subprocess_python_path(),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _explain(model: str, status: int, errors: str) -> None:
    if status < 0:
        name = signal.Signals(-status).name
        raise ArtifactError(
            f'The process that measured "{model}" was ended by {name}: free some memory, or choose'
            " a smaller batch size or sequence length."
        )
    raise RuntimeError(f"the measuring process ended with status {status}:\n{errors[-2000:]}")
