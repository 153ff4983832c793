"""docs/adding-a-page.md works as written: its row and its script make a page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.shell.layout import PAGES
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import PROJECT
from tests.dashboard.conftest import Open, words

DOCUMENT = PROJECT / "docs" / "adding-a-page.md"


@pytest.fixture
def code() -> list[str]:
    return re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


def test_the_row_has_the_form_of_the_others(code: list[str]) -> None:
    row = ast.literal_eval(code[0].strip())
    known = [entry for group in PAGES.values() for entry in group]
    assert len(row) == len(known[0])
    assert Path(row[0]).parent == Path(known[0][0]).parent


def test_the_script_shows_the_measured_models(
    code: list[str], tmp_path: Path, open_page: Open, full: list[TrialDocument]
) -> None:
    script = tmp_path / "history.py"
    script.write_text(code[1], encoding="utf-8")
    page = AppTest.from_file(str(script), default_timeout=60)
    page.session_state["scope"] = open_page("explore").session_state["scope"]
    page.run()
    assert not page.exception
    assert words(page).count(": ") == len(full)


def test_the_document_is_short() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 26
