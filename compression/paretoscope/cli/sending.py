"""The commands `operators`, `log` and `push`: what leaves the workspace."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from paretoscope.artifact.operators import HEADER, OperatorTable, read_operators
from paretoscope.cli.finding import finished_trial, folder_of
from paretoscope.cli.requests import LogRequest, OperatorsRequest, PushRequest
from paretoscope.cli.text import columns
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.integrations.hub import plan_upload
from paretoscope.integrations.hub import push as upload
from paretoscope.integrations.mlflow_runs import LoggedRun, Tracker
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


def operators(request: OperatorsRequest, workspace: Workspace) -> Answer:
    """The operators of an artefact, of a trial or in a folder."""
    given = Path(request.artifact).expanduser()
    folder = given if given.is_dir() else folder_of(workspace, request.artifact)
    table = read_operators(folder)
    return Answer({"path": str(folder.absolute()), **table.to_json()}, _table(table))


def log(request: LogRequest, workspace: Workspace) -> Answer:
    """Log trials; all must exist before any is logged."""
    store = Store.open(workspace)
    found = {
        document.trial_id: (document, shipped)
        for document, shipped in (finished_trial(store, start) for start in request.trials)
    }
    store.close()
    tracker = Tracker(request.tracking_uri, request.experiment)
    runs = [
        tracker.log(document, None if shipped else _artifact(document, workspace))
        for document, shipped in found.values()
    ]
    return Answer({"runs": [asdict(run) for run in runs]}, "\n".join(map(_logged, runs)))


def push(request: PushRequest, workspace: Workspace) -> Answer:
    """Upload an artefact after a confirmation."""
    plan = plan_upload(
        folder_of(workspace, request.trial),
        request.to,
        private=request.private,
        pull_request=request.pull_request,
        revision=request.revision,
    )
    print(plan.in_words(), file=sys.stderr, flush=True)
    content = {
        "repository": plan.repository,
        "files": plan.files,
        "size_bytes": plan.size_bytes,
        "pushed": False,
        "url": None,
    }
    if not (request.yes or _confirmed()):
        return Answer(content, "Nothing was uploaded.")
    url = upload(plan)
    return Answer(content | {"pushed": True, "url": url}, url)


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise ParetoscopeError("An upload needs a confirmation; add --yes to upload without one.")
    print("Upload these files? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _artifact(document: TrialDocument, workspace: Workspace) -> Path | None:
    """The folder of the artefact; None when it was deleted, as numbers remain without it."""
    folder = workspace.root / document.artifact.path if document.artifact else None
    return folder if folder and folder.is_dir() else None


def _logged(run: LoggedRun) -> str:
    how = "" if run.new else ", logged before"
    files = f"{run.files} files" if run.files else "no artefact"
    place = f'"{run.experiment}" at {run.tracking_uri}'
    return f"{run.trial_id}  run {run.run_id} in {place} ({files}{how})"


def _table(table: OperatorTable) -> str:
    rows = [row.cells() for row in table.rows]
    return f"{columns([HEADER, *rows])}\n\n{table.in_words()}"
