"""The link to the view, and the view as one HTML file.

The address holds the whole scope and every choice of the page; the file holds all models of the
scope, with the picked ones marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import short

RESTORES = "Opens this view: model, machine, conditions, limits, axes and picked models."
OFFLINE = "One HTML file that opens without a server: answer, interactive plots and all numbers."
MARKED = "Picked models are marked."
FILE = "share_file"
"""Key of the button in the popover."""
NOTHING = "Nothing is measured in this scope yet."


def button(scope: Scope) -> None:
    """A popover with the link and the file; what is in it is made when it opens or on a click."""
    with st.popover(
        "Share", icon=":material/link:", type="tertiary", key="share", on_change="rerun"
    ) as opened:
        if opened.open:
            st.caption(RESTORES)
            st.code(link(), language=None, wrap_lines=True)
            table = scope.rows()
            chosen = picked(table)
            st.caption(f"{OFFLINE} {MARKED}" if chosen else OFFLINE)
            st.download_button(
                "Download as one file",
                file(table, chosen),
                file_name(scope),
                "text/html",
                icon=":material/download:",
                on_click="ignore",
                disabled=not table,
                key=FILE,
                help=None if table else NOTHING,
            )


def picked(table: Sequence[Row]) -> list[str]:
    """The picked models among the rows, also where a page has not read its link yet."""
    found = st.session_state.get(selection.PICKS, st.query_params.get_all("pick"))
    known = {row.id for row in table}
    return [each for each in found if each in known]


def file(table: Sequence[Row], chosen: Sequence[str] = ()) -> Callable[[], str]:
    """A function that writes the file; it runs only on a click."""
    return partial(_html, table, chosen)


def _html(table: Sequence[Row], chosen: Sequence[str]) -> str:
    # Imported on a click: it reads Plotly's script, which is large.
    from paretoscope.report.html import report_html

    return report_html([row.document for row in table], chosen)


def file_name(scope: Scope) -> str:
    return f"{short(scope.model)}-{short(scope.task)}.html"


def link() -> str:
    """The address of the view."""
    query = {key: st.query_params.get_all(key) for key in sorted(st.query_params)}
    return f"{st.context.url or ''}?{urlencode(query, doseq=True)}"
