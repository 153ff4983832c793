"""What to do with a model that is measured: get it, see its errors, repeat it, see its stages."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.actions import queue
from paretoscope.dashboard.compress.request import Wanted
from paretoscope.dashboard.parts import chain, downloads, runs
from paretoscope.dashboard.shell.scope import Scope, address
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import when

NOISY = (
    "Other work disturbed this measurement session, so the speed is uncertain; measure it again."
)
STAGES = "show_stages"


def actions(scope: Scope, wanted: Wanted, row: Row) -> None:
    """The buttons of a measured model."""
    if row.noisy:
        st.warning(NOISY, icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="result"):
        if scope.here:
            downloads.artifact(scope, row, key=f"result_{row.id}")
        if not row.document.is_baseline:
            _what_it_gets_wrong(scope, row)
        if scope.here:
            _again(wanted)
        st.toggle(
            "Show after each stage",
            disabled=not chain.is_chain(row),
            help=None if chain.is_chain(row) else "The recipe has one stage.",
            key=STAGES,
        )


def notes(scope: Scope, row: Row) -> None:
    """What has to be known of the measurement, and the model after each stage if it is shown."""
    where = "on this machine" if scope.here else f"on {scope.elsewhere}"
    st.caption(f":material/check_circle: Measured {where}, {when(row.document)}.")
    if scope.here and not row.document.is_baseline:
        st.caption(runs.comparison(row))
    runs.timing_note(row)
    runs.notes(row.document.notes)
    if st.session_state.get(STAGES) and chain.is_chain(row):
        chain.draw(scope, row)


def _what_it_gets_wrong(scope: Scope, row: Row) -> None:
    """A link to Compare with the original and this model picked."""
    base = next((each.id for each in scope.rows() if each.document.is_baseline), None)
    picks = [each for each in (base, row.id) if each]
    query = [pair for pair in address(row.document, demo=scope.demo) if pair[0] != "pick"]
    st.page_link(
        "pages/compare.py",
        label="What it gets wrong",
        icon=":material/compare_arrows:",
        query_params=[*query, *(("pick", each) for each in picks)],
    )


def _again(wanted: Wanted) -> None:
    trial = wanted.trial
    ready = wanted.request is not None and trial is not None and trial.status == "done"
    if st.button(
        "Measure again",
        icon=":material/replay:",
        key="measure_again",
        disabled=not ready,
        help=None if ready else "It was measured under other settings than those chosen.",
    ):
        queue([request for request in (wanted.request,) if request], again=True)
