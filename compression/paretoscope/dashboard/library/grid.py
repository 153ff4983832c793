"""Cards in a grid that has one column on a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

Item = TypeVar("Item")
COLUMNS = 3


def draw(items: Sequence[Item], card: Callable[[Item], None]) -> None:
    for start in range(0, len(items), COLUMNS):
        for place, item in zip(st.columns(COLUMNS), items[start : start + COLUMNS], strict=False):
            with place, st.container(border=True, height="stretch"):
                card(item)
