"""Evaluates a graph on its task: class labels, next-token prediction, or cloze questions.

An evaluator encodes the task's splits, scores the graph in the measuring process and computes the
quality from the scores. Caching scores and timing are in `measuring.py`; the metrics are in
`measure/` and `statistics/`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from paretoscope.artifact.pack import TOKENIZER
from paretoscope.errors import TaskError
from paretoscope.graphs.external_data import scorable
from paretoscope.keys import content_key
from paretoscope.machine import usable_cores
from paretoscope.measure import cloze, perplexity, quality
from paretoscope.recipes.context import EncodedSplit
from paretoscope.sources.ref import ModelRef
from paretoscope.statistics import intervals
from paretoscope.statistics.paired import paired
from paretoscope.tasks.builtin import PROSE_TOKENS
from paretoscope.tasks.prose import CHUNK_TOKENS, ClozeSplit, chunks, first_documents
from paretoscope.tasks.splits import UNLABELLED, Task
from paretoscope.tasks.tokens import count_longer, encode
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Paired, Quality

SPLIT = "validation"
"""The split of every trial; the test split is used only by `held_out.py`."""
FLOOR_BATCH, FLOOR_PIECE = 32, 64
"""Other batches of texts, and pieces of documents, in which `kl_floor` computes."""
FLOOR_TOKENS, FLOOR_QUESTIONS = 1_000, 20
"""How much of a split of prose `kl_floor` computes."""
Array = NDArray[Any]
Scores = Mapping[str, Array]
"""Scores of a graph on a split, by name; which names there are depends on the evaluator."""


def tokenizer_of(folder: Path) -> str:
    """The content of tokenizer.json."""
    return (folder / TOKENIZER).read_text(encoding="utf-8")


class Evaluator(Protocol):
    """Evaluates graphs on one split of one task; a graph is given by its folder."""

    @property
    def max_length(self) -> int | None:
        """Maximum number of tokens of a text; None if neither the task nor the model limits it."""
        ...

    def encoded(self, name: str, tokenizer: str) -> EncodedSplit:
        """A split as token ids of a tokenizer.json, for stages and for scoring."""
        ...

    def key(self, folder: Path, baseline: str) -> str:
        """Content key of the inputs of `scores` besides the graph.

        `baseline` is the key of the uncompressed graph.
        """
        ...

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, Array]:
        """Scores of a graph; `reference` are the baseline's, None for the baseline itself."""
        ...

    def quality(self, folder: Path, scores: Scores) -> Quality:
        """The quality metric with its confidence interval."""
        ...

    def paired(self, folder: Path, scores: Scores, reference: Scores) -> Paired:
        """The paired comparison with the baseline on the same examples."""
        ...

    def kl_floor(self, folder: Path, scores: Scores) -> float:
        """KL divergence in nats of a graph from itself, with these `scores`, when it is computed
        with other threads and another batch.
        """
        ...

    def samples(self, scores: Scores, reference: Scores) -> dict[str, Array]:
        """Answers and targets of every example, for the samples file of a trial."""
        ...


@dataclass
class _TaskEvaluator(ABC):
    """Encodes the splits of a task and remembers them, for both models of a trial need them."""

    task: Task
    max_length: int | None
    request: TrialRequest
    split: str = SPLIT
    _encoded: dict[str, EncodedSplit] = field(
        default_factory=dict[str, EncodedSplit], init=False, repr=False
    )

    def encoded(self, name: str, tokenizer: str) -> EncodedSplit:
        split = self.task.unlabelled if name == UNLABELLED else self.task.splits[name]
        digest = hashlib.sha256(tokenizer.encode()).hexdigest()
        key = content_key(split.sha256, digest, self.max_length)
        if key not in self._encoded:
            ids = self._ids(split.texts, tokenizer)
            unlabelled = np.zeros(len(ids), dtype=np.int64)
            labels = split.labels if len(ids) == len(split) else unlabelled
            self._encoded[key] = EncodedSplit(ids, labels, key)
        return self._encoded[key]

    def key(self, folder: Path, baseline: str) -> str:
        return self.encoded(self.split, tokenizer_of(folder)).key

    @abstractmethod
    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[Array]:
        """Token ids of a split's texts, or of pieces of them."""

    def _chunks(self, texts: Sequence[str], tokenizer: str) -> list[Array]:
        return chunks(
            encode(tokenizer, texts, None), min(CHUNK_TOKENS, self.max_length or CHUNK_TOKENS)
        )


class _LogitEvaluator(_TaskEvaluator):
    """Computes accuracy from the scores `logits` [examples, classes]."""

    def quality(self, folder: Path, scores: Scores) -> Quality:
        return quality.score(scores["logits"], self._labels(), self.split)

    def paired(self, folder: Path, scores: Scores, reference: Scores) -> Paired:
        return paired(scores["logits"], reference["logits"], self._labels())

    def samples(self, scores: Scores, reference: Scores) -> dict[str, Array]:
        return _both(("logits",), scores, reference) | {"labels": self._labels()}

    @abstractmethod
    def _labels(self) -> Array:
        """The class of every example [examples]."""


