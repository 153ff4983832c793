"""Which trials a command used, in words, and the other trials that times are normalized with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from paretoscope.api.measured import TrialSet, newest
from paretoscope.machine import fingerprint
from paretoscope.store.store import Store
from paretoscope.trials.format import elsewhere, machine_in_words, short, when
from paretoscope.trials.summary import Trial


def source_in_words(trials: TrialSet, count: int) -> list[str]:
    """Who measured these `count` models and what else there is, a line each; often none."""
    lines: list[str] = []
    if trials.source == "shipped study":
        lines.append(
            f"These {count} models were measured on {_machine(newest(trials.trials))}; measure"
            f" here with `paretoscope sweep {trials.model}`."
        )
    if trials.in_study:
        lines.append(
            f"The shipped study has {trials.in_study} models, measured on another machine; --study"
            " shows them."
        )
    if trials.other_tasks:
        tasks = [f"{short(task)} (--task {_typed(task)})" for task in trials.other_tasks]
        lines.append(f"Other tasks measured: {', '.join(tasks)}")
    return lines


def trials_alike(store: Store, ids: Sequence[str]) -> list[Trial]:
    """The summaries of all finished trials with the model and task of one of these."""
    requested = {
        (row.request.model_key or row.request.model, row.request.task)
        for row in store.trials(ids=ids)
    }
    return [
        trial for model, task in sorted(requested) for trial in store.summaries_of(model, task=task)
    ]


def _typed(task: str) -> str:
    """A task as it can be typed here: a file below the current folder by its relative path."""
    path = Path(task)
    below = path.is_absolute() and path.is_relative_to(Path.cwd())
    return shlex.quote(os.path.relpath(task) if below else task)


def _machine(trial: Trial) -> str:
    """Where and when a study was measured: "another machine (Test CPU, 2 cores, 01 Mar 2026)"."""
    about = f"{machine_in_words(trial)}, {when(trial)}"
    return f"{elsewhere(trial.machine, fingerprint())} ({about})"
