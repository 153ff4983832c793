"""The Pareto front of the trials of one model, from Python.

The mathematics is `frontier/front.py`'s; which trials there are is `api/measured.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from paretoscope.api.measured import measured_trials, newest
from paretoscope.frontier import points
from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.points import Point
from paretoscope.recipes.short_name import short_names
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


def frontier(
    model: str,
    task: str | None = None,
    objectives: Sequence[str] = (),
    *,
    study: bool = False,
    workspace: str | Path | None = None,
) -> Frontier:
    """The Pareto front of everything that was measured of a model.

    `objectives` are keys of metrics (see docs/reference/metrics.md), by default quality, size and
    latency. Only trials of one machine under one set of conditions are compared: those of the
    newest one. Latencies are normalized to the median of the baseline's. Until something is
    measured in the workspace, or with `study`, the trials of the shipped study are used::

        found = frontier("minilm-trec", objectives=["quality", "size_bytes"])
        for trial in found.on_front:
            point = found.points[trial]
            print(point.name, point.value("quality"), point.value("size_bytes"))

    Raises `ParetoscopeError` when there are no trials or a metric is unknown.
    """
    chosen = points.objectives(*objectives)
    documents = measured_trials(Workspace.at(workspace), model, task, study=study).documents
    default = points.objectives(*newest(documents).axes.objectives)
    return front(named_points(rows(comparable(documents))), chosen or default)


def comparable(documents: Sequence[TrialDocument]) -> list[TrialDocument]:
    """The trials with the machine and the conditions of the newest one."""
    under = newest(documents).measured_under
    return [document for document in documents if document.measured_under == under]


def named_points(table: Sequence[Row]) -> list[Point]:
    """The points of the rows, with short names."""
    names = short_names([row.document.recipe for row in table])
    return [replace(row.point, name=name) for row, name in zip(table, names, strict=True)]
