"""After model and data were chosen: measure them here, then see the curves."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library import brought
from paretoscope.dashboard.library.wording import counted
from paretoscope.dashboard.parts import first_runs, runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.engine_status import in_words
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import short


def selected(model: str, task: str) -> str:
    """The heading after a change of model and data."""
    return f"Selected: {short(model)} on {short(task)}"


def draw(scope: Scope) -> None:
    with st.container(border=True):
        st.markdown(f"#### :material/check_circle: {selected(scope.model, scope.task)}")
        waiting = _live(scope)
        if waiting:
            st.fragment(_progress, run_every=runs.POLL_SECONDS)(scope)
        elif measured := len(scope.rows()):
            st.markdown(f"{counted(measured, 'version')} measured.")
        else:
            st.markdown(
                "All pages show it now. Measure it to see what compressing costs and saves."
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            if not waiting and not scope.rows():
                first_runs.measure_button(scope, label=first_runs.in_full(scope), primary=True)
            st.page_link("pages/explore.py", label="See the curves", icon=":material/scatter_plot:")
            st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")
            st.button(
                "Bring another",
                key="bring_another",
                type="tertiary",
                icon=":material/upload_file:",
                on_click=_again,
            )


def _again() -> None:
    """Callback: the drop zones again."""
    st.session_state.pop(brought.USED, None)


def _live(scope: Scope) -> list[TrialRow]:
    """The queued and running trials of this model and data."""
    mine = (scope.model, scope.task)
    return [row for row in data.live_trials() if (row.request.model, row.request.task) == mine]


def _progress(scope: Scope) -> None:
    """One line while trials of the model run; the page is drawn again when they end."""
    live = _live(scope)
    running = [row for row in live if row.status == "running"]
    st.markdown(f":material/autorenew: {in_words(live)}")
    for row in running[:1]:
        st.progress(runs.share_done(row), text=runs.progress_in_words(row))
