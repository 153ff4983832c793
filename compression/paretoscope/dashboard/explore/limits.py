"""The limits of Explore: one line of sliders with typed values, kept in the address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop, Relaxation
from paretoscope.frontier.points import Point
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials import axes as defaults
from paretoscope.trials.metrics import METRICS, Metric, metric

MOST_DROP = 10.0
DROP = "drop"
FURTHER = {key: row.limit for key, row in METRICS.items() if row.limit}
"""Optional objectives, each with the name of its limit in the address."""
PER_SCOPE = ("size", "p50", *FURTHER.values(), "show", "objectives")
"""Widgets whose values apply to one scope only, such as its largest size."""
RESET = "reset_limits"


@dataclass(frozen=True)
class Limits:
    """The limits as `constraints` of a recommendation, and as `bounds` of the plots.

    Bounds are by metric key, in stored units.
    """

    constraints: tuple[Limit, ...] = ()
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Slider:
    """One limit: its metric, the name of its value in the address, range and step as shown."""

    of: Metric
    name: str
    low: float
    high: float
    step: float
    default: float

    @property
    def unit(self) -> str:
        if self.name == DROP:
            return "%" if self.of.relative else "points"
        return self.of.unit

    @property
    def label(self) -> str:
        """ "Size at most (MB)"."""
        what = self.of.called
        if self.name == DROP:
            what = f"More {what}" if self.of.relative else f"{what} drop"
        return f"{what[0].upper()}{what[1:]} at most ({self.unit})"


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


def sliders(table: Sequence[Row], axes: defaults.Axes, selected: Sequence[str]) -> list[Slider]:
    """Those of quality, size and time, and of the optional objectives in `selected`."""
    upper = {axes.size: "size", axes.time: "p50"}
    upper |= {key: name for key, name in FURTHER.items() if key in selected}
    present = {row.key for row in present_metrics(table)}
    of = metric(axes.quality)
    drop = Slider(of, DROP, 0.0, MOST_DROP, 0.1, defaults.DROP_POINTS)
    return [drop, *(_upper(key, name, table) for key, name in upper.items() if key in present)]


def _upper(key: str, name: str, table: Sequence[Row]) -> Slider:
    """The range of an upper limit in the shown unit; its end means none."""
    of = metric(key)
    values = [of.shown(value) for row in table if (value := row.point.value(key)) is not None]
    step = _step(max(values))
    top = round(math.ceil(max(values) / step) * step, 9)
    return Slider(of, name, step, top, step, top)


def draw(found: Sequence[Slider], baseline: Point | None) -> Limits:
    """One line of limits; those that were not asked for leave the address."""
    unused = set(FURTHER.values()) - {each.name for each in found}
    url_widgets.remove(sorted(unused))
    constraints: list[Limit] = []
    bounds: dict[str, float] = {}
    for place, each in zip(st.columns(len(found), gap="medium"), found, strict=True):
        with place:
            value = _one(each, disabled=each.name == DROP and baseline is None)
        if value is None:
            continue
        if each.name != DROP:
            constraints.append(Constraint(each.of.key, value / each.of.scale))
            bounds[each.of.key] = value / each.of.scale
        elif (base := baseline.value(each.of.key) if baseline else None) is not None:
            constraints.append(MaxDrop(value / 100, each.of.key))
            bounds |= _bounds_of_drop(each.of, base, value)
    return Limits(tuple(constraints), bounds)


def _bounds_of_drop(of: Metric, base: float, drop: float) -> dict[str, float]:
    """The bound on the quality and on its change, for the plots."""
    if of.relative:
        return {of.key: base * (1 + drop / 100), "perplexity_change": drop / 100}
    return {of.key: base - drop / 100, "quality_change": -drop / 100}


def _one(slider: Slider, *, disabled: bool) -> float | None:
    """A typed value and a slider for the same limit; None without a limit."""
    with st.container(gap=None):
        st.markdown(slider.label)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            return url_widgets.limit(
                slider.label,
                (slider.low, slider.high),
                key=slider.name,
                step=slider.step,
                default=slider.default,
                format=f"%.{_decimals(slider.step)}f",
                disabled=disabled,
            )


def reset() -> None:
    """Callback: the default limits."""
    url_widgets.remove(("size", "p50", DROP, *FURTHER.values()))


def loosen(needed: Relaxation) -> None:
    """Callback: set a limit to what the closest model needs."""
    limit = needed.limit
    if isinstance(limit, MaxDrop):
        st.session_state[DROP] = min(MOST_DROP, math.ceil(needed.bound * 1000) / 10)
        return
    of = metric(limit.metric)
    names = {**FURTHER, "size_bytes": "size"}
    shown = of.shown(needed.bound)
    # Rounded up at three digits, so that the model is within the limit.
    power = 10.0 ** (math.floor(math.log10(shown)) - 2) if shown > 0 else 1.0
    value = round(math.ceil(shown / power - 1e-9) * power, 9)
    st.session_state[names.get(limit.metric, "p50")] = value


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
