"""The content of a trade-off plot as data; `report/figures/tradeoff_figure.py` draws it.

Which points are on a front is decided in `frontier/front.py`.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from paretoscope.frontier.front import front
from paretoscope.frontier.normalize import text_in_words
from paretoscope.frontier.points import objectives
from paretoscope.report.tables.change import TIMES
from paretoscope.report.tables.strategy import Family
from paretoscope.report.tables.table import Row, newest
from paretoscope.trials.format import conditions_in_words, machine_in_words, when
from paretoscope.trials.metrics import Metric, metric
from paretoscope.trials.trial import MetricValue

FACTORS = (2, 4, 8, 16)
ORIGINAL = "original"
"""Label of the baseline's value on an axis of quality."""
State = Literal["front", "near", "dominated", "excluded"]
Axis = Literal["x", "y"]


@dataclass(frozen=True)
class Marker:
    """One point of the plot, in stored units; `name` is the short name."""

    id: str
    name: str
    family: Family
    x: MetricValue
    y: MetricValue
    state: State
    hover: str


@dataclass(frozen=True)
class Estimate:
    """The estimate for a recipe with its intervals, drawn hollow and dashed."""

    family: Family
    x: MetricValue
    y: MetricValue
    hover: str


@dataclass(frozen=True)
class Limit:
    """A bound on one axis; the region beyond it is shaded."""

    axis: Axis
    bound: float


@dataclass(frozen=True)
class Annotation:
    """A labelled reference line at a round multiple of the baseline."""

    axis: Axis
    at: float
    label: str


@dataclass(frozen=True)
class Overlay:
    """What a page shows on top of the measured points.

    `states`: state of each point by trial id (default: the front of the two axes decides);
    `bounds`: limits by metric key in stored units; `picked` and `recommended`: trial ids; `named`:
    the labels of some points by trial id; `ghosts`: rows of another machine, where their metrics
    may be compared.
    """

    states: Mapping[str, State] = field(default_factory=dict[str, State])
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    picked: Sequence[str] = ()
    recommended: str | None = None
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    ghosts: Sequence[Row] = ()
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Tradeoff:
    """Everything that one plot shows.

    `step` is the front of these two axes; `missing` are trial ids that lack one of the metrics.
    """

    x: Metric
    y: Metric
    markers: tuple[Marker, ...]
    step: tuple[tuple[float, float], ...]
    limits: tuple[Limit, ...]
    annotations: tuple[Annotation, ...]
    missing: tuple[str, ...]
    footnote: str
    picked: tuple[str, ...] = ()
    recommended: str | None = None
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    ghosts: tuple[Marker, ...] = ()
    estimate: Estimate | None = None

    @property
    def emphasized(self) -> frozenset[str]:
        """Trial ids of the points with error bars: picked, named, recommended and the baseline."""
        baseline = {each.id for each in self.markers if each.family == "baseline"}
        return frozenset({*self.picked, *self.named, *baseline, self.recommended or ""})

    @property
    def typical_interval(self) -> float | None:
        """Median half width of the vertical 95 % intervals, in the shown unit."""
        halves = [
            self.y.shown(each.y.high - each.y.low) / 2
            for each in self.markers
            if each.y.low is not None and each.y.high is not None and each.y.high > each.y.low
        ]
        return statistics.median(halves) if halves else None

    @property
    def alt(self) -> str:
        """The plot in a sentence, for a screen reader."""
        best = next((each.name for each in self.markers if each.id == self.recommended), "")
        measured = {(each.x.value, each.y.value) for each in self.markers}
        return (
            f"{self.y.label} against {self.x.label.lower()} of {len(self.markers)} models,"
            f" {len(measured & set(self.step))} of them on the Pareto front."
            + (f" Recommended: {best}." if best else "")
        )


def tradeoff(table: Sequence[Row], x: str, y: str, overlay: Overlay | None = None) -> Tradeoff:
    """The plot of metric `y` against metric `x`; rows that lack one of them are `missing`."""
    overlay = overlay or Overlay()
    found = front([row.point for row in table], objectives(x, y)) if x != y else None
    on_front = set(found.on_front) if found else set[str]()
    states: Mapping[str, State] = overlay.states or {
        row.id: "front" if row.id in on_front else "dominated" for row in table
    }
    markers = [each for row in table if (each := _marker(row, x, y, states))]
    shown = {each.id for each in markers}
    axes: tuple[tuple[Axis, str], ...] = (("x", x), ("y", y))
    bounds = overlay.bounds
    return Tradeoff(
        x=metric(x),
        y=metric(y),
        markers=tuple(markers),
        step=found.step if found else (),
        limits=tuple(Limit(axis, bounds[key]) for axis, key in axes if key in bounds),
        annotations=tuple(each for axis, key in axes for each in _annotations(axis, key, table)),
        missing=tuple(row.id for row in table if row.id not in shown),
        footnote=footnote(table, timed=any(key in TIMES for key in (x, y))),
        picked=tuple(each for each in overlay.picked if each in shown),
        recommended=overlay.recommended if overlay.recommended in shown else None,
        named={key: text for key, text in overlay.named.items() if key in shown},
        ghosts=tuple(each for row in overlay.ghosts if (each := _marker(row, x, y, {}))),
        estimate=overlay.estimate,
    )


def _marker(row: Row, x: str, y: str, states: Mapping[str, State]) -> Marker | None:
    """None when the row lacks one of the metrics."""
    at_x, at_y = row.values.get(x), row.values.get(y)
    if at_x is None or at_y is None:
        return None
    hover = row.hover(*dict.fromkeys((y, x, *row.summary.axes.objectives)))
    state = states.get(row.id, "dominated")
    return Marker(row.id, row.short_name, row.family, at_x, at_y, state, hover)


def _annotations(axis: Axis, key: str, table: Sequence[Row]) -> list[Annotation]:
    """Multiples of the baseline on a ratio scale, the baseline's value on an axis of quality."""
    baseline = next((row for row in table if row.is_baseline), None)
    value = (
        baseline.point.value(key)
        if baseline
        else next((row.baseline[key] for row in table if key in row.baseline), None)
    )
    if value is None:
        return []
    if metric(key).quality or metric(key).fidelity:
        return [Annotation(axis, value, ORIGINAL)]
    if (words := metric(key).ratio) and metric(key).better == "lower":
        return [Annotation(axis, value / times, f"{times}x {words[0]}") for times in FACTORS]
    if key == "speedup":
        return [Annotation(axis, float(times), f"{times}x") for times in FACTORS]
    return []


def footnote(table: Sequence[Row], *, timed: bool = False) -> str:
    """Conditions, date and machine of the rows (HTML for plotly), "several" when they differ.

    With `timed` also how latencies of different measurement sessions are normalized.
    """
    if not table:
        return ""
    conditions = {conditions_in_words(row.summary) for row in table}
    machines = {
        (row.summary.machine.id if row.summary.machine else ""): machine_in_words(row.summary)
        for row in table
    }
    under = next(iter(conditions)) if len(conditions) == 1 else "several conditions"
    lines = (
        f"{under} · {when(newest(table).summary)}",
        next(iter(machines.values())) if len(machines) == 1 else f"{len(machines)} machines",
        table[0].reference.normalized_to if timed else "",
        text_in_words(table[0].reference.perplexity),
    )
    return "<br>".join(line for line in lines if line)
