"""The comparison in words: how fast, how small and how good each model is against the baseline."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.parts.test_summary import quality_change
from paretoscope.frontier.comparison import headline, judged_by, standings
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed, size_in_words, speed_in_words
from paretoscope.trials.metrics import metric

WHOLE = 10
"""Ratios from here on are shown without decimals."""


def short_names(rows: Sequence[Row]) -> dict[str, str]:
    """Short names by trial id."""
    return {row.id: row.short_name for row in rows}


def draw(rows: Sequence[Row]) -> None:
    """A sentence for each compressed model, then which one dominates which."""
    compressed = [row for row in rows if not row.document.is_baseline]
    if len(compressed) == 1:
        st.markdown(f"### {sentence(compressed[0])}")
    else:
        st.markdown("\n".join(f"- {sentence(row)}" for row in compressed))
    basis = judged_by([row.document for row in rows])
    dominance, _ = headline(*standings([row.point for row in rows], basis), short_names(rows))
    by = listed([objective.metric.called for objective in basis])
    st.caption(f"By {by} as measured: {dominance}")


def sentence(row: Row) -> str:
    """A model against the baseline of its session.

    "**X** is 5.2x faster and 12x smaller; accuracy -0.5 points, within chance (24 lost, 20 gained)"
    """
    parts = [part for part in (_speed(row), _size(row)) if part]
    first = f"**{row.short_name}** is {listed(parts)}" if parts else f"**{row.short_name}**"
    name = metric(row.document.axes.quality).called
    prompt = f"; first token {change}" if (change := row.change("ttft_ms")) else ""
    return f"{first}{prompt}; {name} {quality_change(row)}."


def _speed(row: Row) -> str:
    speedup = row.document.speedup
    if speedup is None:
        return ""
    words = speed_in_words(speedup, row.document.placebo, digits=_digits(speedup.value))
    words = words.replace("no measurable change of speed", "equally fast within the noise")
    words = words.replace("the same speed", "equally fast")
    return f"{words} (noisy session)" if row.noisy else words


def _size(row: Row) -> str:
    base, size = row.baseline.get("size_bytes"), row.point.value("size_bytes")
    if not base or not size:
        return ""
    words = size_in_words(base / size, digits=_digits(base / size))
    return words.replace("the same size", "equally large")


def _digits(ratio: float) -> int:
    """
    >>> _digits(5.2), _digits(12.4), _digits(0.05)
    (1, 0, 0)
    """
    return 0 if max(ratio, 1 / ratio) >= WHOLE else 1
