"""Pictures of every page, light and dark, wide and narrow, from a real server in a real browser.

    python -m benchmarks.screenshots --to build/screenshots [--workspace DIR] [--readme-image
    docs/images/explore.png]

The workspace is a new empty one unless one is given, so the pictures show what a first visitor
sees.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, find_chromium, page_server, settled
from paretoscope.workspace import PROJECT, Workspace

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")


FIRST = "explore"
"""The page that a bare address opens; streamlit gives it no address of its own."""


def addresses() -> dict[str, str]:
    """Name of every page -> its address below the server's."""
    names = sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))
    return {name: "" if name == FIRST else name for name in names}


def open_page(browser: Browser, url: str, theme: str, size: tuple[int, int]) -> Page:
    """`url` in a fresh browser context, settled and with its plots drawn."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(url)
    settled(page)
    page.wait_for_timeout(1500)  # plots and data frames draw themselves after the script has ended
    settled(page)
    return page


def whole_height(page: Page) -> int:
    """How tall the viewport must be to show everything: streamlit scrolls a part of the page, not
    the page.
    """
    return page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return main ?"
        " main.scrollHeight : 0; }"
    )


def picture(
    browser: Browser, url: str, theme: str, size: tuple[int, int], path: Path, *, whole: bool = True
) -> None:
    page = open_page(browser, url, theme, size)
    if whole:
        page.set_viewport_size(
            {"width": size[0], "height": max(size[1], min(whole_height(page), 6000))}
        )
        page.wait_for_timeout(800)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    page.context.close()
    print(path)


def main() -> int:
    """Take every picture; status 2 when there is no browser to take them with."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="folder for the pictures"
    )
    options.add_argument(
        "--workspace", type=Path, metavar="DIR", help="show this workspace instead of an empty one"
    )
    options.add_argument(
        "--readme-image",
        type=Path,
        metavar="FILE",
        help="also write the picture that the README shows",
    )
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="paretoscope-") as empty,
        sync_playwright() as playwright,
    ):
        chromium = find_chromium(playwright)
        if chromium is None:
            print(NO_BROWSER, file=sys.stderr)
            return 2
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        with page_server(Workspace.at(chosen.workspace or empty)) as server:
            for name, address in addresses().items():
                for theme in THEMES:
                    for width, size in WIDTHS.items():
                        picture(
                            browser,
                            f"{server.url}/{address}",
                            theme,
                            size,
                            chosen.to / f"{name}-{theme}-{width}.png",
                        )
            if chosen.readme_image:
                picture(
                    browser,
                    f"{server.url}/",
                    "light",
                    (1440, 1120),
                    chosen.readme_image,
                    whole=False,
                )
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
