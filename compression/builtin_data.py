"""Readers of the built-in tasks: what their carrier packages hold, as texts with labels.

Where the packages come from and their licences are in `data/PROVENANCE.md`; nothing of them is copied.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable
from pathlib import Path

from compression.errors import TaskError
from compression.labels import Example

NEUTRAL_RATING = 0.5
"""Movie sentences rated at most this far from zero, on a scale of -4 to 4, have no clear class and are left out."""


def read_builtin(name: str, path: Path) -> list[Example]:
    """All examples of the built-in task `name`, duplicates included; `path` is its file or folder."""
    try:
        return list(_READERS[name](path))
    except (OSError, KeyError, ValueError) as error:
        raise TaskError(f'The data of "{name}" at "{path}" cannot be read ({error}); install requirements-data.txt again.') from error


def _text(path: Path) -> str:
    """UTF-8, but one article of the news has its pound signs in Latin-1."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _trec(path: Path) -> Iterable[Example]:
    """`DESC:manner How did serfdom develop ... ?` a line; only the coarse class before the colon is used."""
    for line in _text(path).splitlines():
        fine_class, _, text = line.partition(" ")
        yield Example(text, fine_class.partition(":")[0])


def _movies(path: Path) -> Iterable[Example]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rating = float(row["sentiment"])
            if abs(rating) > NEUTRAL_RATING:
                yield Example(row["text"], "positive" if rating > 0 else "negative")


def _sms(path: Path) -> Iterable[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Example(row["text"], "spam" if row["spam"] == "1" else "ham")


def _news(path: Path) -> Iterable[Example]:
    """One article a file, in a folder named by its topic."""
    for topic in sorted(folder for folder in path.iterdir() if folder.is_dir()):
        for article in sorted(topic.glob("*.txt")):
            yield Example(_text(article), topic.name)


_READERS: dict[str, Callable[[Path], Iterable[Example]]] = {"trec": _trec, "movies": _movies, "sms": _sms, "news": _news}
