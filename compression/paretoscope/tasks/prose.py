"""Tasks for language models: documents in four splits, chunks of them, and cloze questions.

Perplexity is measured on whole documents. A cloze question is a position in a document with four
continuations: the next sentence, and three later sentences of the same document, so that the topic
does not reveal the answer. Splitting is in `tasks/splits.py`, scoring in `measure/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paretoscope.errors import TaskError
from paretoscope.tasks.builtin import PROSE_TOKENS, read_builtin
from paretoscope.tasks.data import Data
from paretoscope.tasks.duplicates import Row, deduplicate
from paretoscope.tasks.files import read_texts
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.split_data import split_data
from paretoscope.tasks.splits import Indices, Split, Task
from paretoscope.tasks.words import words

CLOZE = "prose-cloze"
MIN_DOCUMENTS = 20
MIN_WORDS = 1000
"""With fewer of either the quality of a language model cannot be measured; see `tasks/words.py`."""
CHOICES = 4
CONTEXT_WORDS = 50
"""Most words of context before the gap; whole sentences unless one sentence is longer."""
SENTENCE_WORDS = (6, 40)
"""Fewest and most words of a sentence that can be a choice."""
CHUNK_TOKENS = 256
"""Most tokens of a chunk for calibration and training."""
FEWEST_TOKENS = 16
"""Shorter chunks are excluded from calibration and training; scoring excludes nothing."""


class Question(NamedTuple):
    """`choices[answer]` is the continuation of `context`."""

    context: str
    choices: tuple[str, ...]
    answer: int


@dataclass(frozen=True, eq=False)
class ClozeSplit(Split):
    """Documents, and one question for each that has enough sentences."""

    questions: tuple[Question, ...] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """`{"context", "choices", "answer"}` of each question."""
        for question in self.questions:
            yield {**question._asdict(), "choices": list(question.choices)}


@lru_cache(maxsize=4)
def load_prose(ref: TaskRef) -> Task:
    """Read, check, de-duplicate and split the documents of `ref`.

    Raises:
        TaskError: the documents cannot be read, or are too few or too short.
    """
    path = Path(ref.path)
    if ref.kind == "builtin":
        where, data = f'the task "{ref.name}"', Data(read_builtin(ref.name, path), ordered=True)
    else:
        where, data = f'"{ref.path}"', read_texts(path, ref.options)
    unique = deduplicate(data, [0] * len(data.examples))
    _check_enough(unique.rows, where)
    parts = split_data(data, unique, (), where)
    splits: Mapping[str, Split] = parts.splits
    longest = min(PROSE_TOKENS, ref.options.max_length or PROSE_TOKENS)
    if ref.name == CLOZE:
        splits = {
            name: ClozeSplit(s.name, s.ids, s.texts, s.labels, questions=tuple(_questions(s)))
            for name, s in splits.items()
        }
    return Task(
        ref.name,
        (),
        longest,
        splits,
        ref.key,
        "accuracy" if ref.name == CLOZE else "perplexity",
        unique.duplicates,
        kind="cloze" if ref.name == CLOZE else "prose",
        notes=parts.notes,
    )


def _check_enough(rows: Sequence[Row], where: str) -> None:
    count = sum(len(words(row.text)) for row in rows)
    if len(rows) < MIN_DOCUMENTS or count < MIN_WORDS:
        raise TaskError(
            f"{where[0].upper()}{where[1:]} has only {len(rows)} different documents with"
            f" {count:,} words; four splits need at least {MIN_DOCUMENTS} documents and"
            f" {MIN_WORDS:,} words. Add documents; in a TXT file blank lines separate them."
        )


def chunks(documents: Sequence[Indices], tokens: int = CHUNK_TOKENS) -> list[Indices]:
    """Documents in chunks of at most `tokens`, each from one document.

    The first chunks of all documents come first, then the second chunks and so on, so that the
    first few hundred chunks cover as many documents as possible.

    >>> [len(piece) for piece in chunks([np.arange(600), np.arange(100), np.arange(260)], 256)]
    [256, 100, 256, 256, 88]
    """
    longest = max((len(ids) for ids in documents), default=0)
    pieces = (
        ids[start : start + tokens] for start in range(0, longest, tokens) for ids in documents
    )
    return [piece for piece in pieces if len(piece) >= FEWEST_TOKENS]


def first_documents(documents: Sequence[Indices], tokens: int) -> list[Indices]:
    """The first whole documents with at least `tokens` in total, or all of them.

    Documents are sorted by hash, so this is a fixed sample of the split. A document of one token
    has nothing to predict and is excluded.

    >>> documents = [np.arange(5), np.arange(1), np.arange(4), np.arange(9)]
    >>> [len(ids) for ids in first_documents(documents, 8)]
    [5, 4]
    """
    first: list[Indices] = []
    for ids in documents:
        if sum(map(len, first)) >= tokens:
            break
        if len(ids) > 1:
            first.append(ids)
    return first


# --- questions ------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """The sentences of a text, split at end punctuation followed by a capital letter or quote.

    >>> sentences("It rose by 2.5%. Mr Smith said: \\"Fine.\\" Shares fell.")
    ['It rose by 2.5%.', 'Mr Smith said: "Fine."', 'Shares fell.']
    """
    lines = (" ".join(line.split()) for line in text.splitlines() if line.strip())
    return [
        sentence
        for line in lines
        for sentence in re.split(r'(?:(?<=[.!?])|(?<=[.!?]["\'])) +(?=["\'A-Z])', line)
    ]


def _questions(split: Split) -> Iterator[Question]:
    for key, text in zip(split.ids, split.texts, strict=True):
        found = question(text, seed=int(key, 16))
        if found:
            yield found


def question(text: str, seed: int) -> Question | None:
    """The cloze question of a document for a seed; None if it has too few usual sentences."""
    every = sentences(text)
    low, high = SENTENCE_WORDS
    usual = [
        index
        for index, sentence in enumerate(every)
        if index and low <= len(sentence.split()) <= high
    ]
    if len(usual) < CHOICES:
        return None
    random = np.random.default_rng(seed)
    first = int(random.integers(len(usual) - CHOICES + 1))
    others: list[int] = random.choice(usual[first + 1 :], CHOICES - 1, replace=False).tolist()
    choices = [every[usual[first]], *(every[index] for index in others)]
    order: list[int] = random.permutation(CHOICES).tolist()
    return Question(
        _context(every[: usual[first]]), tuple(choices[index] for index in order), order.index(0)
    )


def _context(before: Sequence[str]) -> str:
    """The last sentences with at most `CONTEXT_WORDS` words, or the last words of one sentence."""
    kept: list[str] = []
    for sentence in reversed(before):
        if kept and len(" ".join([sentence, *kept]).split()) > CONTEXT_WORDS:
            break
        kept.insert(0, sentence)
    return " ".join(" ".join(kept).split()[-CONTEXT_WORDS:])
