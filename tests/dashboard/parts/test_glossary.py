"""The glossary: its format, and the terms that the pages use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paretoscope import dashboard
from paretoscope.dashboard.parts import glossary

SOURCES = sorted(Path(dashboard.__file__).parent.rglob("*.py"))


def test_every_line_is_a_term_with_one_sentence() -> None:
    lines = glossary.GLOSSARY.read_text(encoding="utf-8").splitlines()
    assert len(glossary.terms()) == len(lines) == 21
    for term, sentence in glossary.terms().items():
        assert sentence.count(".") == 1, term
        assert sentence.endswith("."), term
        assert len(sentence.split()) < 20, term


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_pages_use_known_terms(path: Path) -> None:
    used = re.findall(r"glossary\.sentence\([\"'](.+?)[\"']\)", path.read_text(encoding="utf-8"))
    assert set(used) <= set(glossary.terms())
