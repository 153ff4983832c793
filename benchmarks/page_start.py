"""How long the page takes: until the server is healthy, until a first visitor sees a chart, until a later one does.

    python -m benchmarks.page_start [--rounds 3] [--workspace DIR]

Each round starts a new server over an empty workspace, as `make run` does after installation, and opens two fresh browser contexts, so
nothing is cached in either. It prints one JSON document; the slowest round is what counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.page_server import NO_BROWSER, find_chromium, page_server, painted
from compression.measure.machine import fingerprint
from compression.workspace import Workspace


def seconds_to_chart(browser: Browser, url: str) -> float:
    """From the request to points drawn in both plots of the first page."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        started = time.monotonic()
        page.goto(url)
        painted(page, charts=2)
        return time.monotonic() - started


def one_round(browser: Browser, workspace: Workspace) -> dict[str, float]:
    with page_server(workspace) as server:
        return {
            "healthy_s": round(server.healthy_after_s, 2),
            "first_chart_s": round(seconds_to_chart(browser, server.url), 2),
            "later_chart_s": round(seconds_to_chart(browser, server.url), 2),
        }


def main() -> int:
    """Print every round and the slowest of each; status 2 when there is no browser to look with."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    options.add_argument("--workspace", type=Path, metavar="DIR", help="serve this workspace instead of an empty one")
    chosen = options.parse_args()
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
        if chromium is None:
            print(NO_BROWSER, file=sys.stderr)
            return 2
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        rounds = []
        for _ in range(chosen.rounds):
            with tempfile.TemporaryDirectory(prefix="paretoscope-") as empty:
                rounds.append(one_round(browser, Workspace.at(chosen.workspace or empty)))
        browser.close()
    slowest = {name: max(one[name] for one in rounds) for name in rounds[0]}
    print(json.dumps({"slowest": slowest, "rounds": rounds, "machine": fingerprint().in_words()}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
