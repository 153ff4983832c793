"""Models side by side: metrics as rows, models as columns, with what a bar needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paretoscope.frontier.best import clear_best
from paretoscope.report.tables.change import SPEEDS
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric
from paretoscope.trials.samples import Samples

METRICS_SHOWN = (
    "quality",
    "perplexity",
    "latency_p50_ms",
    "ttft_ms",
    "tpot_ms",
    "tokens_per_s",
    "size_bytes",
    "peak_memory_bytes",
    "energy_j",
)
"""The metrics of the comparison, where at least one model has them."""
HEADROOM = 0.08
"""Space at both ends of an axis that does not begin at 0, as a share of its length."""


@dataclass(frozen=True)
class Cell:
    """One number: its text, interval, change against the baseline, and its place on the axis.

    `start`, `end` and `middle` are shares of the axis: a bar begins at 0, an interval of quality
    has its value in the middle. `value` is empty where nothing was measured.
    """

    value: str = ""
    interval: str = ""
    change: str = ""
    start: float = 0.0
    end: float = 0.0
    middle: float | None = None
    best: bool = False
    noisy: bool = False


@dataclass(frozen=True)
class Line:
    """One metric: its label, a note on direction and axis, and a cell for each model."""

    key: str
    label: str
    note: str
    cells: tuple[Cell, ...]


def side_by_side(rows: Sequence[Row], kept: Mapping[str, Samples | None]) -> list[Line]:
    """The metrics that were measured, in a fixed order; `kept` has samples by trial id."""
    return [
        _line(key, rows, kept) for key in METRICS_SHOWN if any(row.values.get(key) for row in rows)
    ]


def _line(key: str, rows: Sequence[Row], kept: Mapping[str, Samples | None]) -> Line:
    of = metric(key)
    documents = {row.id: row.document for row in rows}
    best = clear_best(key, [row.point for row in rows], documents, kept)
    ends = [ends for row in rows if (ends := row.point.interval(key))]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    note = f"{of.better} is better"
    if of.quality:
        room = HEADROOM * ((high - low) or abs(high) or 1.0)
        low, high = low - room, high + room
        note += f" · axis {of.format(low)} to {of.format(high)}"
    else:
        low = 0.0
    note += _source(key, rows)
    cells = tuple(_cell(key, row, (low, high), row.id == best) for row in rows)
    return Line(key, of.label, note, cells)


def _source(key: str, rows: Sequence[Row]) -> str:
    """Where a number of energy comes from; it is an estimate on most machines.

    How to change an estimate is in parentheses at its end, and left out.
    """
    if key != "energy_j":
        return ""
    found = (row.document.energy for row in rows)
    sources = dict.fromkeys(each.source.partition(" (")[0] for each in found if each)
    return f" · {'; '.join(sources)}"


def _cell(key: str, row: Row, axis: tuple[float, float], best: bool) -> Cell:
    of, found, ends = metric(key), row.values.get(key), row.point.interval(key)
    if found is None or ends is None:
        return Cell()
    low, length = axis[0], (axis[1] - axis[0]) or 1.0
    start, middle, end = ((value - low) / length for value in (ends[0], found.value, ends[1]))
    return Cell(
        of.format(found.value),
        of.interval(found.low, found.high),
        row.change(key),
        start if of.quality else 0.0,
        end if of.quality else middle,
        middle if of.quality else None,
        best,
        row.noisy and key in SPEEDS,
    )
