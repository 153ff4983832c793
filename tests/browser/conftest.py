"""A page server over a workspace of its own and a Chromium to look at it with; without one, tests
say why they are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, Server, find_chromium, page_server
from paretoscope.workspace import Workspace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            pytest.skip(NO_BROWSER)
        # Chromium refuses its sandbox to root, which is who runs in most containers.
        opened = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace behind `server`, for looking past the page."""
    return Workspace.at(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(browser: Browser, served_workspace: Workspace) -> Iterator[Server]:
    """One page server a test file."""
    with page_server(served_workspace) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True
    ) as opened:
        opened.set_default_timeout(20_000)
        yield opened


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    """A browser page that fails the test when the browser reports an error of our own making."""
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    assert not wrong, f"the browser reported: {wrong}"
    assert not re.search(
        r"Traceback \(most recent call last\)", server.log.read_text(errors="replace")
    ), f"see {server.log}"
