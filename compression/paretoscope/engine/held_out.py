"""Evaluates a chosen model once on the held-out test split, with its baseline.

A model selected from many by its validation results is overestimated on that split; the test split
has no part in the selection. The result is stored, and a second request returns it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from paretoscope.catalog import resolve_request
from paretoscope.engine.evaluators import Scores, evaluator_for
from paretoscope.errors import ArtifactError
from paretoscope.measure import locks
from paretoscope.measure.process import reporting
from paretoscope.store.store import Store
from paretoscope.tasks.load import load_task
from paretoscope.trials.progress import WAITING
from paretoscope.trials.trial import ArtifactRecord, HeldOut, TrialDocument
from paretoscope.workspace import Workspace

SPLIT = "test"
BASELINE, MODEL = "baseline", "compressed model"
"""The graphs that are evaluated, as they are reported."""
Report = Callable[[str, int, int], None]


def evaluate_held_out(
    workspace: Workspace,
    store: Store,
    trial_id: str,
    report: Report = lambda graph, done, of: None,
) -> TrialDocument:
    """The document of a trial with the result of its artefact on the test split.

    `report` is called with (graph, done, of) while a graph is evaluated, and with `WAITING` while
    other work has the machine. Raises `ArtifactError` when the trial has no artefact or its folder
    is missing.
    """
    row = store.trial(trial_id)
    document = row.document
    if document is None or document.artifact is None:
        raise ArtifactError(
            f"Trial {trial_id} is {row.status} and has no model to evaluate; wait until it is done."
        )
    if document.held_out:
        return document
    folder = _folder(workspace, document.artifact, trial_id)
    baseline = None
    if document.baseline is not None:
        baseline = _folder(workspace, document.baseline.artifact, trial_id)
    model_ref, task_ref = resolve_request(row.request)
    evaluator = evaluator_for(model_ref, load_task(task_ref, model_ref.outputs), row.request, SPLIT)

    def scores_of(graph: str, of: Path, reference: Scores | None) -> Scores:
        report(graph, 0, 0)
        with reporting(partial(report, graph)):
            return evaluator.scores(of, reference)

    with locks.compute(waits=lambda: report(WAITING, 0, 0)):
        reference = scores_of(BASELINE, baseline or folder, None)
        scores = scores_of(MODEL, folder, reference) if baseline else reference
    found = HeldOut(
        quality=evaluator.quality(folder, scores),
        baseline=evaluator.quality(baseline, reference) if baseline else None,
        paired=evaluator.paired(folder, scores, reference) if baseline else None,
        opened_at=datetime.now(UTC),
    )
    return store.record_held_out(trial_id, found)


def _folder(workspace: Workspace, record: ArtifactRecord, trial_id: str) -> Path:
    folder = workspace.root / record.path
    if not record.path or not folder.is_dir():
        raise ArtifactError(
            f'The model of trial {trial_id} or its baseline is missing at "{folder}"; make it again'
            " with `run ... --again`."
        )
    return folder
