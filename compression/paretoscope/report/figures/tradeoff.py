"""What a trade-off plot shows, as data that a test can read; `report/figures/tradeoff_figure.py`
turns it into ink.

Which points are on a front is `frontier/front.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from paretoscope.frontier.front import front
from paretoscope.frontier.normalize import text_in_words
from paretoscope.frontier.points import objectives
from paretoscope.report.tables.strategy import Family
from paretoscope.report.tables.table import RATIO_WORDS, TIMES, Row
from paretoscope.trials.format import conditions_in_words, machine_in_words, when
from paretoscope.trials.metrics import Metric, metric
from paretoscope.trials.trial import MetricValue

State = Literal["front", "near", "dominated", "excluded"]


@dataclass(frozen=True)
class Mark:
    """One point of the plot, in stored units."""

    id: str
    name: str
    family: Family
    x: MetricValue
    y: MetricValue
    state: State
    hover: str


@dataclass(frozen=True)
class Estimate:
    """What a recipe would give, with intervals: drawn hollow and dashed."""

    family: Family
    x: MetricValue
    y: MetricValue
    hover: str


@dataclass(frozen=True)
class Limit:
    """A bound on one axis: everything on its worse side is shaded."""

    axis: Literal["x", "y"]
    bound: float


@dataclass(frozen=True)
class Guide:
    """A line at a round multiple of the baseline."""

    axis: Literal["x", "y"]
    at: float
    label: str


@dataclass(frozen=True)
class Tradeoff:
    """Everything that one plot shows. `step` is the front for these two axes alone; `aside` are ids
    that lack one of them.
    """

    x: Metric
    y: Metric
    marks: tuple[Mark, ...]
    step: tuple[tuple[float, float], ...]
    limits: tuple[Limit, ...]
    guides: tuple[Guide, ...]
    aside: tuple[str, ...]
    footnote: str
    picked: tuple[str, ...] = ()
    recommended: str | None = None
    knee: str | None = None
    estimate: Estimate | None = None

    @property
    def alt(self) -> str:
        """The plot in a sentence, for a screen reader."""
        best = (
            f" Recommended: {next((m.name for m in self.marks if m.id == self.recommended), '')}."
            if self.recommended
            else ""
        )
        on_line = len(
            {
                point
                for point in self.step
                if any((m.x.value, m.y.value) == point for m in self.marks)
            }
        )
        return (
            f"{self.y.label} against {self.x.label.lower()} of {len(self.marks)} models, {on_line}"
            f" of them on the front.{best}"
        )


def tradeoff(
    table: Sequence[Row],
    x: str,
    y: str,
    *,
    states: Mapping[str, State] | None = None,
    bounds: Mapping[str, float] | None = None,
    picked: Sequence[str] = (),
    recommended: str | None = None,
    estimate: Estimate | None = None,
) -> Tradeoff:
    """What a plot of metric `y` against metric `x` shows.

    `states` says of each id whether it is on the front, dominated or excluded by a limit (else the
    front of these two axes decides); `bounds` are limits by metric key, in stored units. Rows that
    lack one of the metrics are listed aside.
    """
    found = front([row.point for row in table], objectives(x, y)) if x != y else None
    states = states or {
        row.id: "front" if found and row.id in found.on_front else "dominated" for row in table
    }
    marks: list[Mark] = []
    for row in table:
        at_x, at_y = row.values.get(x), row.values.get(y)
        if at_x is not None and at_y is not None:
            keys = dict.fromkeys((y, x, *row.document.axes.objectives))
            marks.append(
                Mark(
                    row.id,
                    row.name,
                    row.family,
                    at_x,
                    at_y,
                    states.get(row.id, "dominated"),
                    row.hover(*keys),
                )
            )
    shown = {mark.id for mark in marks}
    axes: tuple[tuple[Literal["x", "y"], str], ...] = (("x", x), ("y", y))
    return Tradeoff(
        x=metric(x),
        y=metric(y),
        marks=tuple(marks),
        step=found.step if found else (),
        limits=tuple(Limit(axis, bounds[key]) for axis, key in axes if bounds and key in bounds),
        guides=tuple(guide for axis, key in axes for guide in _guides(axis, key, table)),
        aside=tuple(row.id for row in table if row.id not in shown),
        footnote=footnote(table, timed=any(key in TIMES for key in (x, y))),
        picked=tuple(id for id in picked if id in shown),
        recommended=recommended if recommended in shown else None,
        knee=found.knee if found else None,
        estimate=estimate,
    )


def _guides(axis: Literal["x", "y"], key: str, table: Sequence[Row]) -> list[Guide]:
    """2x, 4x and 8x of the baseline on a ratio scale, one point less on the quality scale."""
    baseline = next((row for row in table if row.document.is_baseline), None)
    value = (
        baseline.point.value(key)
        if baseline
        else next((row.baseline[key] for row in table if key in row.baseline), None)
    )
    if value is None:
        return []
    if key == "quality":
        return [Guide(axis, value - 0.01, "-1 point")]
    if metric(key).relative:
        return [Guide(axis, value * 1.02, "+2 %")]
    if key in RATIO_WORDS and metric(key).better == "lower":
        return [
            Guide(axis, value / factor, f"{factor}x {RATIO_WORDS[key][0]}") for factor in (2, 4, 8)
        ]
    return [Guide(axis, 2.0, "2x"), Guide(axis, 4.0, "4x")] if key == "speedup" else []


def footnote(table: Sequence[Row], *, timed: bool = False) -> str:
    """Conditions and machine of what is shown; "several" is said when they differ, never hidden.

    With `timed` also how latencies of different sittings can share an axis.
    """
    if not table:
        return ""
    conditions = {conditions_in_words(row.document) for row in table}
    machines = {
        (row.document.machine.id if row.document.machine else ""): machine_in_words(row.document)
        for row in table
    }
    said = next(iter(conditions)) if len(conditions) == 1 else "several conditions"
    where = next(iter(machines.values())) if len(machines) == 1 else f"{len(machines)} machines"
    newest = max(
        table,
        key=lambda row: row.document.measured_at.isoformat() if row.document.measured_at else "",
    )
    lines = (
        f"{said} · {when(newest.document)}",
        where,
        table[0].reference.normalized_to if timed else "",
        text_in_words(table[0].reference.perplexity),
    )
    return "<br>".join(line for line in lines if line)
