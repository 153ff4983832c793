"""The table of models under the plots, linked with them both ways, and what can be taken away from
it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.front import Frontier
from paretoscope.frontier.normalize import NORMALIZED_METRICS
from paretoscope.frontier.recommend import Recommendation
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.csv_table import to_csv
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.axes import Axes
from paretoscope.trials.format import p_in_words, short, when
from paretoscope.trials.metrics import Metric, metric

TABLE = "models"
PARTS: dict[str, tuple[type, ...]] = {
    "Distilled": (Distill,),
    "Pruned": (PruneStructure, PruneWeights),
    "Quantized": (Quantize,),
}
"""Columns of the table with the stages that each is about."""


def draw(
    scope: Scope,
    table: Sequence[Row],
    found: Frontier,
    advice: Recommendation,
    picked: Sequence[str],
) -> None:
    """Best first: the recommended one, the front, what is near it, the rest by quality. A selected
    row is a picked point.
    """
    ordered = _ordered(table, found, advice)
    ids = [row.id for row in ordered]
    further = [row.key for row in present_metrics(table) if row.listed]
    st.markdown("#### Models")
    # Rows are numbers: a table in another order is another widget, or its old numbers would pick
    # other models.
    key = f"{TABLE}_{zlib.crc32(''.join(ids).encode()):08x}"
    st.session_state[key] = {
        "selection": {
            "rows": [ids.index(id) for id in picked if id in ids],
            "columns": [],
            "cells": [],
        }
    }
    st.dataframe(
        [_record(row, found, advice, scope.axes, further) for row in ordered],
        key=key,
        hide_index=True,
        on_select=partial(selection.selected_rows, key, ids),
        selection_mode="multi-row",
        column_config=_columns(scope.axes, further),
        placeholder="–",
        height=min(38 + 35 * len(ordered), 560),
        alt=f"Table of {len(ordered)} measured models",
    )
    with st.container(
        horizontal=True
    ):  # under the table: over it lies its own tool bar, which a touch screen always shows
        name = f"{short(scope.model)}-{short(scope.task)}"
        st.download_button(
            "CSV",
            partial(_csv, table),
            f"{name}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/table:",
            type="tertiary",
        )
        st.download_button(
            "Report",
            partial(_report, table),
            f"{name}.html",
            "text/html",
            on_click="ignore",
            icon=":material/article:",
            type="tertiary",
        )


def _ordered(table: Sequence[Row], found: Frontier, advice: Recommendation) -> list[Row]:
    near, on_front = set(found.statistically_on_front), set(found.on_front)

    def rank(row: Row) -> tuple[bool, bool, bool, bool, float]:
        return (
            row.id != advice.best,
            row.id not in advice.feasible,
            row.id not in on_front,
            row.id not in near,
            row.point.cost(row.document.axes.quality),
        )

    return sorted(table, key=rank)


def _record(
    row: Row, found: Frontier, advice: Recommendation, axes: Axes, further: Sequence[str]
) -> dict[str, Any]:
    """One line of the table, numbers in the shown unit so that a click on a head sorts them."""
    baseline, paired = row.baseline, row.document.paired
    quality, size = row.point.value(axes.quality), row.point.value(axes.size)
    known = quality is not None and axes.quality in baseline and not row.document.is_baseline
    record: dict[str, Any] = {
        "Model": f"{STYLES[row.family].glyph} {row.name}",
        **_recipe(row.document.recipe),
        "Front": _standing(row.id, found, advice),
        "change": (
            _change(metric(axes.quality), quality, baseline[axes.quality])
            if known and quality is not None
            else None
        ),
        "p": (
            p_in_words(paired.mcnemar_p).removeprefix("p ").removeprefix("= ")
            if paired and not row.document.is_baseline
            else None
        ),
        "smaller": baseline["size_bytes"] / size if size and "size_bytes" in baseline else None,
        "timed": row.timed_ms,
        "Sitting": "noisy" if row.noisy else None,
        "When": when(row.document),
    }
    for key in (*axes.objectives, *further):
        value = row.point.value(key)
        record[key] = None if value is None else metric(key).shown(value)
    chance = (
        () if metric(axes.quality).relative else ("p",)
    )  # of a language model McNemar's test is about something else than perplexity
    first = ("Model", "Front", axes.quality, "change", *chance, axes.size, "smaller", axes.time)
    return {name: record[name] for name in (*first, *further, *PARTS, "timed", "Sitting", "When")}


def _recipe(recipe: Recipe) -> dict[str, str | None]:
    """What each strategy does, apart: the names of long chains look alike where only their
    beginnings fit.
    """
    return {
        part: (
            ", ".join(stage.in_words() for stage in recipe.stages if isinstance(stage, kinds))
            or None
        )
        for part, kinds in PARTS.items()
    }


def _change(of: Metric, value: float, base: float) -> float:
    """Beside the baseline's, in points, or in per cent of it."""
    return 100 * (value / base - 1) if of.relative else of.shown(value - base)


def _standing(id: str, found: Frontier, advice: Recommendation) -> str:
    if id in found.not_comparable:
        return "not comparable"
    words = (
        "on it"
        if id in found.on_front
        else "within error"
        if id in found.statistically_on_front
        else "dominated"
    )
    return words if id in advice.feasible else f"{words}, over a limit"


def _columns(axes: Axes, further: Sequence[str]) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    shown: dict[str, Any] = {
        "Model": st.column_config.TextColumn("Model", width=240, pinned=True),
        "Front": st.column_config.TextColumn("Front", width=105),
        "change": number(
            "vs baseline", format="%+.1f %%" if metric(axes.quality).relative else "%+.1f points"
        ),
        "p": st.column_config.TextColumn(
            "p",
            help=(
                "McNemar's exact test on the same examples: below .05 the difference is more than"
                " chance"
            ),
        ),
        "smaller": number("Smaller", format="%.1fx"),
        "timed": number(
            "As timed",
            format="%.2f ms",
            help=f"{metric(axes.time).label} by the clock of its own sitting. {NORMALIZED_METRICS}",
        ),
        "Sitting": st.column_config.TextColumn(
            "Sitting", help="noisy: the machine was not quiet while this was timed"
        ),
    }
    formats = {
        "quality": "%.1f %%",
        "size_bytes": "%.1f MB",
        "speedup": "%.2fx",
        "peak_memory_bytes": "%.0f MB",
        "energy_j": "%.3f J",
    }
    for key in (*axes.objectives, *further):
        row = metric(key)
        about = " ".join(
            part for part in (row.about, NORMALIZED_METRICS if key == axes.time else "") if part
        )
        shown[key] = number(
            row.label, format=formats.get(key, f"%.2f {row.unit}"), help=about or None
        )
    return shown


def _csv(table: Sequence[Row]) -> str:
    return to_csv(table)


def _report(table: Sequence[Row]) -> str:
    from paretoscope.report.html import (
        report_html,
    )  # plotly's script is large: read when somebody asks for it

    return report_html([row.document for row in table])
