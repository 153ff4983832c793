"""A shared file in a real browser, opened from disk without a network."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.report_speed import many, pan_milliseconds
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.report.html import write_report
from tests.documents import document

HOSTILE = "</script><img src=x onerror=\"document.title='hostile'\"><b>bold</b>"
DOCUMENTS = [
    document(model=HOSTILE, task=HOSTILE),
    document(Quantize(), quality=0.955, model=HOSTILE, task=HOSTILE),
    document(Distill(layers=3), Quantize(), size=17_000_000, model=HOSTILE, task=HOSTILE),
]


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page without a network that fails the test on an error or a request."""
    with browser.new_context(viewport={"width": 1280, "height": 800}, offline=True) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith(("file:", "blob:", "data:"))
                else wrong.append(asked.url)
            ),
        )
        yield page
        assert not wrong


def _open(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")


def test_a_point_is_reached_by_keyboard_and_shown_everywhere(offline: Page, tmp_path: Path) -> None:
    _open(offline, write_report(DOCUMENTS, tmp_path / "share.html", [DOCUMENTS[1].trial_id]))
    details = offline.locator(".details")
    assert DOCUMENTS[1].trial_id in details.inner_text()
    assert offline.locator(".card[data-selected]").count() == 1
    assert offline.locator(".plot").count() == 2
    assert "on the Pareto front" in (
        offline.locator(".plot").first.get_attribute("aria-label") or ""
    )
    offline.locator(".list select").focus()
    offline.keyboard.press("Home")
    offline.keyboard.press("ArrowDown")
    offline.keyboard.press("ArrowDown")
    assert DOCUMENTS[2].trial_id in details.inner_text()
    offline.locator(".pickers select").nth(1).select_option("peak_memory_bytes")
    assert "peak memory" in (offline.locator(".plot").first.get_attribute("aria-label") or "")
    offline.locator("details.all summary").click()
    heads = offline.locator(".sortable thead th")
    heads.nth(3).locator("button").click()
    assert heads.nth(3).get_attribute("aria-sort") == "ascending"
    first = offline.locator(".sortable tbody tr").first.inner_text()
    assert "17.0" in first, "the smallest model is first"


def test_names_stay_text(offline: Page, tmp_path: Path) -> None:
    _open(offline, write_report(DOCUMENTS, tmp_path / "share.html"))
    offline.locator("details.all summary").click()
    assert offline.title() != "hostile"
    assert offline.locator("main img, main b b").count() == 0
    assert "<b>bold</b>" in offline.locator(".facts").first.inner_text()


def test_five_thousand_points_pan_nearly_as_fast_as_fifty(offline: Page, tmp_path: Path) -> None:
    """A ratio, because the speed of the machine is not known; `benchmarks/report_speed.py` has
    milliseconds.
    """
    medians: list[float] = []
    for count in (50, 5000):
        _open(offline, write_report(many(count), tmp_path / f"{count}.html"))
        elements = offline.locator(".plot .scatterlayer path").count()
        assert elements < 600, "quiet points are a few elements"
        medians.append(statistics.median(pan_milliseconds(offline)))
    assert medians[1] < 5 * medians[0]


@pytest.mark.parametrize("width", [390, 2560])
def test_nothing_is_wider_than_the_window(offline: Page, tmp_path: Path, width: int) -> None:
    offline.set_viewport_size({"width": width, "height": 844})
    _open(offline, write_report(DOCUMENTS, tmp_path / "share.html"))
    assert offline.evaluate("document.documentElement.scrollWidth") <= width
