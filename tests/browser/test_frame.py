"""Every page opens from a deep link, on a phone too, without an error; a link restores the view."""

from __future__ import annotations

import re
import urllib.request

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.page_server import Server, painted, settled
from benchmarks.screenshots import addresses
from paretoscope.dashboard.explore.limits import DROP as KEY

DROP = f".st-key-{KEY}_slider"


def _width_of_content(page: Page) -> int:
    return page.evaluate(
        "() => Math.max(document.documentElement.scrollWidth,"
        " document.querySelector('[data-testid=stMain]').scrollWidth)"
    )


def failures(page: Page) -> list[str]:
    """Errors of the console and failed requests of a page, as they happen."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("response", lambda answer: found.append(answer.url) if answer.status >= 400 else None)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", addresses())
def test_page_opens_from_its_link_on_a_phone(
    browser: Browser, server: Server, name: str, theme: str
) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark" if theme == "dark" else "light"
    ) as context:
        page = context.new_page()
        failed = failures(page)
        page.goto(f"{server.url}/{addresses()[name]}")
        settled(page)
        assert failed == []
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_text("Page not found")).to_have_count(0)
        assert _width_of_content(page) <= 390, "nobody should have to scroll sideways"


def test_no_other_site_may_frame_the_dashboard(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/compress") as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_first_page_opens_by_its_name_too(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/explore?drop=5")
    painted(page, charts=2)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"[?&]drop=5\b"))
    expect(page.locator(DROP).get_by_role("slider")).to_have_attribute(
        "aria-valuetext", re.compile("5.0")
    )


def test_on_a_touch_screen_no_mode_bar_covers_a_label(browser: Browser, server: Server) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(server.url)
        painted(page, charts=2)
        expect(page.locator(".modebar-btn")).to_have_count(0)


def test_the_link_restores_the_limits(page: Page, context: BrowserContext, server: Server) -> None:
    page.goto(server.url)
    painted(page, charts=2)
    drop = page.locator(DROP).get_by_role("slider")
    drop.press("ArrowLeft")
    settled(page)
    expect(page).to_have_url(re.compile(r"[?&]drop="))
    chosen = drop.get_attribute("aria-valuetext")

    again = context.new_page()
    again.goto(page.url)
    painted(again, charts=2)
    expect(again.locator(DROP).get_by_role("slider")).to_have_attribute(
        "aria-valuetext", str(chosen)
    )
