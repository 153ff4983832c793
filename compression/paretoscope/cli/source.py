"""Where commands take a model's trials from: the workspace, or the shipped study while nothing of
it was measured there.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paretoscope.errors import ParetoscopeError
from paretoscope.machine import fingerprint
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.format import elsewhere, machine_in_words, short, when
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class Source:
    """`where` is empty for the workspace; for the shipped study it says which machine measured it
    and when. `other_tasks` are those that the model was measured on too, `in_study` counts the
    models of the shipped study that the workspace's stand in front of."""

    name: Literal["workspace", "shipped study"]
    model: str
    where: str = ""
    other_tasks: tuple[str, ...] = ()
    in_study: int = 0

    def in_words(self, count: int) -> list[str]:
        """Whose points these are and what else there is, a line each where there is something to
        say.
        """
        lines = (
            [
                f"These {count} models were measured on {self.where}; measure here with"
                f" `paretoscope sweep {self.model}`."
            ]
            if self.where
            else []
        )
        if self.in_study:
            lines.append(
                f"The study that ships has {self.in_study} models, measured on another machine: see"
                " them with --study."
            )
        others = [f"{short(task)} (--task {_typed(task)})" for task in self.other_tasks]
        return [*lines, f"Measured too: {', '.join(others)}"] if others else lines


def _typed(task: str) -> str:
    """A task as it can be typed here: a file below the current folder by its path from there."""
    return shlex.quote(
        os.path.relpath(task)
        if Path(task).is_absolute() and Path(task).is_relative_to(Path.cwd())
        else task
    )


def beside(store: Store, ids: Sequence[str]) -> list[TrialDocument]:
    """Every finished trial of the workspace that has model and task of one of these: what their
    times share a footing with.
    """
    asked = {
        (row.request.model_key or row.request.model, row.request.task)
        for row in store.trials(ids=ids)
    }
    return [
        document
        for model, task in sorted(asked)
        for document in store.documents(model=model, task=task)
    ]


def measured_trials(
    workspace: Workspace, model: str, task: str | None, *, study: bool = False
) -> tuple[list[TrialDocument], Source]:
    """What was measured of `model`, on `task`, else on its own task, else on the one measured last;
    an error when nothing was.

    The shipped study answers where the workspace has nothing of that task, or when `study` asks for
    it.
    """
    ref = resolve_model(model)
    task = resolve_task(task).name if task else None
    store = Store.open(workspace)
    own = store.documents(model=ref.key)
    store.close()
    shipped = (
        [document for document in shipped_study() if document.model == ref.name]
        if ref.kind == "builtin"
        else []
    )
    missing = (task or ref.task) not in {document.task for document in own}
    in_study, here = (
        [document for document in source if task in (None, document.task)]
        for source in (shipped, own)
    )
    if study and not in_study:
        raise ParetoscopeError(
            f'The study that ships has nothing of "{model}"{_on(task)}; leave out --study.'
        )
    from_study = study or not here
    if not (found := in_study if from_study else here):
        raise ParetoscopeError(
            f'Nothing was measured of "{model}"{_on(task)} yet; `paretoscope sweep {model}` is a'
            " start."
        )
    newest = max(
        found, key=lambda document: document.measured_at.timestamp() if document.measured_at else 0
    )
    chosen = task or next(
        (document.task for document in found if document.task == ref.task), newest.task
    )
    others = tuple(
        dict.fromkeys(
            document.task
            for document in (*own, *(shipped if missing else ()))
            if document.task != chosen
        )
    )
    if from_study:
        source = Source("shipped study", model, _where(newest), others)
    else:
        source = Source(
            "workspace", model, "", others, sum(document.task == chosen for document in shipped)
        )
    return [document for document in found if document.task == chosen], source


def _on(task: str | None) -> str:
    return f' on "{task}"' if task else ""


def _where(newest: TrialDocument) -> str:
    """Whose machine measured a study, which and when: "another machine (Test CPU, 2 cores, 01 Mar
    2026)".
    """
    return (
        f"{elsewhere(newest.machine, fingerprint())} ({machine_in_words(newest)}, {when(newest)})"
    )
