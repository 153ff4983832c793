"""The metrics of the compared models as a table with bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.shell import layout
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.side_by_side_html import side_by_side_html
from paretoscope.report.tables.side_by_side import side_by_side
from paretoscope.report.tables.table import Row
from paretoscope.trials.samples import Samples

READING = (
    "In brackets: 95 % intervals. *best* is shown only where the difference is beyond chance:"
    " a paired test of the predictions, else intervals that do not overlap."
)


def draw(scope: Scope, rows: Sequence[Row], samples: Mapping[str, Samples | None]) -> None:
    """Values, intervals, changes against the baseline, and the best beyond chance."""
    lines = side_by_side(rows, samples)
    st.html(side_by_side_html(lines, rows, dark=layout.dark()))
    normalized = rows[0].reference.normalized_to
    notes = [READING, f"Conditions: {scope.conditions.in_words()}."]
    notes += [f"Latencies are normalized: {normalized}."] if normalized else []
    st.caption(" ".join(notes))