class ClassEvaluator(_LogitEvaluator):
    """Accuracy of a classifier at the batch size of the conditions."""

    def key(self, folder: Path, baseline: str) -> str:
        return content_key(super().key(folder, baseline), "batch", self.request.conditions.batch)

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, Array]:
        how = quality.Running(batch=self.request.conditions.batch, parallel=usable_cores())
        return {"logits": self._logits(folder, how)}

    def kl_floor(self, folder: Path, scores: Scores) -> float:
        other = 1 if self.request.conditions.batch > 1 else FLOOR_BATCH
        how = quality.Running(batch=other, threads=max(2, usable_cores()))
        return intervals.kl_divergence(scores["logits"], self._logits(folder, how))

    def _logits(self, folder: Path, how: quality.Running) -> Array:
        split = self.encoded(self.split, tokenizer_of(folder))
        return quality.evaluate(folder, split.ids, split.labels, split=self.split, how=how)[1]

    def quality(self, folder: Path, scores: Scores) -> Quality:
        found = super().quality(folder, scores)
        if self.max_length is None:
            return found
        tokenizer, texts = tokenizer_of(folder), self.task.splits[self.split].texts
        ids = self.encoded(self.split, tokenizer).ids
        longer = count_longer(tokenizer, texts, ids, self.max_length)
        limits = {"max_length": self.max_length, "truncated": longer / len(texts)}
        return found.model_copy(update=limits)

    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[Array]:
        return encode(tokenizer, texts, self.max_length)

    def _labels(self) -> Array:
        return self.task.splits[self.split].labels


@dataclass
class ProseEvaluator(_TaskEvaluator):
    """Perplexity of a language model on whole documents; stages get pieces of documents."""

    _scored: dict[str, list[Array]] = field(
        default_factory=dict[str, list[Array]], init=False, repr=False
    )

    def key(self, folder: Path, baseline: str) -> str:
        scored = perplexity.SCORED_TOKENS[self.request.protocol]
        return content_key(super().key(folder, baseline), baseline, scored, perplexity.KEPT_TOKENS)

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, Array]:
        documents, context = self._documents(folder), self.max_length or PROSE_TOKENS
        with scorable(folder) as graph:
            return perplexity.score_tokens(
                graph, documents, reference, threads=usable_cores(), context=context
            )

    def kl_floor(self, folder: Path, scores: Scores) -> float:
        documents = first_documents(self._documents(folder), FLOOR_TOKENS)
        count = sum(len(document) - 1 for document in documents)
        theirs = {name: scores[name][:count] for name in ("ids", "logs")}
        with scorable(folder) as graph:
            found = perplexity.score_tokens(
                graph,
                documents,
                theirs,
                threads=1,
                context=self.max_length or PROSE_TOKENS,
                piece=FLOOR_PIECE,
            )
        return float(found["kl"].mean())

    def quality(self, folder: Path, scores: Scores) -> Quality:
        return perplexity.perplexity(scores, self._documents(folder), self.split)

    def paired(self, folder: Path, scores: Scores, reference: Scores) -> Paired:
        return perplexity.paired(scores, reference, self._documents(folder))

    def samples(self, scores: Scores, reference: Scores) -> dict[str, Array]:
        targets = {name: scores[name] for name in ("targets", "lengths")}
        return _both(("log_probability", "top"), scores, reference) | targets

    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[Array]:
        return self._chunks(texts, tokenizer)

    def _documents(self, folder: Path) -> list[Array]:
        """The documents that are scored, as token ids."""
        tokenizer = tokenizer_of(folder)
        if tokenizer not in self._scored:
            documents = encode(tokenizer, self.task.splits[self.split].texts, None)
            most = perplexity.SCORED_TOKENS[self.request.protocol]
            self._scored[tokenizer] = first_documents(documents, most)
        return self._scored[tokenizer]


class ClozeEvaluator(_LogitEvaluator):
    """Accuracy on cloze questions; stages get pieces of the documents."""

    def key(self, folder: Path, baseline: str) -> str:
        return content_key(super().key(folder, baseline), cloze.QUESTIONS[self.request.protocol])

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, Array]:
        questions = self._split().questions[: cloze.QUESTIONS[self.request.protocol]]
        encoded = cloze.encode_questions(tokenizer_of(folder), questions)
        longest = max(map(cloze.tokens, encoded))
        if longest > (self.max_length or longest):
            raise TaskError(
                f'A question of "{self.task.name}" has {longest} tokens, but the model reads at'
                f" most {self.max_length}; choose a task of prose, which is read in pieces."
            )
        with scorable(folder) as graph:
            return {"logits": cloze.score_choices(graph, encoded, threads=usable_cores())}

    def kl_floor(self, folder: Path, scores: Scores) -> float:
        questions = self._split().questions[:FLOOR_QUESTIONS]
        encoded = cloze.encode_questions(tokenizer_of(folder), questions)
        with scorable(folder) as graph:
            found = cloze.score_choices(graph, encoded, threads=1)
        return intervals.kl_divergence(
            scores["logits"][: len(found)].astype(np.float64), found.astype(np.float64)
        )

    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[Array]:
        return self._chunks(texts, tokenizer)

    def _labels(self) -> Array:
        questions = self._split().questions[: cloze.QUESTIONS[self.request.protocol]]
        return np.array([question.answer for question in questions])

    def _split(self) -> ClozeSplit:
        split = self.task.splits[self.split]
        assert isinstance(split, ClozeSplit)
        return split


def _both(names: Sequence[str], scores: Scores, reference: Scores) -> dict[str, Array]:
    """The named scores, and those of the baseline with the prefix `baseline_`."""
    theirs = {f"baseline_{name}": reference[name] for name in names}
    return {name: scores[name] for name in names} | theirs


EVALUATORS: Mapping[str, Callable[[Task, int | None, TrialRequest, str], Evaluator]] = {
    "classes": ClassEvaluator,
    "prose": ProseEvaluator,
    "cloze": ClozeEvaluator,
}
"""Evaluators by the `kind` of the task."""


def evaluator_for(
    model: ModelRef, task: Task, request: TrialRequest, split: str = SPLIT
) -> Evaluator:
    """The evaluator of a model on a task; texts are truncated to what both accept."""
    lengths = [length for length in (task.max_length, model.max_tokens) if length]
    return EVALUATORS[task.kind](task, min(lengths, default=None), request, split)
