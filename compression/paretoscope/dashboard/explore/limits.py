"""Limits and objectives of Explore, kept in the URL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.strategy import Family
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials import axes as defaults
from paretoscope.trials.metrics import METRICS, Metric, metric

MOST_DROP = 10.0
ACROSS = 4
"""Sliders in a row."""
THEME_COLORS = {
    "pruning": "orange",
    "quantization": "blue",
    "distillation": "green",
    "chain": "violet",
    "reference": "gray",
}
"""The theme's names for the colors of the strategies."""
FURTHER = {key: row.limit for key, row in METRICS.items() if row.limit}
"""Optional objectives, each with the name of its limit in the URL."""
PER_SCOPE = ("size", "p50", *FURTHER.values(), "show", "objectives")
"""Widgets whose values apply to one scope only, such as its largest size."""
OBJECTIVES_HELP = "A model is dominated when another is at least as good in all and better in one."
DROP_HELP = "The largest accepted loss. Drag to the right end for no limit."
LIMIT_HELP = "Excludes models above it. Drag to the right end for no limit."


@dataclass(frozen=True)
class Limits:
    """The limits as `constraints` of a recommendation, and as `bounds` of the plots.

    Bounds are by metric key, in stored units.
    """

    constraints: tuple[Limit, ...]
    bounds: dict[str, float]


def begin(scope: Scope) -> None:
    """Swap the widget values when the scope has changed; called before any widget.

    Each scope keeps its own limits and chips. The allowed drop is relative to the baseline of each
    scope and is shared.
    """
    key = (scope.model, scope.task, scope.machine.id, scope.conditions, scope.demo)
    before = st.session_state.setdefault("limits_of", key)
    if key == before:
        return
    kept = st.session_state.setdefault("limits_kept", {})
    kept[before] = url_widgets.remove(PER_SCOPE)
    url_widgets.restore(kept.pop(key, {}))
    st.session_state["limits_of"] = key


def strategies(table: Sequence[Row]) -> list[Row]:
    """Chips that filter by strategy; the baseline is always shown."""
    present = [
        name for name in STYLES if name != "baseline" and any(row.family == name for row in table)
    ]
    if not present:
        return list(table)
    chosen = url_widgets.chips(
        "Strategies", present, default=present, format_func=_strategy, key="show"
    )
    return [row for row in table if row.family in chosen or row.family == "baseline"] or list(table)


def _strategy(name: Family) -> str:
    return f":{THEME_COLORS[name]}[{STYLES[name].glyph}] {STYLES[name].label}"


def draw(
    table: Sequence[Row],
    baseline: Point | None,
    axes: defaults.Axes,
    chosen: Sequence[Objective],
) -> Limits:
    """Sliders for quality, size, latency and the optional objectives in `chosen`."""
    selected = {objective.key for objective in chosen}
    further = {key: name for key, name in FURTHER.items() if key in selected}
    url_widgets.remove([name for key, name in FURTHER.items() if key not in further])
    upper = {axes.size: "size", axes.time: "p50", **further}
    columns = _columns(1 + len(upper))
    with columns[0]:
        constraints, bounds = _drop(metric(axes.quality), baseline)
    present = {row.key for row in present_metrics(table)}
    for column, (key, name) in zip(columns[1:], upper.items(), strict=True):
        with column:
            bound = _upper(key, name, table) if key in present else None
        if bound is not None:
            constraints.append(Constraint(key, bound))
            bounds[key] = bound
    return Limits(tuple(constraints), bounds)


def _columns(count: int) -> list[DeltaGenerator]:
    return [
        column
        for start in range(0, count, ACROSS)
        for column in st.columns(min(ACROSS, count - start), gap="medium")
    ]


def label(of: Metric) -> str:
    """The label of a limit: "Size on disk limit", "Accuracy drop limit"."""
    what = (" rise" if of.relative else " drop") if of.quality else ""
    return f"{of.label}{what} limit"


def _drop(of: Metric, baseline: Point | None) -> tuple[list[Limit], dict[str, float]]:
    """The limit on quality, relative to the baseline."""
    drop = url_widgets.slider(
        label(of),
        (0.0, MOST_DROP),
        step=0.5,
        default=defaults.DROP_POINTS,
        key="drop",
        format="%.1f %%" if of.relative else "%.1f points",
        disabled=baseline is None,
        help=f"{glossary.sentence('Perplexity')} {DROP_HELP}" if of.relative else DROP_HELP,
    )
    base = baseline.value(of.key) if baseline else None
    if base is None or drop >= MOST_DROP:
        return [], {}
    bound = base * (1 + drop / 100) if of.relative else base - drop / 100
    return [MaxDrop(drop / 100, of.key)], {of.key: bound}


def objectives_chosen(table: Sequence[Row], axes: defaults.Axes) -> tuple[Objective, ...]:
    """Chips with the objectives of dominance; selecting none means all."""
    present = {row.key for row in present_metrics(table)}
    choices = [key for key in (*axes.objectives, *FURTHER) if key in present]

    def title(key: str) -> str:
        return f"{metric(key).called} {metric(key).arrow[0]}"

    chosen = url_widgets.chips(
        "Objectives",
        choices,
        default=[key for key in axes.objectives if key in choices],
        format_func=title,
        key="objectives",
        help=OBJECTIVES_HELP,
    )
    return objectives(*(chosen or choices))


def _upper(key: str, name: str, table: Sequence[Row]) -> float | None:
    """An upper limit in stored units; the right end of the slider means none."""
    row = metric(key)
    values = [row.shown(value) for each in table if (value := each.point.value(key)) is not None]
    step = _step(max(values))
    top = round(math.ceil(max(values) / step) * step, 9)
    more: Mapping[str, Any] = {"format": f"%.{_decimals(step)}f {row.unit}", "help": LIMIT_HELP}
    chosen = url_widgets.slider(label(row), (step, top), step=step, default=top, key=name, **more)
    return None if chosen >= top else chosen / row.scale


def _step(largest: float) -> float:
    """A round step that divides the range into 50 to 125 parts.

    >>> _step(91.2), _step(3.9), _step(0.4)
    (1.0, 0.05, 0.005)
    """
    power = 10.0 ** math.floor(math.log10(largest / 50)) if largest > 0 else 1.0
    step = next(
        power * factor
        for factor in (10, 5, 2, 1)
        if largest / (power * factor) >= 50 or factor == 1
    )
    return round(step, 12)


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))
