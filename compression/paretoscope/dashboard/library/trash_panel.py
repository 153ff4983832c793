"""What was deleted: undo the last one, restore others, empty the trash."""

from __future__ import annotations

from functools import partial

import streamlit as st

from paretoscope.dashboard.library import deleting
from paretoscope.dashboard.library.wording import in_bytes
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.library import trash
from paretoscope.library.trash import Deleted

ABOUT = "Deleted files use space until the trash is emptied."


def undo() -> None:
    """The last deletion of this session, with its undo; or why it failed."""
    if error := st.session_state.get(deleting.ERROR):
        error_card(error)
    last: Deleted | None = st.session_state.get(deleting.LAST)
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f":material/delete: {last.what}: deleted.", width="content")
        permissions.button(
            "Undo",
            key="undo_delete",
            icon=":material/undo:",
            act=partial(deleting.restore, last),
        )


def draw() -> None:
    found = trash.deleted(data.workspace())
    if not found:
        return
    size = in_bytes(sum(each.size_bytes for each in found))
    with st.expander(f"Trash ({len(found)}, {size})"):
        st.caption(ABOUT)
        for each in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"{each.what} :gray[{in_bytes(each.size_bytes)}, {each.deleted_at:%d %b %Y}]",
                    width="stretch",
                )
                permissions.button(
                    "Restore",
                    key=f"restore_{each.id}",
                    type="tertiary",
                    act=partial(deleting.restore, each),
                )
        permissions.button(
            f"Empty the trash (frees {size})",
            key="empty_trash",
            icon=":material/delete_forever:",
            act=_empty,
        )


def _empty() -> None:
    """Callback: remove everything in the trash for good."""
    st.session_state.pop(deleting.LAST, None)
    try:
        permissions.require()
        trash.empty(data.workspace())
    except ParetoscopeError as error:
        st.session_state[deleting.ERROR] = str(error)
