"""The frame around every page: pages by group, the scope, the engine in one line, and the way in
for deep links.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from paretoscope.dashboard.shell import engine_status, scope

BRAND = Path(__file__).parents[1] / "brand"
STYLE = "<style>.stMainBlockContainer { padding-top: 3.5rem }</style>"
"""Streamlit leaves twice as much empty over the first line; the answer and the curves should stand
on the first screen.
"""
PAGES = {
    "See": [
        ("pages/explore.py", "Explore", ":material/scatter_plot:"),
        ("pages/compare.py", "Compare", ":material/compare_arrows:"),
    ],
    "Make": [
        ("pages/compress.py", "Compress", ":material/compress:"),
        ("pages/jobs.py", "Jobs", ":material/list_alt:"),
    ],
}


FIRST = "pages/explore.py"
"""What a bare address opens. Streamlit gives that page no address of its own, so its name is
another page, which leads there.
"""


def pages() -> dict[str, list[Page]]:
    """The navigation by group, and out of sight the address of the first page."""
    shown = {group: [_page(*entry) for entry in entries] for group, entries in PAGES.items()}
    alias = st.Page(_to_first, title="Explore", url_path=Path(FIRST).stem, visibility="hidden")
    return {**shown, "": [alias]}


def _page(file: str, title: str, icon: str) -> Page:
    first = file == FIRST
    return st.Page(
        file, title=title, icon=icon, url_path="first" if first else None, default=first
    )  # a path that streamlit keeps for itself


def _to_first() -> None:
    st.switch_page(FIRST, query_params=query())


def dark() -> bool:
    """Whether the page stands on a dark ground, as far as the browser has told."""
    return st.context.theme.type == "dark"


def logo() -> Path:
    return BRAND / ("logo-dark.svg" if dark() else "logo-light.svg")


def guard(page: str) -> None:
    """First line of every page. Until app.py has run once in a server, a deep link reaches the page
    without it: go there, and come back with the same query parameters."""
    if "scope" not in st.session_state:
        st.switch_page("app.py", query_params={**query(), "resume": page})


def query() -> dict[str, list[str]]:
    """The query parameters with every value of those that are repeated."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def resumed() -> str | None:
    """The page that `guard` left, once, if it is one of ours."""
    page = st.query_params.get("resume")
    if page is None:
        return None
    del st.query_params["resume"]
    files = [file for group in PAGES.values() for file, _, _ in group]
    return next((file for file in files if file == f"pages/{page}.py"), None)


def followed() -> None:
    """A link within the page counts for more than what the session had chosen: forget that, so that
    the link is read.
    """
    if scope.ANEW not in st.query_params:
        return
    del st.query_params[scope.ANEW]
    for key in (
        *st.query_params,
        "picks",
        "show",
    ):  # a strategy that is switched off would hide its point
        st.session_state.pop(key, None)
    for kept in st.session_state.get("limits_kept", {}).values():
        kept.pop("show", None)
    st.session_state["machine_chosen"] = True


def sidebar() -> None:
    """The scope and the engine; the navigation above them is streamlit's."""
    with st.sidebar:
        st.session_state["scope"] = scope.pick()
        engine_status.draw()
