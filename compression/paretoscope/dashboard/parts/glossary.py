"""Definitions of the terms on the pages, read from `glossary.md` in this package."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

GLOSSARY = Path(__file__).parents[1] / "glossary.md"
LINE = re.compile(r"\*\*(?P<term>[^*]+)\*\*: (?P<sentence>.+)")


@cache
def terms() -> dict[str, str]:
    """Every term with its sentence, in the order of the file."""
    text = GLOSSARY.read_text(encoding="utf-8")
    return {found["term"]: found["sentence"] for found in LINE.finditer(text)}


def sentence(term: str) -> str:
    """
    >>> sentence("Sparsity")
    'The share of single weights that are set to zero.'
    """
    return terms()[term]
