"""The actions in the header of Explore: share, report, bring your model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from paretoscope.dashboard.parts.first_runs import measure_button
from paretoscope.dashboard.shell import header, share
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import short


def draw(scope: Scope) -> None:
    """Buttons in one line; measuring here is offered while the demo machine is shown."""
    share.button()
    table = scope.rows()
    st.download_button(
        "Report",
        partial(_report, table),
        f"{short(scope.model)}-{short(scope.task)}.html",
        "text/html",
        icon=":material/article:",
        type="tertiary",
        on_click="ignore",
        disabled=not table,
        key="report",
        help="One HTML file that opens offline: plots, answer and table.",
    )
    header.bring_link()
    if scope.demo:
        measure_button(scope)


def _report(table: Sequence[Row]) -> str:
    # Imported on a click: it reads plotly's script, which is large.
    from paretoscope.report.html import report_html

    return report_html([row.document for row in table])
