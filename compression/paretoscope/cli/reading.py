"""The commands `frontier`, `compare` and `report`: what was measured."""

from __future__ import annotations

from pathlib import Path

from paretoscope.api.measured import measured_trials
from paretoscope.cli.compare import comparison_document
from paretoscope.cli.frontier import check_metrics, frontier_document
from paretoscope.cli.requests import CompareRequest, FrontierRequest, ReportRequest
from paretoscope.cli.source import source_in_words
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ArtifactError
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
    from paretoscope.report.html import write_report  # loads plotly

    to = Path(request.to).absolute()
    trials = measured_trials(workspace, request.model, request.task, study=request.study)
    count = len(trials.trials)
    try:
        write_report(trials.documents, to)
    except OSError as error:
        raise ArtifactError(
            f'The report cannot be written to "{to}": {error.strerror or error}; choose another'
            " path."
        ) from error
    lines = [f"Report of {count} trials written to {to}", *source_in_words(trials, count)]
    content = {"path": str(to), "trials": count, "source": trials.source}
    return Answer(content, "\n".join(lines))
