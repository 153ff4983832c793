"""What a recipe would give before it is run: bytes to the byte, speed and quality with intervals,
and what cannot change here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from paretoscope.dashboard.parts import charts
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.figures import tradeoff
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.strategy import family
from paretoscope.report.tables.table import Row
from paretoscope.shape.apply_recipe import AppliedRecipe, apply_recipe, expected_bytes
from paretoscope.shape.bytes import SizeEstimate
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.format import may_be_one, plain
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Interval, MetricValue
from paretoscope.whatif.advice import advice
from paretoscope.whatif.estimate import Estimate, expected


@st.cache_resource(show_spinner=False, ttl=60, max_entries=32)
def model_shape(model: str) -> ModelShape | None:
    """The shape of the model, None for a family whose shape is not known beforehand; raises
    `ParetoscopeError` when it is not there.
    """
    ref = resolve_model(model)
    try:
        return read_shape(ref)
    except ParetoscopeError:
        return None


@st.cache_data(show_spinner=False, max_entries=256)
def _expected(scope: Scope, recipe_json: str, version: int, _applied: AppliedRecipe) -> Estimate:
    """From the points on the screen; what the shipped study and this workspace know of each other
    adds to the ratios alone.
    """
    points, elsewhere = data.documents(), data.demo_documents()
    if scope.demo:
        points, elsewhere = elsewhere, points
    return expected(
        points,
        _applied,
        elsewhere=elsewhere,
        task=scope.task,
        machine=scope.machine,
        conditions=scope.conditions,
    )


def draw(
    scope: Scope,
    table: Sequence[Row],
    shape: ModelShape | None,
    recipe: Recipe,
    act: Callable[[], None],
) -> None:
    """Three numbers, the buttons that `act` draws, both small curves with the hollow point, and the
    sentences about this machine.
    """
    size = guess = applied = None
    if shape is not None:
        try:
            applied = apply_recipe(shape, recipe)
            size = applied.size
            guess = _expected(scope, recipe.canonical_json(), data.version(), applied)
        except ParetoscopeError:
            size = guess = None  # in place of the button `act` says what is wrong
    baseline = next((row for row in table if row.document.is_baseline), None)
    _numbers(scope, baseline, shape, size, guess)
    act()
    _where_from(scope, shape, size, guess)
    if table:
        _curves(scope, table, recipe, size, guess)
    if shape is None or applied is not None:
        _can_it(scope, recipe, applied)


def _numbers(
    scope: Scope,
    baseline: Row | None,
    shape: ModelShape | None,
    size: SizeEstimate | None,
    guess: Estimate | None,
) -> None:
    measured = next((row for row in scope.rows() if guess and row.id == guess.measured), None)
    noisy = bool(measured and measured.noisy)
    with st.container(horizontal=True, gap="small"):
        if size:
            _size_tile(size, baseline, shape, measured)
        for key, found in (
            ((scope.axes.time, guess.latency_p50_ms), (scope.axes.quality, guess.quality))
            if guess
            else ()
        ):
            if found:
                _guess_tile(
                    key,
                    found,
                    _reference(key, found, baseline, guess),
                    _how(scope, guess),
                    noisy and key == scope.axes.time,
                )


def _where_from(
    scope: Scope, shape: ModelShape | None, size: SizeEstimate | None, guess: Estimate | None
) -> None:
    """What the estimates stand on, or why there are none."""
    if guess and guess.reason:
        st.caption(f":material/info: {guess.reason[0].upper()}{guess.reason[1:]}.")
    if guess and guess.unlike:
        st.caption(
            ":material/warning: No measured recipe is like this one, so its latency and accuracy"
            " are guesses; a run will tell."
        )
    elif guess and not guess.reason and not guess.measured and guess.level is not None:
        where = "this machine" if scope.here else plain(scope.machine.in_words())
        quality, time = (metric(key) for key in (scope.axes.quality, scope.axes.time))
        exact = size is None or size.exact
        counted = (
            "The size is counted."
            if exact
            else "The size is bounded: which matrix takes which bits depends on its weights."
        )
        shipped = not scope.demo and any(
            document.model == scope.model for document in data.demo_documents()
        )
        st.caption(
            f"{time.label.removesuffix(' p50')} and {quality.called} are estimates for {where} from"
            f" {guess.points} measured"
            f" recipes{', those of the study that ships among them' if shipped else ''}; intervals"
            f" of {guess.level * 100:.0f} %, as leaving out each in turn asks for. {counted}"
        )
    if shape is None:
        st.caption(
            "Nothing can be said beforehand about this family of models; measuring it works all the"
            " same."
        )


def _size_tile(
    size: SizeEstimate, baseline: Row | None, shape: ModelShape | None, measured: Row | None
) -> None:
    row = metric("size_bytes")
    total = (measured and measured.point.value("size_bytes")) or size.total_bytes
    base = baseline.point.value("size_bytes") if baseline else _fp32_bytes(shape)
    exact = (
        f"{size.weights_bytes:,} bytes of"
        f" weights{'' if size.exact else f', between {size.low:,} and {size.high:,}'}"
    )
    st.metric(
        "Size on disk",
        row.format(total),
        delta("size_bytes", total, base),
        delta_color="off",
        delta_arrow="off",
        help=" ".join(part for part in (f"{exact}.", size.note) if part),
        width="content",
    )


def _fp32_bytes(shape: ModelShape | None) -> float | None:
    return expected_bytes(shape, Recipe()).total_bytes if shape else None


def _how(scope: Scope, guess: Estimate | None) -> str:
    if guess and guess.measured:
        return "measured" if scope.here else "measured there"
    return "estimated"


def _reference(
    key: str, found: Interval, baseline: Row | None, guess: Estimate | None
) -> float | None:
    """What a number is compared with. A latency only with the baseline of its own sitting, which
    its speed-up tells; with none when that may be 1.
    """
    if not metric(key).quality and guess and guess.speedup:
        speedup = guess.speedup
        return None if may_be_one(speedup.low, speedup.high) else found.value * speedup.value
    return baseline.point.value(key) if baseline else None


def _guess_tile(key: str, found: Interval, base: float | None, how: str, noisy: bool) -> None:
    row = metric(key)
    about = "about " if how == "estimated" else ""
    change = delta(key, found.value, base)
    st.metric(
        f"{row.label}, {how}",
        f"{about}{row.format(found.value)}",
        " · ".join(
            part
            for part in (row.interval(found.low, found.high), change, "noisy" if noisy else "")
            if part
        ),
        delta_color="off",
        delta_arrow="off",
        width="content",
    )


def _curves(
    scope: Scope,
    table: Sequence[Row],
    recipe: Recipe,
    size: SizeEstimate | None,
    guess: Estimate | None,
) -> None:
    axes = scope.axes
    ends = {
        axes.size: MetricValue(axes.size, size.total_bytes) if size else None,
        axes.time: _value(axes.time, guess.latency_p50_ms) if guess else None,
        axes.quality: _value(axes.quality, guess.quality) if guess else None,
    }
    own = guess.measured if guess else None
    for column, x in zip(st.columns(2), (axes.size, axes.time), strict=True):
        across, up = ends[x], ends[axes.quality]
        hollow = None
        if across and up and own is None:
            said = "<br>".join(
                f"{metric(v.metric).label}: about {metric(v.metric).format(v.value)}"
                for v in (up, across)
            )
            hollow = tradeoff.Estimate(
                family(recipe), across, up, f"<b>{recipe.in_words()}</b> (estimate)<br>{said}"
            )
        with column:
            charts.small(
                table,
                x,
                axes.quality,
                name=f"small_{x}",
                overlay=tradeoff.Overlay(estimate=hollow, picked=[own] if own else []),
            )
    st.caption(tradeoff.footnote(table, timed=True).replace("<br>", " · "))


def _value(key: str, found: Interval | None) -> MetricValue | None:
    return MetricValue(key, found.value, found.low, found.high) if found else None


def _can_it(scope: Scope, recipe: Recipe, applied: AppliedRecipe | None) -> None:
    """Whether each stage can change size or speed on this machine at all."""
    said = advice(recipe, data.this_machine().flags, scope.conditions, applied)
    if not said:
        return
    with st.container(border=True):
        st.markdown("**On this machine**")
        for line in said:
            can = [word for word, true in (("smaller", line.size), ("faster", line.speed)) if true]
            mark = (
                f":green-badge[:material/check: {' and '.join(can)}]"
                if can
                else ":gray-badge[:material/remove: neither smaller nor faster]"
            )
            st.markdown(f"{mark} {line.text}")
