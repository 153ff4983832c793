"""The limits that a person sets (drop of quality, size, p50, what else shall be better) and the
objectives that define dominance, kept in the URL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.strategy import Family
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials import axes as defaults
from paretoscope.trials.metrics import METRICS, metric

MOST_DROP = 10.0
ACROSS = 4
"""Sliders in a row."""
HUES = {"pruning": "orange", "quantization": "blue", "distillation": "green", "chain": "violet"}
"""Names that the theme gives the strategies' colours."""
FURTHER = {key: row.limit for key, row in METRICS.items() if row.limit}
"""Further objectives besides quality, size and time, with the names of their limits in the URL."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: `constraints` for `frontier.recommend`, `bounds` by metric key in stored
    units for the plots.
    """

    constraints: tuple[Limit, ...]
    bounds: dict[str, float]


OF_A_STUDY = ("size", "p50", *FURTHER.values(), "show", "objectives")
"""Widgets whose values mean something for the models of one scope only: its largest size, its
strategies.
"""


def begin(scope: Scope) -> None:
    """First of all: limits and chips belong to the models that they were set for. Another scope
    starts with its own, and the way back finds the old ones; the allowed drop is about each scope's
    own baseline and stays."""
    place = (scope.model, scope.task, scope.machine.id, scope.conditions, scope.demo)
    before = st.session_state.setdefault("limits_of", place)
    if place == before:
        return
    kept = st.session_state.setdefault("limits_kept", {})
    kept[before] = url_widgets.take(OF_A_STUDY)
    url_widgets.give(kept.pop(place, {}))
    st.session_state["limits_of"] = place


def strategies(table: Sequence[Row]) -> list[Row]:
    """The key to colours and shapes, which filters too: the rows of the strategies that are on. The
    baseline always stays.
    """
    present = [
        name for name in STYLES if name != "baseline" and any(row.family == name for row in table)
    ]
    if not present:
        return list(table)
    chosen = url_widgets.chips("Shown", present, default=present, format_func=_key, key="show")
    return [row for row in table if row.family in chosen or row.family == "baseline"] or list(table)


def _key(name: Family) -> str:
    return f":{HUES[name]}[{STYLES[name].glyph}] {STYLES[name].label}"


def draw(
    table: Sequence[Row],
    baseline: Point | None,
    axes: defaults.Axes,
    objectives: Sequence[Objective],
) -> Asked:
    """The sliders, each off at its far end: quality, size and time always, the others while they
    are among the `objectives`.
    """
    known = {row.key for row in present_metrics(table)}
    quality = metric(axes.quality)
    chosen = {
        key: name
        for key, name in FURTHER.items()
        if key in {objective.key for objective in objectives}
    }
    url_widgets.take([name for key, name in FURTHER.items() if key not in chosen])
    upper = {axes.size: "size", axes.time: "p50", **chosen}
    columns = [
        column
        for start in range(0, 1 + len(upper), ACROSS)
        for column in st.columns(min(ACROSS, 1 + len(upper) - start), gap="medium")
    ]
    constraints: list[Limit] = []
    bounds: dict[str, float] = {}
    with columns[0]:
        drop = url_widgets.slider(
            f"{quality.label} {'rise' if quality.relative else 'drop'} at most",
            0.0,
            MOST_DROP,
            step=0.5,
            default=defaults.DROP_POINTS,
            key="drop",
            format="%.1f %%" if quality.relative else "%.1f points",
            disabled=baseline is None,
        )
    base = baseline.value(quality.key) if baseline else None
    if base is not None and drop < MOST_DROP:
        constraints.append(MaxDrop(drop / 100, quality.key))
        bounds[quality.key] = base * (1 + drop / 100) if quality.relative else base - drop / 100
    for column, (key, name) in zip(columns[1:], upper.items(), strict=True):
        with column:
            bound = _slider(key, name, table) if key in known else None
        if bound is not None:
            constraints.append(Constraint(key, bound))
            bounds[key] = bound
    return Asked(tuple(constraints), bounds)


def objectives_chosen(table: Sequence[Row], axes: defaults.Axes) -> tuple[Objective, ...]:
    """The chips that define dominance; none chosen means all of them."""
    known = {row.key for row in present_metrics(table)}
    choices = [key for key in (*axes.objectives, *FURTHER) if key in known]
    chosen = url_widgets.chips(
        "Better means",
        choices,
        default=[key for key in axes.objectives if key in choices],
        format_func=lambda key: f"{metric(key).called} {metric(key).arrow[0]}",
        key="objectives",
        help=(
            "A model is dominated when another is at least as good in all of these and better in"
            " one."
        ),
    )
    return objectives(*(chosen or choices))


def _slider(key: str, name: str, table: Sequence[Row]) -> float | None:
    """An upper limit in the shown unit, from below the smallest to the largest value, which means
    none. Stored unit out.
    """
    row = metric(key)
    values = [row.shown(value) for each in table if (value := each.point.value(key)) is not None]
    step = _step(max(values))
    top = round(math.ceil(max(values) / step) * step, 9)
    label = f"{row.label.removeprefix('Latency ')} at most"
    shown = f"%.{_decimals(step)}f {row.unit}"
    chosen = url_widgets.slider(label, step, top, step=step, default=top, key=name, format=shown)
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
