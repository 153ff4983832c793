"""Trials that cost nothing and behave as their model's name says; engine processes import this file
by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from paretoscope.errors import ModelError
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import (
    ArtifactRecord,
    Energy,
    Latency,
    Measured,
    Memory,
    Quality,
    TrialDocument,
)
from paretoscope.workspace import Workspace


def run_trial(
    request: TrialRequest, workspace: Workspace, report: Callable[[Progress], None]
) -> TrialDocument:
    count_start(workspace, request.trial_id)
    report(Progress(stage="toy", stage_number=1, stage_count=2))
    behaviour = request.model
    if behaviour == "fails":
        raise ModelError("The toy is broken; buy another one.")
    if behaviour == "surprises":
        raise KeyError("nobody expected this")
    if behaviour == "talks":
        print("said by print", flush=True)
        subprocess.run(["echo", "said by a child"], check=True)
    if behaviour == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "dies-once" and starts(workspace, request.trial_id) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "slow" or (
        behaviour == "slow-once" and starts(workspace, request.trial_id) == 1
    ):
        linger(workspace, request.trial_id, report)
    report(Progress(stage="end", stage_number=2, stage_count=2, step=1, steps=1))
    return document(request)


def linger(workspace: Workspace, trial_id: str, report: Callable[[Progress], None]) -> None:
    """Work for a minute, with a child process that would go on for longer, half-made files beside
    it.
    """
    child = subprocess.Popen(["sleep", "600"])
    workspace.artifacts.mkdir(parents=True, exist_ok=True)
    (workspace.artifacts / f".{trial_id}.half").mkdir(exist_ok=True)
    (workspace.root / f"{trial_id}.pids").write_text(f"{os.getpid()} {child.pid}")
    for step in range(600):
        report(Progress(stage="toy", stage_number=1, stage_count=2, step=step, steps=600))
        time.sleep(0.1)


def count_start(workspace: Workspace, trial_id: str) -> None:
    with (workspace.root / f"{trial_id}.starts").open("a") as file:
        file.write("x")


def starts(workspace: Workspace, trial_id: str) -> int:
    path = workspace.root / f"{trial_id}.starts"
    return len(path.read_text()) if path.exists() else 0


def pids(workspace: Workspace, trial_id: str) -> list[int]:
    """The worker and the child of a slow trial, empty until it lingers."""
    path = workspace.root / f"{trial_id}.pids"
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def document(request: TrialRequest) -> TrialDocument:
    size = 100 if request.recipe.stages else 400
    measured = Measured(
        artifact=ArtifactRecord(
            path=str(Path("artifacts") / request.trial_id), size_bytes=size, files={}, sha256={}
        ),
        quality=Quality(value=0.9, low=0.88, high=0.92, n=500),
        latency=Latency(batch=1, sequence=32, threads=2, n=60, p50_ms=size / 100, p90_ms=size / 90),
        memory=Memory(peak_bytes=100, steady_bytes=90),
        energy=Energy(joules_per_request=0.1, source="estimate"),
    )
    fields = {name: getattr(measured, name) for name in type(measured).model_fields}
    return TrialDocument(
        trial_id=request.trial_id,
        recipe_id=request.recipe.id,
        model=request.model,
        task=request.task,
        status="done",
        recipe=request.recipe,
        protocol=request.protocol,
        baseline=measured.model_copy(
            update={"artifact": measured.artifact.model_copy(update={"size_bytes": 400})}
        ),
        **fields,
    )
