"""The actions in the header of Explore: share, report, bring your model."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.parts.first_runs import measure_button
from paretoscope.dashboard.shell import header, share
from paretoscope.dashboard.shell.scope import Scope


def draw(scope: Scope) -> None:
    """Buttons in one line; measuring here is offered while the demo machine is shown."""
    share.button(scope)
    table = scope.rows()
    st.download_button(
        "Report",
        share.file(table),
        share.file_name(scope),
        "text/html",
        icon=":material/article:",
        type="tertiary",
        on_click="ignore",
        disabled=not table,
        key="report",
        help=share.OFFLINE if table else share.NOTHING,
    )
    header.bring_link()
    if scope.demo:
        measure_button(scope)
