"""The table of models as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.format import machine_in_words
from paretoscope.trials.trial import MetricValue


def to_csv(table: Sequence[Row]) -> str:
    """Every number of every row with its interval, in the units that they are stored in, for other
    programs.
    """
    columns = present_metrics(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = ["trial_id", "recipe_id", "name", "strategy", "model", "task", "protocol"]
    measured = [
        name
        for column in columns
        for name in (column.key, f"{column.key}_low", f"{column.key}_high")
    ]
    writer.writerow(
        [
            *heads,
            *measured,
            "quality_n",
            "mcnemar_p",
            "batch",
            "sequence",
            "threads",
            "machine",
            "measured_at",
            "recipe",
        ]
    )
    for row in table:
        document, at = row.document, row.document.latency
        numbers = [part for column in columns for part in _cells(row.values.get(column.key))]
        writer.writerow(
            [
                row.id,
                document.recipe_id,
                row.name,
                row.family,
                document.model,
                document.task,
                document.protocol,
                *numbers,
            ]
            + [
                document.quality.n if document.quality else "",
                document.paired.mcnemar_p if document.paired else "",
            ]
            + ([at.batch, at.sequence, at.threads] if at else ["", "", ""])
            + [
                machine_in_words(document),
                document.measured_at.isoformat() if document.measured_at else "",
                document.recipe.canonical_json(),
            ]
        )
    return out.getvalue()


def _cells(found: MetricValue | None) -> list[float | str]:
    if found is None:
        return ["", "", ""]
    return [
        found.value,
        "" if found.low is None else found.low,
        "" if found.high is None else found.high,
    ]
