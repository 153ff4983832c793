"""Tasks for language models: documents in four splits, what of them is scored, and questions made
of them.

Perplexity is taken over whole documents. A cloze question is a place in a document with four
continuations: the sentence that comes next and three that stand further on in the same document, so
that the topic alone does not tell which is true. Splitting is `tasks/splits.py`'s; what a model
makes of the tokens is `measure/`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paretoscope.errors import TaskError
from paretoscope.tasks.builtin import PROSE_TOKENS, read_builtin
from paretoscope.tasks.files import read_texts
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.splits import Indices, Split, Task, deduplicate, split_rows

CLOZE = "prose-cloze"
MIN_DOCUMENTS = 20
MIN_WORDS = 1000
"""Below either there is too little to judge a language model on."""
CHOICES = 4
CONTEXT_WORDS = 50
"""A question quotes at most so many words before the gap, whole sentences where one is not longer.
"""
SENTENCE_WORDS = (6, 40)
"""Shorter and longer sentences are neither asked for nor offered."""
CHUNK_TOKENS = 256
"""Documents are cut into pieces of at most so many tokens for whatever calibrates or trains."""
FEWEST_TOKENS = 16
"""A rest of a document below this is left out of calibration and training; scoring leaves out
nothing.
"""


class Question(NamedTuple):
    """Which of `choices` continues `context`? `answer` is its index."""

    context: str
    choices: tuple[str, ...]
    answer: int


@dataclass(frozen=True, eq=False)
class ClozeSplit(Split):
    """Documents with one question for each that has sentences enough; `texts` and the rest are the
    documents'.
    """

    questions: tuple[Question, ...] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """`{"context", "choices", "answer"}` of each question."""
        for question in self.questions:
            yield {**question._asdict(), "choices": list(question.choices)}


@lru_cache(maxsize=4)
def load_language(ref: TaskRef) -> Task:
    """Read, check, de-duplicate and split the documents of `ref`.

    Raises:
        TaskError: the documents cannot be read or are too few or too short.
    """
    if ref.kind == "builtin":
        examples, where = read_builtin(ref.name, Path(ref.path)), f'the task "{ref.name}"'
    else:
        examples, where = read_texts(Path(ref.path), ref.text_column, ref.encoding), f'"{ref.path}"'
    rows, duplicates, _ = deduplicate(examples, [0] * len(examples))
    words = sum(len(row.text.split()) for row in rows)
    if len(rows) < MIN_DOCUMENTS or words < MIN_WORDS:
        raise TaskError(
            f"Only {len(rows)} different documents with {words:,} words are in {where}; at least"
            f" {MIN_DOCUMENTS} documents and {MIN_WORDS:,} words are needed for four splits (in a"
            " TXT file blank lines part documents)."
        )
    splits = split_rows([row._replace(label=0) for row in rows], (), where)
    if ref.name == CLOZE:
        asked = {
            name: ClozeSplit(s.name, s.ids, s.texts, s.labels, questions=tuple(_questions(s)))
            for name, s in splits.items()
        }
        return Task(ref.name, (), PROSE_TOKENS, asked, ref.key, duplicates=duplicates, kind="cloze")
    return Task(ref.name, (), PROSE_TOKENS, splits, ref.key, "perplexity", duplicates, kind="prose")


def chunks(documents: Sequence[Indices], tokens: int = CHUNK_TOKENS) -> list[Indices]:
    """Documents cut into pieces of at most `tokens`, none over two documents: first the beginning
    of each document, then the second piece of each, and so on, so that the first few hundred come
    from as many documents as they can.

    >>> [len(piece) for piece in chunks([np.arange(600), np.arange(100), np.arange(260)], 256)]
    [256, 100, 256, 256, 88]
    """
    longest = max((len(ids) for ids in documents), default=0)
    pieces = (
        ids[start : start + tokens] for start in range(0, longest, tokens) for ids in documents
    )
    return [piece for piece in pieces if len(piece) >= FEWEST_TOKENS]


def first_documents(documents: Sequence[Indices], tokens: int) -> list[Indices]:
    """Whole documents from the first on until they have `tokens` together, or all of them; the
    order is by hash, so this is a sample of the split, and always the same. A document of one token
    has nothing to predict and is left out.

    >>> [len(ids) for ids in first_documents([np.arange(5), np.arange(1), np.arange(4), np.arange(9)], 8)]
    [5, 4]
    """
    taken: list[Indices] = []
    for ids in documents:
        if sum(map(len, taken)) >= tokens:
            break
        if len(ids) > 1:
            taken.append(ids)
    return taken


# --- questions ------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """The sentences of a text, by the full stops and capitals of ordinary prose.

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
    for id, text in zip(split.ids, split.texts, strict=True):
        found = question(text, seed=int(id, 16))
        if found:
            yield found


def question(text: str, seed: int) -> Question | None:
    """A question about a document; None when it has too few sentences of a usual length. The same
    seed gives the same question.
    """
    every = sentences(text)
    low, high = SENTENCE_WORDS
    usual = [
        place
        for place, sentence in enumerate(every)
        if place and low <= len(sentence.split()) <= high
    ]
    if len(usual) < CHOICES:
        return None
    random = np.random.default_rng(seed)
    first = int(random.integers(len(usual) - CHOICES + 1))
    others = random.choice(usual[first + 1 :], CHOICES - 1, replace=False)
    choices = [every[usual[first]], *(every[place] for place in others)]
    order = random.permutation(CHOICES)
    return Question(
        _context(every[: usual[first]]),
        tuple(choices[place] for place in order),
        int(np.argmin(order)),
    )


def _context(before: Sequence[str]) -> str:
    """The last sentences that have `CONTEXT_WORDS` words together, or as many of the last one's."""
    kept: list[str] = []
    for sentence in reversed(before):
        if kept and len(" ".join([sentence, *kept]).split()) > CONTEXT_WORDS:
            break
        kept.insert(0, sentence)
    return " ".join(" ".join(kept).split()[-CONTEXT_WORDS:])
