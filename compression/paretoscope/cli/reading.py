"""The commands `frontier`, `compare`, `report` and `share`: what was measured."""

from __future__ import annotations

from pathlib import Path

from paretoscope.api.measured import measured_trials
from paretoscope.cli.chosen import with_their_scopes
from paretoscope.cli.compare import comparison_document
from paretoscope.cli.frontier import check_metrics, frontier_document
from paretoscope.cli.requests import CompareRequest, FrontierRequest, ReportRequest, ShareRequest
from paretoscope.cli.source import source_in_words
from paretoscope.cli.verbs import Answer
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace


def frontier(request: FrontierRequest, workspace: Workspace) -> Answer:
    """The front of a model's trials, the knee and the recommendation."""
    check_metrics(request)
    trials = measured_trials(workspace, request.model, request.task, study=request.study)
    found = frontier_document(trials, request)
    return Answer(found.to_json, found.in_words)


def compare(request: CompareRequest, workspace: Workspace) -> Answer:
    """Trials side by side."""
    found = comparison_document(workspace, request.trials)
    return Answer(found.to_json(), found.in_words())


def report(request: ReportRequest, workspace: Workspace) -> Answer:
    """All trials of a model as one HTML file."""
    from paretoscope.report.html import write_report  # reads Plotly's script

    to = Path(request.to).absolute()
    trials = measured_trials(workspace, request.model, request.task, study=request.study)
    count = len(trials.trials)
    write_report(trials.documents, to)
    lines = [f"Report of {count} trials written to {to}", *source_in_words(trials, count)]
    content = {"path": str(to), "trials": count, "source": trials.source}
    return Answer(content, "\n".join(lines))


def share(request: ShareRequest, workspace: Workspace) -> Answer:
    """Chosen trials, picked among all of their scopes, as one HTML file."""
    from paretoscope.report.html import write_report

    to = Path(request.to).absolute()
    store = Store.open(workspace)
    try:
        chosen, documents = with_their_scopes(store, request.trials)
    finally:
        store.close()
    write_report(documents, to, chosen)
    size = to.stat().st_size
    content = {"path": str(to), "trials": chosen, "models": len(documents), "bytes": size}
    models = f"{len(chosen)} model{'' if len(chosen) == 1 else 's'}"
    return Answer(content, f"{models} with their front written to {to} ({size / 1e6:.1f} MB)")
