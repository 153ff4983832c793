"""Tables on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import streamlit as st


class Selection(NamedTuple):
    """Which rows can be selected, and the callback of a selection."""

    mode: Literal["single-row", "multi-row"]
    callback: Callable[[], None]


def dataframe(
    records: Sequence[Mapping[str, Any]],
    *,
    key: str,
    columns: Mapping[str, Any],
    selection: Selection | None,
    max_height: int,
    alt: str,
) -> None:
    """A sortable table as high as its rows up to `max_height` pixels, with selectable rows where
    `selection` is given.
    """
    selecting: dict[str, Any] = {}
    if selection:
        selecting = {"on_select": selection.callback, "selection_mode": selection.mode}
    st.dataframe(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        records,
        key=key,
        hide_index=True,
        column_config=dict(columns),
        placeholder="–",
        height=min(38 + 35 * max(1, len(records)), max_height),
        alt=alt,
        **selecting,
    )


def dataframe_of(records: Sequence[Mapping[str, Any]], *, key: str, alt: str) -> None:
    """A sortable table that can be read with the keyboard; nothing is selected in it."""
    st.dataframe(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        records, key=key, hide_index=True, placeholder="–", height="content", alt=alt
    )


def table(columns: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """A static table of equally long columns."""
    st.table(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        dict(columns), hide_index=True, width="content", alt=alt
    )
