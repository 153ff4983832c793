"""A person's own model and data in a real browser: from the first page to the curves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.page_server import Server, painted, settled
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

MOST_CLICKS = 5
LABELS = ("billing", "bug", "praise")
CHECK_MS, RUN_MS = 120_000, 400_000
COUNT = "window.clicks = 0; document.addEventListener('click', () => window.clicks += 1, true)"
"""Runs in the page, before the first click."""


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A zip of a tiny model and a CSV with texts of its three labels."""
    folder = tmp_path_factory.mktemp("brought")
    model = make_tiny("bert", folder / "support", labels=LABELS)
    zipped = shutil.make_archive(str(model), "zip", folder, model.name)
    lines = [f"the ticket {n} is about {LABELS[n % 3]},{LABELS[n % 3]}" for n in range(240)]
    data = folder / "tickets.csv"
    data.write_text("\n".join(["message,intent", *lines]))
    return Path(zipped), data


def test_own_model_and_data_are_on_the_curves_in_five_clicks(
    page: Page, server: Server, served_workspace: Workspace, brought: tuple[Path, Path]
) -> None:
    page.goto(server.url)
    bring = page.get_by_test_id("stMain").get_by_role("link", name="Bring your model")
    expect(bring).to_be_visible(timeout=CHECK_MS)
    page.evaluate(COUNT)

    bring.click()
    settled(page)
    for uploader, file in zip(page.get_by_test_id("stFileUploader").all(), brought, strict=False):
        uploader.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("can be used.")).to_be_visible(timeout=CHECK_MS)
    expect(page.get_by_text("240 different texts")).to_be_visible(timeout=CHECK_MS)
    page.get_by_role("button", name="Use this model and data").click()
    page.get_by_role("button", name="Measure the baseline and").click()
    page.get_by_role("link", name="See the curves").click()

    painted(page, charts=2, timeout_s=RUN_MS / 1000)
    assert page.evaluate("window.clicks") <= MOST_CLICKS
    store = Store.open(served_workspace)
    models = {Path(document.model).name for document in store.documents()}
    store.close()
    assert models == {"support"}
