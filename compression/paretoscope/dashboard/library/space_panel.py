"""Disk used by the workspace, by kind, and the cache that can be deleted."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library.wording import in_bytes
from paretoscope.dashboard.parts.tables import table
from paretoscope.dashboard.shell import data, permissions
from paretoscope.library.space import KINDS, clear_cache, used
from paretoscope.library.uploads import free_bytes

COST = (
    "Deleting the cache keeps all results, artefacts and uploads. Recipes that share a trained"
    " student or an exported graph compute it again, which can take minutes."
)
BUSY = "A job is running and reads the cache."
EMPTY = "The cache is empty."
FREED = "space_freed"
"""Session state: bytes that were freed in this session."""


def draw() -> None:
    """A table that is measured while the expander is open."""
    free = in_bytes(free_bytes(data.workspace()))
    opened = st.expander(f"Space ({free} free)", key="space", on_change="rerun")
    if opened.open:
        with opened:
            _table(free)


def _table(free: str) -> None:
    found = used(data.workspace())
    st.markdown(
        f"**{in_bytes(sum(found.values()))}** used in `{data.workspace().root}`, {free} free on"
        " its disk."
    )
    shown = {KINDS[kind]: in_bytes(size) for kind, size in found.items() if size}
    if shown:
        table({"What": list(shown), "Size": list(shown.values())}, alt="Disk used by kind")
    permissions.button(
        f"Free space: delete the cache ({in_bytes(found['cache'])})",
        key="clear_cache",
        why_not=BUSY if data.live_trials() else "" if found["cache"] else EMPTY,
        act=_clear,
    )
    st.caption(COST)
    if FREED in st.session_state:
        st.caption(f"{in_bytes(st.session_state[FREED])} freed.")


def _clear() -> None:
    """Callback: delete the cache unless a job has started by now."""
    if permissions.may_act() and not data.live_trials():
        st.session_state[FREED] = clear_cache(data.workspace())
