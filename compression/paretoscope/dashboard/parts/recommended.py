"""The model that is recommended under the default limits, for pages without a pick."""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.frontier.limits import MaxDrop
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.report.tables.table import Row
from paretoscope.trials import axes as defaults


def baseline_of(table: Sequence[Row]) -> Row | None:
    """The baseline's row."""
    return next((row for row in table if row.document.is_baseline), None)


def recommended(table: Sequence[Row]) -> str | None:
    """The trial id; None where nothing is within the limits."""
    baseline = baseline_of(table)
    axes = table[-1].document.axes
    limits = (MaxDrop(defaults.DROP_POINTS / 100, axes.quality),) if baseline else ()
    return recommend(
        [row.point for row in table],
        limits,
        objectives(*axes.objectives),
        baseline.point if baseline else None,
    ).best
