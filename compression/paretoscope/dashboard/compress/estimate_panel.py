"""The estimates of a recipe on the page: numbers, their basis, plots and possible gains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from paretoscope.dashboard.compress.estimates import (
    Estimates,
    estimates,
    possible_gains,
)
from paretoscope.dashboard.parts import charts
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.report.figures.tradeoff import Estimate as EstimatedPoint
from paretoscope.report.figures.tradeoff import Overlay, footnote
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.strategy import family
from paretoscope.report.tables.table import Row
from paretoscope.shape.bytes import SizeEstimate
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.format import plain
from paretoscope.trials.metrics import metric
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.trial import Interval, MetricValue
from paretoscope.whatif.estimate import Estimate

UNLIKE = "No measured recipe is similar, so latency and quality are uncertain; measure to be sure."
NO_SHAPE = "No estimates for this model family; it can still be measured."
NO_GAIN = "neither smaller nor faster"


def draw(
    scope: Scope, shape: ModelShape | None, recipe: Recipe, actions: Callable[[], None]
) -> None:
    """Numbers, the buttons that `actions` draws, two plots, and possible gains by stage."""
    table = scope.rows()
    found = estimates(scope, shape, recipe)
    _numbers(scope, table, found)
    actions()
    _basis(scope, found)
    if table:
        _plots(scope, table, found)
    _gains(scope, found)


def _numbers(scope: Scope, table: Sequence[Row], found: Estimates) -> None:
    baseline = next((row for row in table if row.is_baseline), None)
    measured = next((row for row in table if found.measured and row.id == found.measured), None)
    with st.container(horizontal=True, gap="small"):
        if found.size:
            _size_tile(found.size, found, baseline, measured)
        if found.numbers is None:
            return
        how = "estimated"
        if found.measured:
            how = "measured" if scope.here else "measured elsewhere"
        noisy = bool(measured and measured.noisy)
        time, quality = scope.axes.time, scope.axes.quality
        if latency := found.numbers.latency_p50_ms:
            base = _baseline_latency(latency, found.numbers, baseline, time)
            _tile(time, latency, base, how, noisy=noisy)
        if value := found.numbers.quality:
            base = baseline.point.value(quality) if baseline else None
            _tile(quality, value, base, how)


def _size_tile(
    size: SizeEstimate, found: Estimates, baseline: Row | None, measured: Row | None
) -> None:
    key = "size_bytes"
    total = (measured and measured.point.value(key)) or size.total_bytes
    base = baseline.point.value(key) if baseline else found.baseline_bytes
    weights = f"Weights: {size.weights_bytes:,} bytes"
    if not size.exact:
        weights += f", between {size.low:,} and {size.high:,}"
    st.metric(
        "Size on disk",
        metric(key).format(total),
        delta(key, total, base),
        delta_color="off",
        delta_arrow="off",
        help=" ".join(part for part in (f"{weights}.", size.note) if part),
        width="content",
    )


def _baseline_latency(
    latency: Interval, numbers: Estimate, baseline: Row | None, key: str
) -> float | None:
    """The baseline's latency by the speed-up; None when the speed-up may be 1."""
    if speedup := numbers.speedup:
        unclear = no_measurable_change(speedup)
        return None if unclear else latency.value * speedup.value
    return baseline.point.value(key) if baseline else None


def tile_label(key: str, how: str) -> str:
    return f"{metric(key).label}, {how}"


def _tile(key: str, found: Interval, base: float | None, how: str, *, noisy: bool = False) -> None:
    row = metric(key)
    about = "about " if how == "estimated" else ""
    parts = (
        row.interval(found.low, found.high),
        delta(key, found.value, base),
        "noisy" if noisy else "",
    )
    st.metric(
        tile_label(key, how),
        f"{about}{row.format(found.value)}",
        " · ".join(part for part in parts if part),
        delta_color="off",
        delta_arrow="off",
        width="content",
    )


def _basis(scope: Scope, found: Estimates) -> None:
    """What the estimates are based on, or why there are none."""
    numbers = found.numbers
    if numbers and numbers.reason:
        st.caption(f":material/info: {numbers.reason[0].upper()}{numbers.reason[1:]}.")
    if numbers and numbers.unlike:
        st.caption(f":material/warning: {UNLIKE}")
    elif numbers and not numbers.reason and not numbers.measured and numbers.level is not None:
        st.caption(_based_on(scope, numbers, found.size))
    if found.shape is None:
        st.caption(NO_SHAPE)


def _based_on(scope: Scope, numbers: Estimate, size: SizeEstimate | None) -> str:
    where = "this machine" if scope.here else plain(scope.machine.in_words())
    quality, time = metric(scope.axes.quality), metric(scope.axes.time)
    shipped = any(document.model == scope.model for document in data.demo_documents())
    study = " (demo study included)" if shipped and not scope.demo else ""
    level = f"{(numbers.level or 0) * 100:.0f} % leave-one-out prediction intervals"
    exact = size is None or size.exact
    return (
        f"{time.label.removesuffix(' p50')} and {quality.called} on {where} are estimated from"
        f" {numbers.points} measured recipes{study}, with {level}."
        f" {'The size is exact.' if exact else 'The size depends on the bit allocation.'}"
    )


def _plots(scope: Scope, table: Sequence[Row], found: Estimates) -> None:
    """Quality against size and latency, with the estimate or the measured point marked."""
    axes = scope.axes
    values = {axes.size: _size(axes.size, found.size), axes.time: None, axes.quality: None}
    if found.numbers:
        values[axes.time] = _value(axes.time, found.numbers.latency_p50_ms)
        values[axes.quality] = _value(axes.quality, found.numbers.quality)
    picked = [found.measured] if found.measured else []
    for column, x in zip(st.columns(2), (axes.size, axes.time), strict=True):
        across, up = values[x], values[axes.quality]
        point = None if picked else _estimated_point(found.recipe, across, up)
        overlay = Overlay(estimate=point, picked=picked)
        with column:
            charts.small(table, x, axes.quality, name=f"small_{x}", overlay=overlay)
    st.caption(footnote(table, timed=True).replace("<br>", " · "))


def _size(key: str, size: SizeEstimate | None) -> MetricValue | None:
    return MetricValue(key, size.total_bytes) if size else None


def _value(key: str, found: Interval | None) -> MetricValue | None:
    return MetricValue(key, found.value, found.low, found.high) if found else None


def _estimated_point(
    recipe: Recipe, across: MetricValue | None, up: MetricValue | None
) -> EstimatedPoint | None:
    if across is None or up is None:
        return None
    numbers = "<br>".join(
        f"{metric(each.metric).label}: about {metric(each.metric).format(each.value)}"
        for each in (up, across)
    )
    hover = f"<b>{short_name(recipe)}</b> (estimate)<br>{recipe.in_words()}<br>{numbers}"
    return EstimatedPoint(family(recipe), across, up, hover)


def _gains(scope: Scope, found: Estimates) -> None:
    lines = possible_gains(scope, found)
    if not lines:
        return
    with st.container(border=True):
        st.markdown("**On this machine**")
        for line in lines:
            gains = ["smaller"] * line.size + ["faster"] * line.speed
            badge = f":gray-badge[:material/remove: {NO_GAIN}]"
            if gains:
                badge = f":green-badge[:material/check: {' and '.join(gains)}]"
            st.markdown(f"{badge} {line.text}")
