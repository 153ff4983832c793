"""A plotly figure on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}
WITHOUT_BAR = {**CONFIG, "displayModeBar": False}


def show(
    figure: Any,
    *,
    key: str,
    alt: str,
    config: Mapping[str, Any] = WITHOUT_BAR,
    on_click: Callable[[], None] | None = None,
    stretch: bool = False,
) -> None:
    """Draw the figure; `alt` describes it to screen readers, `on_click` runs after a click.

    With `stretch` it is as high as its container.
    """
    clicks: dict[str, Any] = {"height": "stretch"} if stretch else {}
    if on_click:
        clicks |= {"on_select": on_click, "selection_mode": "points"}
    st.plotly_chart(  # pyright: ignore[reportUnknownMemberType] - plotly has no types
        figure, key=key, alt=alt, config=dict(config), **clicks
    )
