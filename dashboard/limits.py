"""The limits that a person sets (drop of quality, size, p50) and the objectives that define dominance, kept in the URL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from compression.limits import Constraint, Limit, MaxDrop
from compression.metrics import METRICS, metric
from compression.points import Objective, Point, objectives
from compression.report.table import Row, present_metrics

DROP_POINTS = 10.0
DEFAULT_DROP = 2.0
OBJECTIVES = ("quality", "size_bytes", "latency_p50_ms")
CHOICES = ("quality", "size_bytes", "latency_p50_ms", "peak_memory_bytes", "energy_j")


@dataclass(frozen=True)
class Limits:
    """What is asked for: `constraints` for `frontier.recommend`, `bounds` by metric key in stored units for the plots."""

    constraints: tuple[Limit, ...]
    bounds: dict[str, float]
    objectives: tuple[Objective, ...]


def draw(table: Sequence[Row], baseline: Point | None) -> Limits:
    """The sliders, each off at its far end, and the objective chips."""
    known = {row.key for row in present_metrics(table)}
    columns = st.columns([3, 3, 3, 4], gap="medium", vertical_alignment="bottom")
    constraints: list[Limit] = []
    bounds: dict[str, float] = {}
    with columns[0]:
        drop = st.slider(
            "Accuracy drop at most",
            0.0,
            DROP_POINTS,
            DEFAULT_DROP,
            0.5,
            format="%.1f points",
            key="drop",
            bind="query-params",
            disabled=baseline is None,
        )
    base = baseline.value("quality") if baseline else None
    if base is not None and drop < DROP_POINTS:
        constraints.append(MaxDrop(drop / 100))
        bounds["quality"] = base - drop / 100
    for column, key, name in ((columns[1], "size_bytes", "size"), (columns[2], "latency_p50_ms", "p50")):
        with column:
            bound = _slider(key, name, table) if key in known else None
        if bound is not None:
            constraints.append(Constraint(key, bound))
            bounds[key] = bound
    with columns[3]:
        choices = [key for key in CHOICES if key in known]
        chosen = st.pills(
            "Better means",
            choices,
            selection_mode="multi",
            default=[key for key in OBJECTIVES if key in choices],
            format_func=lambda key: f"{metric(key).label} {metric(key).arrow[0]}",
            key="objectives",
            bind="query-params",
            help="A model is dominated when another is at least as good in all of these and better in one.",
        )
    return Limits(tuple(constraints), bounds, objectives(*(chosen or choices or list(METRICS)[:1])))


def _slider(key: str, name: str, table: Sequence[Row]) -> float | None:
    """An upper limit in the shown unit, from below the smallest to the largest value, which means none. Stored unit out."""
    row = metric(key)
    values = [row.shown(value) for each in table if (value := each.point.value(key)) is not None]
    step = _step(max(values))
    top = math.ceil(max(values) / step) * step
    label = f"{row.label.removeprefix('Latency ')} at most"
    chosen = st.slider(label, step, top, top, step, format=f"%.{_decimals(step)}f {row.unit}", key=name, bind="query-params")
    return None if chosen >= top else chosen / row.scale


def _step(largest: float) -> float:
    """A round step that divides the range into 50 to 125 parts.

    >>> _step(91.2), _step(3.9), _step(0.4)
    (1.0, 0.05, 0.005)
    """
    power = 10 ** math.floor(math.log10(largest / 50)) if largest > 0 else 1.0
    step = next(power * factor for factor in (10, 5, 2, 1) if largest / (power * factor) >= 50 or factor == 1)
    return round(step, 12)


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))
