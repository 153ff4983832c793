"""The commands `keep` and `export`: models that were chosen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from paretoscope.cli import text
from paretoscope.cli.export import copy_artifact
from paretoscope.cli.finding import trial_with_artifact
from paretoscope.cli.progress import evaluation_progress
from paretoscope.cli.requests import ExportRequest, KeepRequest
from paretoscope.cli.source import trials_alike
from paretoscope.cli.verbs import Answer
from paretoscope.report.tables.table import row_among
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace


def keep(request: KeepRequest, workspace: Workspace) -> Answer:
    """Evaluate models on the test split; all must exist before any is evaluated."""
    from paretoscope.engine.held_out import evaluate_held_out  # loads ONNX Runtime

    store = Store.open(workspace)
    ids = [trial_with_artifact(store, start).trial_id for start in request.trials]
    chosen = list(dict.fromkeys(ids))
    with evaluation_progress(len(chosen)) as show:
        documents = [
            evaluate_held_out(workspace, store, trial_id, partial(show, number))
            for number, trial_id in enumerate(chosen, start=1)
        ]
    others = trials_alike(store, ids)
    return Answer(
        {"trials": [document.to_json() for document in documents]},
        "\n".join(text.result(row_among(document, others)) for document in documents),
    )


def export(request: ExportRequest, workspace: Workspace) -> Answer:
    """Copy the artefact of a trial out of the workspace."""
    row = trial_with_artifact(Store.open(workspace), request.trial)
    to = copy_artifact(row, workspace, Path(request.to))
    text = f"{to} runs anywhere: python {to / 'run.py'}" if to.is_dir() else str(to)
    return Answer({"path": str(to)}, text)
