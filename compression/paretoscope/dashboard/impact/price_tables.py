"""The tables of prices and intensities: edited in the session, exported and imported as CSV."""

from __future__ import annotations

from typing import Any

import streamlit as st

from paretoscope.dashboard.impact.edits import edited
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.impact.tables import (
    ROWS,
    Tables,
    columns,
    parse,
    records,
    shipped,
    to_csv,
    with_table,
)

TITLES = {
    "instances": "Instances",
    "grid": "Grid carbon",
    "electricity": "Electricity",
    "power": "Power and PUE",
    "devices": "Devices",
}
LABELS = {
    "name": "Name",
    "provider": "Provider",
    "region": "Region",
    "vcpus": "vCPUs",
    "memory_gib": "Memory (GiB)",
    "usd_per_hour": "USD/h",
    "electricity_included": "Electricity included",
    "g_per_kwh": "gCO2e/kWh",
    "usd_per_kwh": "USD/kWh",
    "idle_w_per_vcpu": "Idle W/vCPU",
    "busy_w_per_vcpu": "Busy W/vCPU",
    "pue": "PUE",
    "battery_wh": "Battery (Wh)",
    "as_of": "As of",
    "source": "Source",
}
EXAMPLES = (
    "Dated examples, not quotes. Edit a cell, add a row at the bottom, or import a CSV. Changes"
    " last as long as this session; the link keeps the values in use."
)
STATE = "impact_tables"
"""Session state: by table its rows before (`base`) and after (`now`) the edits of its editor."""


def current() -> Tables:
    """The tables with the edits of the session; wrong edits are left out until they are right."""
    tables = shipped()
    for name in ROWS:
        tables = with_table(tables, name, _rows(name))
    return tables


def _state(table: str) -> dict[str, Any]:
    states = st.session_state.setdefault(STATE, {})
    rows = getattr(shipped(), table)
    return states.setdefault(table, {"base": rows, "now": rows, "error": "", "editor": 0})


def _key(table: str) -> str:
    return f"im_editor_{table}_{_state(table)['editor']}"


def _rows(table: str) -> tuple[Any, ...]:
    state = _state(table)
    changes = st.session_state.get(_key(table))
    if changes is None:  # another page was open, so the editor starts from the edited rows
        state["base"] = state["now"]
        return state["now"]
    try:
        state["now"], state["error"] = edited(table, state["base"], changes), ""
    except ParetoscopeError as error:
        state["error"] = str(error)
    return state["now"]


def _replace(table: str, rows: tuple[Any, ...]) -> None:
    """Other rows, with a new editor."""
    state = _state(table)
    state.update(base=rows, now=rows, error="", editor=state["editor"] + 1)


def draw() -> None:
    """A tab for each table."""
    st.markdown("#### Prices and intensities")
    st.caption(EXAMPLES)
    for tab, table in zip(st.tabs(list(TITLES.values())), TITLES, strict=True):
        with tab:
            _table(table)


def _table(table: str) -> None:
    state = _state(table)
    if state["error"]:
        error_card(state["error"])
    st.data_editor(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        records(state["base"], table),
        key=_key(table),
        num_rows="dynamic",
        hide_index=True,
        column_config={name: _column(name) for name in columns(table)},
        column_order=columns(table),
        height=min(38 + 35 * (len(state["base"]) + 1), 320),
        alt=f"{TITLES[table]}: values with date and source",
    )
    _actions(table)


def _column(name: str) -> Any:
    label = LABELS[name]
    if name == "electricity_included":
        return st.column_config.CheckboxColumn(label, default=True)
    if name == "source":
        return st.column_config.TextColumn(label, width="large")
    if name in {"name", "provider", "region", "as_of"}:
        return st.column_config.TextColumn(label, required=name == "name")
    return st.column_config.NumberColumn(label, min_value=0.0, format="%.6g")


def _actions(table: str) -> None:
    state = _state(table)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Export CSV",
            lambda: to_csv(state["now"], table),
            f"{table}.csv",
            "text/csv",
            key=f"im_export_{table}",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover("Import CSV", icon=":material/upload_file:"):
            st.file_uploader(
                f"A CSV with the columns {', '.join(columns(table))}",
                type="csv",
                key=f"im_import_{table}",
                on_change=_import,
                args=(table,),
            )
        unchanged = state["now"] == getattr(shipped(), table)
        st.button(
            "Reset",
            key=f"im_reset_{table}",
            type="tertiary",
            icon=":material/undo:",
            on_click=_reset,
            args=(table,),
            disabled=unchanged and not state["error"],
            help="Nothing was changed." if unchanged else "Back to the shipped rows.",
        )


def _import(table: str) -> None:
    """Callback of the upload."""
    file = st.session_state.get(f"im_import_{table}")
    if file is None:
        return
    try:
        _replace(table, parse(table, file.getvalue().decode("utf-8")))
    except (ParetoscopeError, UnicodeDecodeError) as error:
        unreadable = "The file is not UTF-8 text; save it as CSV in UTF-8."
        _state(table)["error"] = str(error) if isinstance(error, ParetoscopeError) else unreadable


def _reset(table: str) -> None:
    """Callback of the button."""
    _replace(table, getattr(shipped(), table))
