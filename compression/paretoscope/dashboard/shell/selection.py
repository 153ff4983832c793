"""The picked points: set by plots, table and buttons, kept in the session and in the URL.

A plot loses its own selection whenever its figure changes, so a click only toggles a trial id here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

MOST = 6
PICKS = "picks"
"""Session state: trial ids in the order in which they were picked."""


def picked(known: Sequence[str], representatives: Mapping[str, str] | None = None) -> list[str]:
    """The picked ids among `known`, in picking order; initially those of the link.

    `representatives` maps a trial to the one that shows its recipe.
    """
    if PICKS not in st.session_state:
        st.session_state[PICKS] = st.query_params.get_all("pick")
    shown = representatives or {}
    stored = _stored()
    replaced = dict.fromkeys(shown.get(each, each) for each in stored)
    kept = [each for each in replaced if each in known]
    if kept != stored or kept != st.query_params.get_all("pick"):
        write(kept)  # after a change of page or scope the link is out of date
    return _stored()


def _stored() -> list[str]:
    return list(st.session_state.get(PICKS, []))


def toggle(trial_id: str) -> None:
    stored = _stored()
    if trial_id in stored:
        write([each for each in stored if each != trial_id])
    else:
        write([*stored, trial_id])


def add(ids: Sequence[str]) -> None:
    write([*_stored(), *ids])


def write(ids: Sequence[str]) -> None:
    """Replace the picks; of too many, the oldest are dropped."""
    kept = list(dict.fromkeys(ids))[-MOST:]
    st.session_state[PICKS] = kept
    if kept:
        st.query_params["pick"] = kept
    elif "pick" in st.query_params:
        del st.query_params["pick"]


def query() -> dict[str, list[str]]:
    """The address of this view, for a switch to another page."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def clicked(chart: str) -> None:
    """Callback of a plot: toggle the clicked point."""
    event: Any = st.session_state.get(chart)
    points: list[dict[str, Any]] = event["selection"]["points"] if event else []
    for point in points[:1]:
        if point.get("customdata"):
            toggle(_trial_id(point["customdata"]))


def _trial_id(custom: str | dict[str, str] | list[str]) -> str:
    """The first entry of a point's custom data, which arrives in different containers."""
    if isinstance(custom, str):
        return custom
    return custom["0"] if isinstance(custom, dict) else custom[0]


def selected_rows(table: str, ids: Sequence[str]) -> None:
    """Callback of a table with rows `ids`: its selection replaces the picks, in their order."""
    event: Any = st.session_state.get(table)
    chosen: list[int] = event["selection"]["rows"] if event else []
    rows = [ids[int(row)] for row in chosen if row < len(ids)]
    before = [each for each in _stored() if each in rows]
    write([*before, *(each for each in rows if each not in before)])
