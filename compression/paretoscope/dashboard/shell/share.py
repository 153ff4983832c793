"""The link to the view: the address holds the whole scope and every choice of the page."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

RESTORES = "Opens this view: model, machine, conditions, limits, axes and picked models."


def button() -> None:
    """A popover with the link, which is read when it opens."""
    with st.popover(
        "Share", icon=":material/link:", type="tertiary", key="share", on_change="rerun"
    ) as opened:
        if opened.open:
            st.caption(RESTORES)
            st.code(link(), language=None, wrap_lines=True)


def link() -> str:
    """The address of the view."""
    query = {key: st.query_params.get_all(key) for key in sorted(st.query_params)}
    return f"{st.context.url or ''}?{urlencode(query, doseq=True)}"
