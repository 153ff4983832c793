"""What was done to each model, in words, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.parts import downloads, runs, stage_chips, tables
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.diff import recipe_differences
from paretoscope.recipes.plain_words import differences_in_words, recipe_in_words
from paretoscope.report.tables.table import Row

HEADING = "#### What was done to each model"
EQUAL = "The recipes are equal."
ACROSS = 3
SETTINGS = "All settings that differ"


def draw(scope: Scope, rows: Sequence[Row]) -> None:
    """A card for each model, and the exact settings one click away."""
    st.markdown(HEADING)
    across = min(ACROSS, len(rows))
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(st.columns(across), rows[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(scope, row, rows)
    _settings(rows)


def _card(scope: Scope, row: Row, rows: Sequence[Row]) -> None:
    st.markdown(f"**{title(row)}**")
    st.markdown(stage_chips.chips(row.summary.recipe))
    st.markdown(in_words(row, rows))
    st.caption(f"{row.document.protocol} protocol · trial `{row.id}`")
    runs.timing_note(row)
    with st.container(horizontal=True):
        downloads.artifact(scope, row, key=f"compare_{row.id}")


def in_words(row: Row, rows: Sequence[Row]) -> str:
    """The recipe, or how it differs from that of the first compressed model."""
    first = next((each for each in rows if not each.is_baseline), row)
    if row.is_baseline or row is first:
        text = "; ".join(recipe_in_words(row.summary.recipe))
        return f"{text[0].upper()}{text[1:]}."
    phrases = differences_in_words(first.summary.recipe, row.summary.recipe)
    if not phrases:
        return f"Compared with {first.short_name}: no difference."
    return f"Compared with {first.short_name}: {'; '.join(phrases)}."


def _settings(rows: Sequence[Row]) -> None:
    """A line for each differing setting, a column for each model."""
    found = recipe_differences([row.summary.recipe for row in rows])
    if not found:
        st.caption(EQUAL)
        return
    lines = {"Setting": [each.in_words() for each in found]}
    for at, row in enumerate(rows):
        lines[row.short_name] = [each.values[at] for each in found]
    with st.expander(SETTINGS):
        tables.table(lines, alt=f"Table of {len(found)} settings in which the recipes differ")
