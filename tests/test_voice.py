"""Words that a colleague in the field would not use, in documents, pages and the package's strings.

The list holds only what a search finds without false alarms; a reader has to judge the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretoscope.workspace import PROJECT

INSTEAD = {
    r"astray": "diverged",
    r"(better|worse|no) bargain": "improves on the baseline",
    r"foretell\w*|foretold": "predict",
    r"no sure (gain|loss)": "not always better",
    r"plays? along": "supports",
    r"nowhere (worse|better)": "dominates",
    r"(timed|taken|run|runs) in turns": "interleaved",
    r"sittings?": "measurement session",
    r"(one|same|equal) footing": "normalized",
    r"what (it|they) thinks?": "the model's predictions",
    r"machine's mood": "drift",
    r"really (made|measured|go)": "made, measured",
}
"""Pattern -> what to write instead."""
BANNED = re.compile(r"\b(" + "|".join(INSTEAD) + r")\b", re.IGNORECASE)

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
MODULES = sorted(
    [
        PROJECT / "app.py",
        *(
            path
            for folder in ("compression", "pages", "benchmarks", "docs")
            for path in (PROJECT / folder).rglob("*.py")
        ),
    ]
)


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every string in a module, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if "#" in line:
            yield number, line.partition("#")[2]


def _found(path: Path, lines: Iterator[tuple[int, str]]) -> list[str]:
    """The place of every banned word, with what to write instead."""
    place = path.relative_to(PROJECT)
    return [
        f"{place}:{line}: {found[0]!r}" for line, text in lines for found in BANNED.finditer(text)
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_documents_use_the_terms_of_the_field(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    assert not _found(path, iter(lines))


def test_the_package_uses_the_terms_of_the_field() -> None:
    found = [
        place
        for path in MODULES
        for place in [*_found(path, _strings(path)), *_found(path, _comments(path))]
    ]
    assert not found, f"write instead: {INSTEAD}"


def test_every_banned_word_is_found() -> None:
    for text in ("went astray", "a better bargain", "tokens to foretell", "in one sitting"):
        assert BANNED.search(text)
    for text in ("in turn", "positions", "footnote", "turns of a session", "visiting"):
        assert not BANNED.search(text)
