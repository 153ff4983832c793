"""The columns of the table of models and the cells of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.frontier.front import Frontier
from paretoscope.frontier.normalize import NORMALIZED_METRICS
from paretoscope.frontier.recommend import Recommendation
from paretoscope.recipes.short_name import stage_words
from paretoscope.report.tables.table import Row
from paretoscope.trials.axes import Axes
from paretoscope.trials.format import p_in_words, when
from paretoscope.trials.metrics import Metric, metric

MODEL, FRONT, SESSION, DATE = "Model", "Pareto front", "Session", "Date"
CHANGE, P_VALUE, SMALLER, MEASURED = "change", "p", "smaller", "timed"
STAGES = "Stages"
"""Column with the stages of the recipe in their order."""
ON_FRONT, NEAR, DOMINATED = "on it", "within error", "dominated"
NOT_COMPARABLE, EXCLUDED = "not comparable", "over a limit"
REFERENCE = "reference point"
FRONT_HELP = "Within error: statistically indistinguishable from the front."
P_HELP = "McNemar's exact test on the same examples. Below .05, chance does not explain the change."
NOISY_HELP = "Noisy: other processes disturbed the timing."
FORMATS = {
    "quality": "%.1f %%",
    "size_bytes": "%.1f MB",
    "speedup": "%.2fx",
    "peak_memory_bytes": "%.0f MB",
    "energy_j": "%.3f J",
}


def record(
    row: Row, found: Frontier, advice: Recommendation, further: Sequence[str]
) -> dict[str, Any]:
    """One row by column, numbers in shown units so that they can be sorted."""
    axes, p = row.summary.axes, row.summary.mcnemar_p
    size, base = row.point.value(axes.size), row.baseline.get("size_bytes")
    cells: dict[str, Any] = {
        MODEL: title(row),
        FRONT: _standing(row.id, found, advice),
        CHANGE: _change(row, metric(axes.quality)),
        P_VALUE: None if p is None or row.is_baseline else _p_value(p),
        SMALLER: base / size if size and base else None,
        MEASURED: row.timed_ms,
        SESSION: "noisy" if row.noisy else None,
        DATE: when(row.summary),
        STAGES: [stage_words(stage) for stage in row.summary.recipe.stages],
    }
    for key in (*axes.objectives, *further):
        value = row.point.value(key)
        cells[key] = None if value is None else metric(key).shown(value)
    return {name: cells[name] for name in _order(axes, further)}


def _order(axes: Axes, further: Sequence[str]) -> tuple[str, ...]:
    # McNemar's test compares answers; for a language model it does not apply to perplexity.
    p_value = () if metric(axes.quality).relative else (P_VALUE,)
    first = (MODEL, STAGES, axes.quality, CHANGE, *p_value, axes.size, SMALLER, axes.time)
    return (*first, *further, FRONT, MEASURED, SESSION, DATE)


def _p_value(p: float) -> str:
    return p_in_words(p).removeprefix("p ").removeprefix("= ")


def _change(row: Row, of: Metric) -> float | None:
    """The change from the baseline in points, or in per cent of it."""
    value, base = row.point.value(of.key), row.baseline.get(of.key)
    if value is None or base is None or row.is_baseline:
        return None
    return 100 * (value / base - 1) if of.relative else of.shown(value - base)


def _standing(trial_id: str, found: Frontier, advice: Recommendation) -> str:
    if trial_id in found.not_comparable:
        return NOT_COMPARABLE
    if trial_id in found.references:
        return REFERENCE
    if trial_id in found.on_front:
        standing = ON_FRONT
    else:
        standing = NEAR if trial_id in found.statistically_on_front else DOMINATED
    return standing if trial_id in advice.feasible else f"{standing}, {EXCLUDED}"


def columns(axes: Axes, further: Sequence[str]) -> dict[str, Any]:
    """Streamlit's configuration of the columns."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    change = "%+.1f %%" if metric(axes.quality).relative else "%+.1f points"
    shown: dict[str, Any] = {
        MODEL: text(MODEL, width=240, pinned=True),
        STAGES: st.column_config.ListColumn(STAGES, width=250),
        FRONT: text(FRONT, width=105, help=f"{glossary.sentence('Pareto front')} {FRONT_HELP}"),
        CHANGE: number(
            "Change", format=change, help=f"From the baseline. {glossary.sentence('Baseline')}"
        ),
        P_VALUE: text("p", help=P_HELP),
        SMALLER: number("Smaller", format="%.1fx", help="Size of the baseline ÷ size."),
        MEASURED: number(
            f"{metric(axes.time).label}, measured",
            format="%.2f ms",
            help=f"Before normalization. {NORMALIZED_METRICS}",
        ),
        SESSION: text(SESSION, help=NOISY_HELP),
    }
    for key in (*axes.objectives, *further):
        row = metric(key)
        about = (_about(row), NORMALIZED_METRICS if key == axes.time else "")
        shown[key] = number(
            row.label,
            format=FORMATS.get(key, f"%.2f {row.unit}"),
            help=" ".join(part for part in about if part) or None,
        )
    return shown


def _about(of: Metric) -> str:
    """What a metric is; the glossary has the sentence of some."""
    term = {"speedup": "Speed-up", "perplexity": "Perplexity"}.get(of.key)
    return glossary.sentence(term) if term else of.about
