"""The table of models under the plots, linked with them, and its downloads."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from paretoscope.dashboard.explore import filter_field
from paretoscope.dashboard.explore.result import Result
from paretoscope.dashboard.explore.table_columns import columns, record
from paretoscope.dashboard.parts import tables
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.csv_table import to_csv
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.format import short


def draw(scope: Scope, table: Sequence[Row], result: Result, picked: Sequence[str]) -> None:
    """The recommended model, the front, what is near it, then the rest by quality.

    Selecting a row picks its point.
    """
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    ):
        st.markdown("#### All models", width="content")
        with st.container(width=460):
            shown = filter_field.draw(table)
    ordered = _ordered(shown, result)
    ids = [row.id for row in ordered]
    key = _key(ids, picked)
    further = [row.key for row in present_metrics(table) if row.listed]
    tables.dataframe(
        [record(row, result.found, result.advice, further) for row in ordered],
        key=key,
        columns=columns(scope.axes, further),
        selection=tables.Selection("multi-row", partial(selection.selected_rows, key, ids)),
        max_height=560,
        alt=f"Table of {len(ordered)} measured models",
    )
    _downloads(f"{short(scope.model)}-{short(scope.task)}", table)


def _key(ids: Sequence[str], picked: Sequence[str]) -> str:
    """The widget key, with the picked rows selected.

    Streamlit selects row numbers, so another order needs another widget.
    """
    key = f"models_{zlib.crc32(''.join(ids).encode()):08x}"
    rows = [ids.index(each) for each in picked if each in ids]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return key


def _ordered(table: Sequence[Row], result: Result) -> list[Row]:
    found, advice = result
    near, on_front = set(found.statistically_on_front), set(found.on_front)

    def rank(row: Row) -> tuple[bool, bool, bool, bool, float]:
        return (
            row.id != advice.best,
            row.id not in advice.feasible,
            row.id not in on_front,
            row.id not in near,
            row.point.cost(row.summary.axes.quality),
        )

    return sorted(table, key=rank)


def _downloads(name: str, table: Sequence[Row]) -> None:
    # Below the table: above it is its own tool bar, which touch screens always show.
    with st.container(horizontal=True):
        button: dict[str, Any] = {"on_click": "ignore", "type": "tertiary"}
        csv = partial(to_csv, table)
        st.download_button(
            "Download CSV", csv, f"{name}.csv", "text/csv", icon=":material/table:", **button
        )
