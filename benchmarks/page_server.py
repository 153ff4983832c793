"""A page server on a free port and a browser, for screenshots, page timings and browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Playwright, expect

from paretoscope.engine.client import stop_engine
from paretoscope.workspace import PROJECT, Workspace

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "no Chromium on this machine: apt-get install chromium, or .venv/bin/playwright install"
    " chromium"
)


@dataclass(frozen=True)
class Server:
    """A running page server; `healthy_after_s` is the time until its health check succeeded."""

    url: str
    log: Path
    healthy_after_s: float


def find_chromium(playwright: Playwright | None = None) -> str | None:
    """Path of a Chromium: on the PATH, else installed by Playwright, else None."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None and playwright and Path(playwright.chromium.executable_path).is_file():
        return playwright.chromium.executable_path
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def page_server(
    workspace: Workspace, *, script: Path | None = None, healthy_within_s: float = 60
) -> Generator[Server]:
    """Serve the page for `workspace`, or another Streamlit script, until the block ends.

    An engine that the page started ends too. Raises `RuntimeError` with the end of the server log
    when the server does not become healthy.
    """
    port, log = free_port(), workspace.root / "page.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    module = ["streamlit", "run", str(script)] if script else ["paretoscope.dashboard"]
    address = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command = [sys.executable, "-m", *module, *address]
    environment = {**os.environ, "PARETOSCOPE_HOME": str(workspace.root)}
    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, "--server.headless", "true"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log, started + healthy_within_s)
        yield Server(url, log, time.monotonic() - started)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stop_engine(workspace)


def healthy(url: str) -> bool:
    """Whether a page server answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _wait_until_healthy(
    url: str, process: subprocess.Popen[bytes], log: Path, deadline: float
) -> None:
    while time.monotonic() < deadline and process.poll() is None:
        if healthy(url):
            return
        time.sleep(0.05)
    end = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"The page server did not become healthy. End of its log:\n{end}")


def settled(page: Page, timeout_s: float = 30) -> None:
    """Wait until the script has finished and no placeholder is left on the page."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(
        timeout=timeout_s * 1000
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=timeout_s * 1000)


def painted(page: Page, charts: int = 1, timeout_s: float = 30) -> None:
    """Wait until at least `charts` plots show their points."""
    page.locator(".js-plotly-plot:has(.points path)").nth(charts - 1).wait_for(
        state="attached", timeout=timeout_s * 1000
    )
