"""Whether a visitor may act: queue, cancel, upload, read a path, delete.

In a read-only dashboard (`PARETOSCOPE_READ_ONLY`) every such control is disabled and says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from paretoscope.errors import ParetoscopeError
from paretoscope.settings import Settings

READ_ONLY = "Read-only"
"""The reason shown at a disabled control."""


def may_act() -> bool:
    return not Settings.from_environment().read_only


def require() -> None:
    """Raise `ParetoscopeError` in a read-only dashboard; called first by whatever acts."""
    if not may_act():
        raise ParetoscopeError(
            "This dashboard is read-only; start it without PARETOSCOPE_READ_ONLY to change it."
        )


def reason(other: str = "") -> str:
    """Why a control is disabled: read-only, else the `other` reason; empty if it is enabled."""
    return other if may_act() else READ_ONLY


def button(
    label: str, *, key: str, why_not: str = "", act: Callable[[], None] | None = None, **more: Any
) -> bool:
    """A button that acts; it is disabled, with the reason as its help, if `why_not` is given.

    `act` is its callback. Returns whether it was clicked.
    """
    why = reason(why_not)
    more |= {"help": why} if why else {}
    return st.button(label, key=key, disabled=bool(why), on_click=act, **more)
