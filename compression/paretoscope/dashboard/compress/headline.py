"""The figures of a recipe: size, quality and speed, measured or estimated, with their intervals."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import streamlit as st

from paretoscope.dashboard.compress.estimates import Figures
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.trial import Interval
from paretoscope.whatif.estimate import Estimate

UNCONFIRMED = "not confirmed here"
NO_SHAPE = "No estimates for this model family; it can still be measured."
EXACTLY = "exactly"
LEAST_CHANGE = 1.05
"""A smaller estimated ratio of speeds is called about the same."""


class Figure(NamedTuple):
    """A figure: what it is, its value, the estimate that a measurement replaced, and a note."""

    label: str
    value: str
    note: str
    estimated: str = ""
    amber: bool = False


def draw(scope: Scope, found: Figures) -> None:
    shown = all_figures(scope, found)
    if shown:
        st.html(f'<dl class="figures">{"".join(map(_html, shown))}</dl>')
    if found.shape is None and found.measured is None:
        st.caption(NO_SHAPE)


def all_figures(scope: Scope, found: Figures) -> list[Figure]:
    """Size, quality and speed; one that is unknown is left out."""
    numbers = found.numbers
    size = _size(found)
    if row := found.measured:
        quality, speed = _measured_quality(row, numbers), _measured_speed(scope, row, numbers)
        return [each for each in (size, quality, speed) if each]
    if numbers is None:
        return [size] if size else []
    return [each for each in (size, _quality(scope, numbers), _speed(scope, numbers)) if each]


def _html(figure: Figure) -> str:
    struck = f" <s>{escape(figure.estimated)}</s>" if figure.estimated else ""
    kind = ' class="noisy"' if figure.amber else ""
    return (
        f"<div{kind}><dt>{escape(figure.label)}</dt>"
        f"<dd><b>{escape(figure.value)}</b>{struck}</dd><dd>{escape(figure.note)}</dd></div>"
    )


def _size(found: Figures) -> Figure | None:
    key = "size_bytes"
    measured = found.measured.point.value(key) if found.measured else None
    if measured is None and found.size is None:
        return None
    total = measured or (found.size.total_bytes if found.size else 0)
    notes = [delta(key, total, found.baseline_bytes)]
    if measured is None and found.size:
        low, high = (metric(key).number(each) for each in (found.size.low, found.size.high))
        notes.insert(0, EXACTLY if found.size.exact else f"weights {low} to {high}")
    else:
        notes.insert(0, "measured")
    return Figure(metric(key).label, metric(key).format(total), _joined(*notes))


def _quality(scope: Scope, numbers: Estimate) -> Figure | None:
    key, ratio = scope.axes.quality, numbers.quality_ratio
    row = metric(key)
    if ratio is None:
        return None
    if row.relative:
        note = _joined(_relative_interval(ratio), "against the original")
        return Figure(row.label, f"about {_relative(ratio.value)}", note)
    if numbers.quality is None:
        ends = f"[{100 * ratio.low:.0f}, {100 * ratio.high:.0f}]"
        value = f"about {100 * ratio.value:.1f} %"
        return Figure(row.label, value, f"{ends} of the original's")
    base = numbers.quality.value / ratio.value
    interval = row.interval(numbers.quality.low, numbers.quality.high)
    change = delta(key, numbers.quality.value, base)
    return Figure(
        row.label, f"about {row.format(numbers.quality.value)}", _joined(interval, change)
    )


def _speed(scope: Scope, numbers: Estimate) -> Figure | None:
    found = numbers.speedup
    if found is None:
        return None
    row = metric(scope.axes.time)
    latency = numbers.latency_p50_ms
    time = f"about {row.format(latency.value)}" if latency and not numbers.timed_elsewhere else ""
    notes = _joined(f"[{found.low:.1f}, {found.high:.1f}]x", time, _unconfirmed(scope, numbers))
    return Figure("Speed", _times(found, about=True), notes)


def _unconfirmed(scope: Scope, numbers: Estimate) -> str:
    """Where a speed-up comes from, unless it is this machine."""
    if scope.here and not numbers.timed_elsewhere:
        return ""
    demo = scope.demo or any(each.model == scope.model for each in data.demo_documents())
    return f"{'demo machine' if demo else 'other models or machines'}; {UNCONFIRMED}"


def _measured_quality(row: Row, numbers: Estimate | None) -> Figure:
    key = row.document.axes.quality
    of, value, base = metric(key), row.point.value(key), row.baseline.get(key)
    found = row.values.get(key)
    interval = of.interval(found.low, found.high) if found else ""
    if of.relative and value is not None and base:
        shown = _relative(value / base)
        old = numbers.quality_ratio.value if numbers and numbers.quality_ratio else None
        change = row.point.interval("perplexity_change")
        interval = f"[{100 * change[0]:.1f}, {100 * change[1]:.1f}] %" if change else ""
        return Figure(of.label, shown, _joined(interval, of.format(value)), _relative(old))
    old = numbers.quality.value if numbers and numbers.quality else None
    change = "" if row.document.is_baseline or value is None else delta(key, value, base)
    estimated = "" if old is None else of.format(old)
    return Figure(of.label, of.format(value), _joined(interval, change), estimated)


def _measured_speed(scope: Scope, row: Row, numbers: Estimate | None) -> Figure | None:
    found, time = row.document.speedup, metric(row.document.axes.time)
    shown = time.format(row.point.value(time.key))
    if found is None:
        return Figure(time.label, shown, "the original")
    unclear = no_measurable_change(found, row.document.placebo)
    value = "no clear change" if unclear else _times(found)
    where = "" if scope.here else f"demo machine; {UNCONFIRMED}" if scope.demo else UNCONFIRMED
    noisy = "noisy session" if row.noisy else ""
    note = _joined(f"[{found.low:.2f}, {found.high:.2f}]x", shown, noisy, where)
    old = _times(numbers.speedup) if numbers and numbers.speedup else ""
    return Figure("Speed", value, note, old, amber=row.noisy)


def _times(found: Interval, *, about: bool = False) -> str:
    """
    >>> _times(Interval(value=5.04, low=4, high=6), about=True)
    'about 5.0x faster'
    >>> _times(Interval(value=0.5, low=0.4, high=0.6)), _times(Interval(value=1, low=0.9, high=1.1))
    ('2.0x slower', 'the same')
    """
    start = "about " if about else ""
    if 1 / LEAST_CHANGE < found.value < LEAST_CHANGE:
        return f"{start}the same"
    if found.value > 1:
        return f"{start}{found.value:.1f}x faster"
    return f"{start}{1 / found.value:.1f}x slower"


def _relative(ratio: float | None) -> str:
    """
    >>> _relative(1.018), _relative(None)
    ('+1.8 %', '')
    """
    return "" if ratio is None else f"{100 * (ratio - 1):+.1f} %"


def _relative_interval(ratio: Interval) -> str:
    return f"[{100 * (ratio.low - 1):.1f}, {100 * (ratio.high - 1):.1f}] %"


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
