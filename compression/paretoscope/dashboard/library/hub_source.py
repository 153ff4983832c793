"""A model of the Hugging Face Hub: first what it is and how large, then the download."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library import brought
from paretoscope.dashboard.library.wording import counted, in_bytes
from paretoscope.dashboard.shell import permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.sources import hub
from paretoscope.sources.hub import HubModel

ID, FOUND = "bring_hub_id", "bring_hub_found"


def draw() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Hub id", key=ID, placeholder="org/name or org/name@revision")
        permissions.button("Look up", key="bring_hub_look", act=_look_up)
    if error := brought.error_of("hub"):
        error_card(error)
    found: HubModel | None = st.session_state.get(FOUND)
    if found is None:
        return
    st.markdown(in_words(found))
    label = "Use the local copy" if found.cached else f"Download {in_bytes(found.size_bytes)}"
    if permissions.button(label, key="bring_hub_fetch", icon=":material/download:"):
        _fetch(found.name)


def in_words(found: HubModel) -> str:
    """What the hub says: files, bytes and licence."""
    if found.cached:
        return f"**{found.name}** is on this machine already."
    licence = f"licence {found.licence}" if found.licence else "no licence stated"
    files = counted(len(found.files), "file")
    return f"**{found.name}**: {files}, {in_bytes(found.size_bytes)}, {licence}."


def _look_up() -> None:
    """Callback: ask the hub; nothing is downloaded."""
    st.session_state.pop(FOUND, None)
    brought.report_error("hub", None)
    name = st.session_state.get(ID, "").strip()
    if not name or not permissions.may_act():
        return
    try:
        st.session_state[FOUND] = hub.describe(name)
    except ParetoscopeError as error:
        brought.report_error("hub", str(error))


def _fetch(name: str) -> None:
    try:
        permissions.require()
        with st.spinner(f"Downloading {name}", show_time=True):
            hub.fetch(name)
    except ParetoscopeError as error:
        error_card(error)
    else:
        brought.set_model(name)
