"""Which points are picked: owned by the app, written by charts, table and buttons, kept in the URL.

A chart loses its own selection whenever its figure changes, so a click only toggles an id here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

MOST = 6


def picked(known: Sequence[str], instead: Mapping[str, str] | None = None) -> list[str]:
    """Picked ids that are among `known`, in the order in which they were picked; read from the link
    at first. `instead` names for some that are not the one that stands for them."""
    if "picks" not in st.session_state:
        st.session_state["picks"] = st.query_params.get_all("pick")
    chosen: list[str] = st.session_state["picks"]
    kept = [id for id in dict.fromkeys((instead or {}).get(id, id) for id in chosen) if id in known]
    if kept != chosen or kept != st.query_params.get_all("pick"):
        write(kept)  # another page, another scope: the link says again what is picked
    return list(st.session_state["picks"])


def toggle(id: str) -> None:
    chosen: list[str] = list(st.session_state.get("picks", []))
    write([other for other in chosen if other != id] if id in chosen else [*chosen, id])


def write(ids: Sequence[str]) -> None:
    """Replace the picks; the oldest go when there are too many."""
    kept = list(dict.fromkeys(ids))[-MOST:]
    st.session_state["picks"] = kept
    if kept:
        st.query_params["pick"] = kept
    elif "pick" in st.query_params:
        del st.query_params["pick"]


def clicked(chart: str) -> None:
    """Callback of a chart: toggle whatever point was clicked."""
    event = st.session_state.get(chart)
    points = event["selection"]["points"] if event else []
    for point in points[:1]:
        if point.get("customdata"):
            found = point["customdata"]
            toggle(
                found[0]
                if isinstance(found, list)
                else found["0"]
                if isinstance(found, dict)
                else found
            )


def selected_rows(table: str, ids: Sequence[str]) -> None:
    """Callback of a table whose rows are `ids`: its selection becomes the picks, in the order that
    they had.
    """
    event: Any = st.session_state.get(table)
    rows: list[str] = (
        [ids[int(row)] for row in event["selection"]["rows"] if row < len(ids)] if event else []
    )
    before: list[str] = [id for id in st.session_state.get("picks", []) if id in rows]
    write([*before, *(id for id in rows if id not in before)])
