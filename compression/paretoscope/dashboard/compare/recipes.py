"""The settings in which the recipes differ, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.parts import tables
from paretoscope.recipes.diff import recipe_differences
from paretoscope.report.tables.table import Row

HEADING = "#### Differences between the recipes"
EQUAL = "The recipes are equal."


def draw(rows: Sequence[Row]) -> None:
    """A line for each differing setting, a column for each model."""
    found = recipe_differences([row.summary.recipe for row in rows])
    st.markdown(HEADING)
    if not found:
        st.caption(EQUAL)
        return
    lines = {"Setting": [each.in_words() for each in found]}
    for at, row in enumerate(rows):
        lines[row.short_name] = [each.values[at] for each in found]
    tables.table(lines, alt=f"Table of {len(found)} settings in which the recipes differ")
