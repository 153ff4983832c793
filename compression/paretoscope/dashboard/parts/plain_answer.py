"""Time and size of a model on a card, in markdown."""

from __future__ import annotations

from paretoscope.report.plain_answer import size, speed
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric


def time_line(row: Row) -> str:
    """The time as measured, and the speed-up."""
    found, of = row.timed_ms, metric(row.document.axes.time)
    if found is None:
        return ""
    ratio = "" if row.document.is_baseline else f" {speed(row)}"
    return f"**{of.format(found)}**{ratio}" + (" :orange-badge[noisy]" if row.noisy else "")


def size_line(row: Row) -> str:
    found = row.point.value("size_bytes")
    if found is None:
        return ""
    ratio = "" if row.document.is_baseline else f" {size(row)}"
    return f"**{metric('size_bytes').format(found)}**{ratio}"
