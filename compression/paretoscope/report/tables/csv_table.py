"""The table of models as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.format import machine_in_words
from paretoscope.trials.metrics import Metric
from paretoscope.trials.trial import MetricValue

Cell = str | float
FIRST = ("trial_id", "recipe_id", "name", "strategy", "model", "task", "protocol")
LAST = (
    "quality_n",
    "mcnemar_p",
    "batch",
    "sequence",
    "threads",
    "machine",
    "measured_at",
    "recipe",
)
"""Columns before and after the metrics; the last one is the whole recipe as JSON."""


def to_csv(table: Sequence[Row]) -> str:
    """All metrics with their intervals, in stored units, one line for each row."""
    metrics = present_metrics(table)
    ends = ("", "_low", "_high")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIRST, *(f"{each.key}{end}" for each in metrics for end in ends), *LAST])
    writer.writerows(_line(row, metrics) for row in table)
    return out.getvalue()


def _line(row: Row, metrics: Sequence[Metric]) -> list[Cell]:
    """The cells of one row in the order of the heading."""
    of = row.summary
    first = (
        row.id,
        of.recipe_id,
        row.name,
        row.family,
        of.model,
        of.task,
        of.protocol,
    )
    return [*first, *(cell for each in metrics for cell in _number(row, each)), *_last(row)]


def _number(row: Row, of: Metric) -> list[Cell]:
    """Value, lower and upper end; empty where unknown."""
    found: MetricValue | None = row.values.get(of.key)
    if found is None:
        return ["", "", ""]
    return [found.value, *("" if end is None else end for end in (found.low, found.high))]


def _last(row: Row) -> list[Cell]:
    """Number of examples, p-value, conditions, machine, time and recipe."""
    of, at = row.summary, row.summary.conditions
    return [
        "" if of.basis.n is None else of.basis.n,
        "" if of.mcnemar_p is None else of.mcnemar_p,
        *((at.batch, at.sequence, at.threads) if at else ("", "", "")),
        machine_in_words(of),
        of.measured_at.isoformat() if of.measured_at else "",
        of.recipe.canonical_json(),
    ]
