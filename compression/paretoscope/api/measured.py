"""The finished trials of a model: those of the workspace, or those of the shipped study.

Which of them share an axis, and which are on a front, is `api/frontier.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from paretoscope.errors import ParetoscopeError
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.study import shipped_study
from paretoscope.trials.summary import Summary, Trial
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class TrialSet:
    """Finished trials of one model on one task, at least one."""

    model: str
    """The name that was given."""
    source: Literal["workspace", "shipped study"]
    trials: tuple[Trial, ...]
    other_tasks: tuple[str, ...] = ()
    """Further tasks on which the model was measured."""
    in_study: int = 0
    """Trials of the shipped study that the workspace's take precedence over."""
    workspace: Workspace | None = None
    """Where the documents of `trials` are that are summaries."""

    @property
    def documents(self) -> list[TrialDocument]:
        stored = self.stored([each.trial_id for each in self.trials if isinstance(each, Summary)])
        return [
            TrialDocument.model_validate_json(stored[each.trial_id])
            if isinstance(each, Summary)
            else each
            for each in self.trials
        ]

    def load(self, trial_id: str) -> TrialDocument:
        """The document of a trial; raises `StoreError`."""
        with closing(Store.open(self.workspace or Workspace.at())) as store:
            return store.document(trial_id)

    def stored(self, ids: Sequence[str]) -> dict[str, str]:
        """The documents of trials of the workspace, as JSON text by id."""
        if not ids:
            return {}
        with closing(Store.open(self.workspace or Workspace.at())) as store:
            return store.document_texts(ids)


def measured_trials(
    workspace: Workspace, model: str, task: str | None = None, *, study: bool = False
) -> TrialSet:
    """The trials of `model` on `task`, else on its own task, else on the one measured last.

    The shipped study is used where the workspace has no trial of the task, or when `study` requests
    it. Raises `ParetoscopeError` when there are no trials.
    """
    ref = resolve_model(model)
    task = resolve_task(task).name if task else None
    own, shipped = _own(workspace, ref), _shipped(ref)
    here, in_study = _of_task(own, task), _of_task(shipped, task)
    from_study = study or not here
    found = in_study if from_study else here
    if not found:
        raise _nothing_measured(model, task, study, 0 if study else _older(workspace, ref))
    chosen = task or _default_task(found, ref.task)
    on_wanted_task = _of_task(own, task or ref.task) if task or ref.task else []
    all_tasks = [trial.task for trial in (*own, *([] if on_wanted_task else shipped))]
    return TrialSet(
        model,
        "shipped study" if from_study else "workspace",
        tuple(_of_task(found, chosen)),
        tuple(dict.fromkeys(each for each in all_tasks if each != chosen)),
        0 if from_study else len(_of_task(shipped, chosen)),
        workspace,
    )


def newest(trials: Sequence[Trial]) -> Trial:
    """The trial that was measured last."""
    return max(trials, key=lambda trial: trial.measured_at.timestamp() if trial.measured_at else 0)


def _own(workspace: Workspace, ref: ModelRef) -> Sequence[Trial]:
    with closing(Store.open(workspace)) as store:
        return store.summaries_of(ref.key)


def _older(workspace: Workspace, ref: ModelRef) -> int:
    """Number of trials of a model of this name with other content or other rules of reading it."""
    with closing(Store.open(workspace)) as store:
        return store.count_of(ref.name)


def _shipped(ref: ModelRef) -> list[TrialDocument]:
    if ref.kind != "builtin":
        return []
    return [document for document in shipped_study() if document.model == ref.name]


def _of_task(trials: Sequence[Trial], task: str | None) -> list[Trial]:
    return [trial for trial in trials if task in (None, trial.task)]


def _default_task(found: Sequence[Trial], own: str | None) -> str:
    return next((each.task for each in found if each.task == own), newest(found).task)


def _nothing_measured(model: str, task: str | None, study: bool, older: int) -> ParetoscopeError:
    on = f' on "{task}"' if task else ""
    if study:
        return ParetoscopeError(
            f'The shipped study has no trials of "{model}"{on}; leave out --study.'
        )
    if older:
        return ParetoscopeError(
            f'The {older:,} trials of "{model}" are of other files in its folder, or of an earlier'
            " version that read its tokenizer and texts otherwise; measure it again with"
            f" `paretoscope sweep {model}`."
        )
    return ParetoscopeError(
        f'There are no trials of "{model}"{on} yet; run `paretoscope sweep {model}` first.'
    )
