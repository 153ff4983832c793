"""The Pareto front of the trials of one model, from Python.

The mathematics is `frontier/front.py`'s; which trials there are is `api/measured.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretoscope.api.measured import measured_trials, newest
from paretoscope.api.measured_front import MeasuredFront
from paretoscope.frontier import points
from paretoscope.frontier.front import front
from paretoscope.report.tables.table import rows
from paretoscope.trials.summary import Trial
from paretoscope.workspace import Workspace


def frontier(
    model: str,
    task: str | None = None,
    objectives: Sequence[str] = (),
    *,
    study: bool = False,
    workspace: str | Path | None = None,
) -> MeasuredFront:
    """The Pareto front of everything that was measured of a model.

    `objectives` are keys of metrics (see docs/reference/metrics.md), by default quality, size and
    latency. Only trials of one machine under one set of conditions are compared: those of the
    newest one. Latencies are normalized to the median of the baseline's. Until something is
    measured in the workspace, or with `study`, the trials of the shipped study are used::

        found = frontier("minilm-trec", objectives=["quality", "size_bytes"])
        for trial in found.on_front:
            point = found.points[trial]
            print(point.name, point.value("quality"), point.value("size_bytes"))
        found.figure(x="size_bytes", y="quality")  # a plotly figure
        found.to_frame()  # all metrics, for pandas

    Raises `ParetoscopeError` when there are no trials or a metric is unknown.
    """
    chosen = points.objectives(*objectives)
    of = measured_trials(Workspace.at(workspace), model, task, study=study)
    trials = of.trials
    default = points.objectives(*newest(trials).axes.objectives)
    table = tuple(rows(newest_conditions(trials), of.load))
    found = front([row.named_point for row in table], chosen or default)
    return MeasuredFront.of(found, table)


def newest_conditions(trials: Sequence[Trial]) -> list[Trial]:
    """The trials with the machine and the conditions of the newest one."""
    under = newest(trials).measured_under
    return [trial for trial in trials if trial.measured_under == under]
