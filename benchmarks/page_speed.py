"""How long a person waits for the page: from `make run` to the first chart, for a page opened later, and for a slider.

    python -m benchmarks.page_speed

The server is started as `make run` starts it, over an empty workspace, so the first page shows the shipped
study. A slider is timed from the key press to the answer on the screen, which includes the browser.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, Server, find_chromium, page_server, painted, settled
from compression.workspace import Workspace

PRESSES = 12
ONE_PLOT = "import plotly.graph_objects as go, streamlit as st\nst.plotly_chart(go.Figure(go.Scatter(x=[1], y=[1], mode='markers')))\n"
"""The smallest Streamlit page with a plot: what no page with one can be faster than."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(NO_BROWSER)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        with page_server(Workspace(Path(folder))) as server:
            print(f"server healthy       {server.healthy_after_s:.1f} s after the command   wanted: at most 8 s")
            print(f"first chart painted  {seconds_to_paint(browser, server):.1f} s after that           wanted: at most 4 s")
            print(f"opened later         {_spread(browser, server)}        wanted: at most 2 s")
            answers = slider_milliseconds(browser, server)
            spread = f"of {PRESSES}: {min(answers):.0f} to {max(answers):.0f}"
            print(f"slider               {statistics.median(answers):.0f} ms ({spread})   wanted: under 200 ms")
        smallest = Path(folder) / "one_plot.py"
        smallest.write_text(ONE_PLOT)
        with page_server(Workspace(Path(folder)), script=smallest) as server:
            print(f"a page of one point  {_spread(browser, server)}        Streamlit and Plotly alone, for comparison")
        browser.close()


def _spread(browser: Browser, server: Server) -> str:
    later = [seconds_to_paint(browser, server) for _ in range(5)]
    return f"{statistics.median(later):.1f} s (of 5: {min(later):.1f} to {max(later):.1f})"


def seconds_to_paint(browser: Browser, server: Server) -> float:
    """A new visitor with an empty cache, until the first plot has drawn its points."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        start = time.perf_counter()
        page.goto(server.url)
        painted(page)
        return time.perf_counter() - start


def slider_milliseconds(browser: Browser, server: Server) -> list[float]:
    """From a key on the slider of the word embedding to the new size on the page."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(server.url)
        painted(page, charts=2)
        page.get_by_test_id("stSidebar").get_by_role("link", name="Compress").click()
        page.get_by_role("slider", name="Word embedding").wait_for()
        settled(page)
        return [_press(page, "ArrowLeft" if press % 2 == 0 else "ArrowRight") for press in range(PRESSES)]


def _press(page: Page, key: str) -> float:
    value = page.get_by_test_id("stMetric").filter(has_text="Size on disk").first.get_by_test_id("stMetricValue")
    shown = value.inner_text()
    start = time.perf_counter()
    page.get_by_role("slider", name="Word embedding").press(key)
    page.wait_for_function(
        "shown => [...document.querySelectorAll('[data-testid=stMetricValue]')].length && "
        "![...document.querySelectorAll('[data-testid=stMetricValue]')].some(tile => tile.innerText === shown)",
        arg=shown,
        polling=10,
    )
    waited = (time.perf_counter() - start) * 1000
    settled(page)
    return waited


if __name__ == "__main__":
    main()
