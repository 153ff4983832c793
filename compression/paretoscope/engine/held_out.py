"""The test split, opened for a model that somebody keeps: its artefact and its baseline's, judged
through the runtime that ships.

Picking the best of many by their validation figures flatters what is picked; the texts here had no
part in the choice. They are opened once for a model, after the choice: asked again, the same answer
comes from the store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from paretoscope.catalog import resolve_request
from paretoscope.engine.evaluators import evaluator_for
from paretoscope.errors import ArtifactError
from paretoscope.measure import locks
from paretoscope.store.store import Store
from paretoscope.tasks.load import load_task
from paretoscope.trials.trial import ArtifactRecord, HeldOut, TrialDocument
from paretoscope.workspace import Workspace

SPLIT = "test"


def keep(workspace: Workspace, store: Store, trial_id: str) -> TrialDocument:
    """The document of a trial with what the test split says of its model; raises `ArtifactError`
    when the model is not there.
    """
    row = store.trial(trial_id)
    document = row.document
    if document is None or document.artifact is None:
        raise ArtifactError(
            f"Trial {trial_id} is {row.status} and has no model to judge; only one that is done"
            " has."
        )
    if document.held_out:
        return document
    folder = _folder(workspace, document.artifact, trial_id)
    beside = (
        None
        if document.baseline is None
        else _folder(workspace, document.baseline.artifact, trial_id)
    )
    model_ref, task_ref = resolve_request(row.request)
    evaluator = evaluator_for(
        model_ref, load_task(task_ref, model_ref.outputs), row.request.protocol, SPLIT
    )
    with locks.compute():
        reference = evaluator.scores(beside or folder, None)
        scores = evaluator.scores(folder, reference) if beside else reference
    found = HeldOut(
        quality=evaluator.quality(folder, scores),
        baseline=evaluator.quality(beside, reference) if beside else None,
        paired=evaluator.paired(folder, scores, reference) if beside else None,
        opened_at=datetime.now(UTC),
    )
    return store.record_held_out(trial_id, found)


def _folder(workspace: Workspace, record: ArtifactRecord, trial_id: str) -> Path:
    folder = workspace.root / record.path
    if not record.path or not folder.is_dir():
        raise ArtifactError(
            f'The model of trial {trial_id} or its baseline is no longer at "{folder}"; make it'
            " again with `run ... --again`."
        )
    return folder
