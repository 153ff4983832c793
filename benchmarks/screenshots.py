"""Screenshots of every page, light and dark, wide and narrow, in a real browser.

    python -m benchmarks.screenshots --to build/screenshots
    python -m benchmarks.screenshots --to build/screenshots --workspace DIR

Without --workspace the pages show an empty workspace and the shipped study.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, find_chromium, page_server, settled
from paretoscope.workspace import PROJECT, Workspace

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
README_SIZE = (1440, 1120)


FIRST = "explore"
"""The page at the root address."""


def addresses() -> dict[str, str]:
    """Page name -> path on the server."""
    names = sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))
    return {name: "" if name == FIRST else name for name in names}


def open_page(browser: Browser, url: str, theme: str, size: tuple[int, int]) -> Page:
    """Open `url` in a new browser context and wait until its plots are drawn."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(url)
    settled(page)
    page.wait_for_timeout(1500)  # plots are drawn after the script has ended
    settled(page)
    return page


def whole_height(page: Page) -> int:
    """Height of the page's content: Streamlit scrolls an element, not the document."""
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
    """Take all screenshots; exit status 2 without a browser."""
    args = _parser().parse_args()
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
        with page_server(Workspace.at(args.workspace or empty)) as server:
            for (name, address), theme, width in product(addresses().items(), THEMES, WIDTHS):
                path = args.to / f"{name}-{theme}-{width}.png"
                picture(browser, f"{server.url}/{address}", theme, WIDTHS[width], path)
            if image := args.readme_image:
                picture(browser, f"{server.url}/", "light", README_SIZE, image, whole=False)
        browser.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--to", type=Path, required=True, metavar="DIR", help="folder of the screenshots")
    add("--workspace", type=Path, metavar="DIR", help="workspace to show (default: an empty one)")
    add("--readme-image", type=Path, metavar="FILE", help="also write the image of the README")
    return parser


if __name__ == "__main__":
    sys.exit(main())
