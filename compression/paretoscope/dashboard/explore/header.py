"""The heading of Explore with the link that restores the view."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from paretoscope.dashboard.parts import study_note
from paretoscope.dashboard.shell.layout import query
from paretoscope.dashboard.shell.scope import Scope, conditions_key
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import short

RESTORES = "This link restores models, axes, limits and picked models."


def draw(scope: Scope, table: Sequence[Row]) -> DeltaGenerator:
    """Heading and popover; returns the place of the link, which `link` fills at the end."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(f"## {short(scope.model)} on {short(scope.task)}", width="content")
        with st.popover("Copy link", icon=":material/link:", type="tertiary"):
            place = st.container()
    if table and not scope.demo:
        counted = study_note.models(len(table))
        st.caption(f"{counted} measured on {scope.where} · {scope.conditions.in_words()}")
    study_note.draw(scope)
    return place


def link(place: DeltaGenerator, scope: Scope) -> None:
    """The address with the whole scope, because defaults may differ on another machine."""
    chosen = {
        "model": scope.model,
        "task": scope.task,
        "machine": scope.machine_key,
        "at": conditions_key(scope.conditions),
    }
    address = urlencode({**chosen, **query()}, doseq=True)
    with place:
        st.caption(RESTORES)
        st.code(f"{st.context.url or ''}?{address}", language=None, wrap_lines=True)
