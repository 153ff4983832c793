"""The whole way in a real browser: estimate, compress, measure, download, run, see the point."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.page_server import Server, painted, settled
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace

RUN_S = 300
"""A trial takes some 30 s on two idle cores; a busy machine may take its time."""


def _megabytes(page: Page) -> float:
    """The size in the figures of the recipe, in MB."""
    value = page.locator(".figures div").filter(has_text="Size on disk").locator("b").inner_text()
    return float(value.removesuffix(" MB").replace(",", ""))


def _open_compress(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/compress")
    expect(page.locator(".figures")).to_be_visible(timeout=60_000)
    settled(page)


def test_from_the_first_curve_to_a_model_that_runs(
    page: Page, server: Server, served_workspace: Workspace, tmp_path: Path
) -> None:
    _open_compress(page, server)

    # Choose bits: the bytes follow at once, down and back up; the address has the recipe.
    before = _megabytes(page)
    embedding = page.locator(".st-key-form_quantize_embedding_bits")
    embedding.get_by_role("radio", name="4").or_(embedding.get_by_role("button", name="4")).click()
    expect(page.get_by_text(f"{before:.1f} MB", exact=True)).to_have_count(0)
    assert _megabytes(page) < before
    embedding.get_by_role("radio", name="8").or_(embedding.get_by_role("button", name="8")).click()
    expect(page.get_by_text(f"{before:.1f} MB", exact=True).first).to_be_visible()
    assert "recipe=" in page.url

    # Compress and measure, and watch its steps; then show the result of this machine.
    page.get_by_role("button", name="Compress and measure").click()
    expect(page.get_by_text(re.compile("accuracy · speed"))).to_be_visible(timeout=60_000)
    shown = page.get_by_role("link", name=re.compile("measured on this machine"))
    expect(shown).to_be_visible(timeout=RUN_S * 1000)
    shown.click()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()

    # The size is as expected, the trial is in the store, and the artefact can be downloaded.
    store = Store.open(served_workspace)
    (document,) = [
        document for document in store.documents(model="minilm-trec") if not document.is_baseline
    ]
    store.close()
    assert document.artifact is not None
    assert round(document.artifact.size_bytes / 1e6, 1) == before
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("Download model")).click()
    archive = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(archive)
    assert _answer(archive, tmp_path / "unpacked", "Who wrote Hamlet ?").startswith("HUM")

    # It is a point of the plots.
    page.get_by_test_id("stSidebar").get_by_role("link", name="Explore").click()
    painted(page, charts=2)
    settled(page)
    expect(page.get_by_role("button", name=re.compile("This machine"))).to_be_visible()


def _answer(archive: Path, folder: Path, text: str) -> str:
    """The output of the downloaded model, run in its folder without this project on the path."""
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    (script,) = folder.rglob("run.py")
    done = subprocess.run(
        [sys.executable, "-I", "run.py", text],
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
