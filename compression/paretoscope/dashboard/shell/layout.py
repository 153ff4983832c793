"""Navigation, sidebar, theme and deep links of all pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from paretoscope.dashboard.shell import engine_status, scope, scope_choice

BRAND = Path(__file__).parents[1] / "brand"
STYLE = """<style>
.stMainBlockContainer { padding: 3.2rem 1rem 3rem; max-width: 1500px }
.stMainBlockContainer > div { gap: 0.7rem }
.stMainBlockContainer > div > div > .stVerticalBlock { gap: 0.6rem }
[class*="st-key-plot_"] [class*="chart"] { height: max(43vh, 320px) }
.st-key-layers_map { overflow-x: auto }
.st-key-layers_map .st-key-ly_map { min-width: 700px }
.st-key-scope_chips button, .st-key-why button, [class*="st-key-plot_"] button {
  min-height: 1.6rem; padding-top: 0; padding-bottom: 0
}
@media (min-width: 800px) {
  .stMainBlockContainer { padding: 1rem 2rem 3rem }
  .stAppHeader { background: transparent; height: 2.4rem; pointer-events: none }
  .stAppHeader div { pointer-events: none }
  .stAppHeader button { pointer-events: auto }
  .st-key-page_actions { padding-right: 1.8rem }
  [data-testid="stSidebar"][data-collapsed="false"] {
    width: 13rem !important; min-width: 13rem !important
  }
}
</style>"""
"""Less space around the page than Streamlit's, so that answer and plots fit on the first screen,
no lines longer than can be read, and plots as high as 45 % of the window.
"""
DARK_STYLE = "<style>.stApp [kind^=primary] { color: #0B1218 }</style>"
"""Text on a primary button, whose color is light in the dark theme."""
PAGES = {
    "Results": [
        ("pages/explore.py", "Explore", ":material/scatter_plot:"),
        ("pages/compare.py", "Compare", ":material/compare_arrows:"),
        ("pages/layers.py", "Layers", ":material/layers:"),
        ("pages/impact.py", "Impact", ":material/savings:"),
    ],
    "Experiments": [
        ("pages/compress.py", "Compress", ":material/compress:"),
    ],
    "Workspace": [
        ("pages/library.py", "Library", ":material/inventory_2:"),
        ("pages/jobs.py", "Jobs", ":material/list_alt:"),
    ],
}


FIRST = "pages/explore.py"
"""The page of the bare address.

Streamlit gives it no path, so a hidden page with its name redirects to it.
"""


def pages() -> dict[str, list[Page]]:
    """The navigation by group, and the hidden alias of the first page."""
    shown = {group: [_page(*entry) for entry in entries] for group, entries in PAGES.items()}
    alias = st.Page(_to_first, title="Explore", url_path=Path(FIRST).stem, visibility="hidden")
    return {**shown, "": [alias]}


def _page(file: str, title: str, icon: str) -> Page:
    first = file == FIRST
    # "first" is a path that Streamlit never serves: the default page has none.
    path = "first" if first else None
    return st.Page(file, title=title, icon=icon, url_path=path, default=first)


def _to_first() -> None:
    st.switch_page(FIRST, query_params=query())


def style() -> None:
    """The style of all pages; in one element, which takes no space."""
    st.html(STYLE + (DARK_STYLE if dark() else ""))


def dark() -> bool:
    """Whether the browser uses the dark theme."""
    return st.context.theme.type == "dark"


def logo() -> Path:
    return BRAND / ("logo-dark.svg" if dark() else "logo-light.svg")


def guard(page: str) -> None:
    """Redirect to app.py when it has not run yet; called first on every page.

    Until app.py has run once in a server, Streamlit runs the page of a deep link without it. The
    redirect keeps the query parameters, and `resume_page` returns to the page.
    """
    if "scope" not in st.session_state:
        st.switch_page("app.py", query_params={**query(), "resume": page})


def query() -> dict[str, list[str]]:
    """The query parameters, repeated ones with every value."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def resume_page() -> str | None:
    """The page that `guard` redirected from, once."""
    page = st.query_params.get("resume")
    if page is None:
        return None
    del st.query_params["resume"]
    files = [file for group in PAGES.values() for file, _, _ in group]
    return next((file for file in files if file == f"pages/{page}.py"), None)


def apply_link() -> None:
    """Let an internal link override the session: forget the state that it sets."""
    if scope.OVERRIDE not in st.query_params:
        return
    del st.query_params[scope.OVERRIDE]
    # "show": a hidden strategy would hide the linked point.
    for key in (*st.query_params, "picks", "show"):
        st.session_state.pop(key, None)
    for kept in st.session_state.get("limits_kept", {}).values():
        kept.pop("show", None)


def sidebar() -> None:
    """The engine's line under Streamlit's navigation; the scope of this run is decided first."""
    st.session_state["scope"] = scope_choice.resolve()
    with st.sidebar:
        engine_status.draw()
