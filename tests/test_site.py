"""The documentation site: its navigation, and the names that its API page documents."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from paretoscope.workspace import PROJECT

API_NAMES = re.findall(
    r"^::: ([\w.]+)$", (PROJECT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE
)


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for each in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(each)


def test_every_page_is_in_the_navigation_once(project: Path) -> None:
    site = yaml.safe_load((project / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = sorted(name for name in _pages(site["nav"]) if not name.startswith("repository/"))
    docs = project / "docs"
    assert listed == sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))


def test_the_site_loads_no_fonts_from_elsewhere(project: Path) -> None:
    site = yaml.safe_load((project / "mkdocs.yml").read_text(encoding="utf-8"))
    assert site["theme"]["font"] is False


@pytest.mark.parametrize("name", API_NAMES)
def test_a_documented_name_exists_and_has_a_docstring(name: str) -> None:
    module, _, member = name.rpartition(".")
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError:
        found = getattr(importlib.import_module(module), member)
    assert found.__doc__
