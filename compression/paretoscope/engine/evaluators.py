"""How a model is judged on its task, by what the task asks: a class for each text, the next token
of prose, a true continuation.

A judge turns the task's splits into token ids, scores a graph's folder through the measuring
process, and says what the scores come to. Keeping scores and timing are `pipeline.py`'s; the
numbers themselves are `measure/`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from paretoscope.artifact.pack import TOKENIZER
from paretoscope.keys import content_key
from paretoscope.machine import usable_cores
from paretoscope.measure import cloze, perplexity, quality
from paretoscope.recipes.context import EncodedSplit
from paretoscope.sources.ref import ModelRef
from paretoscope.statistics.paired import paired
from paretoscope.tasks.prose import CHUNK_TOKENS, ClozeSplit, chunks, first_documents
from paretoscope.tasks.splits import UNLABELLED, Task
from paretoscope.tasks.tokens import encode
from paretoscope.trials.trial import Paired, Protocol, Quality

SPLIT = "validation"
"""The split of every curve; the test split is opened only for what a person keeps."""
Scores = Mapping[str, np.ndarray]


def tokenizer_of(folder: Path) -> str:
    return (folder / TOKENIZER).read_text(encoding="utf-8")


@dataclass
class Evaluator:
    """Judges on one task; `max_length` is in tokens. What is encoded is kept, for both models of a
    trial need it.
    """

    task: Task
    max_length: int
    protocol: Protocol
    split: str = SPLIT
    KEPT: ClassVar[tuple[str, ...]] = ("logits",)
    """Scores that are worth keeping with the samples of a trial."""
    _encoded: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def encoded(self, name: str, tokenizer: str) -> EncodedSplit:
        """A split as token ids of a tokenizer.json, which a stage may have changed."""
        split = self.task.unlabelled if name == UNLABELLED else self.task.splits[name]
        key = content_key(
            split.sha256, hashlib.sha256(tokenizer.encode()).hexdigest(), self.max_length
        )
        if key not in self._encoded:
            ids = self._ids(split.texts, tokenizer)
            self._encoded[key] = EncodedSplit(
                ids,
                split.labels if len(ids) == len(split) else np.zeros(len(ids), dtype=np.int64),
                key,
            )
        return self._encoded[key]

    def key(self, folder: Path, baseline: str) -> str:
        """What the scores of a graph depend on besides the graph; `baseline` is the key of that of
        the uncompressed model.
        """
        return self.encoded(self.split, tokenizer_of(folder)).key

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, np.ndarray]:
        """Scores of a graph on the split; `reference` are the baseline's, None for the baseline
        itself.
        """
        split = self.encoded(self.split, tokenizer_of(folder))
        return {
            "logits": quality.evaluate(
                folder, split.ids, split.labels, threads=usable_cores(), split=self.split
            )[1]
        }

    def quality(self, folder: Path, scores: Scores) -> Quality:
        return quality.score(scores["logits"], self._answers(), self.split)

    def paired(self, folder: Path, scores: Scores, reference: Scores) -> Paired:
        return paired(scores["logits"], reference["logits"], self._answers())

    def samples(self, scores: Scores, reference: Scores) -> dict[str, np.ndarray]:
        """What was answered and what is right, example by example, for whoever wants to look
        closer.
        """
        ours, theirs = ({name: each[name] for name in self.KEPT} for each in (scores, reference))
        return {
            **ours,
            **{f"baseline_{name}": value for name, value in theirs.items()},
            "labels": self._answers(),
        }

    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[np.ndarray]:
        return encode(tokenizer, texts, self.max_length)

    def _answers(self) -> np.ndarray:
        return self.task.splits[self.split].labels


class ProseEvaluator(Evaluator):
    """By perplexity. Stages get pieces of documents; scored are whole documents."""

    KEPT = ("log_probability", "top")

    def key(self, folder: Path, baseline: str) -> str:
        return content_key(
            super().key(folder, baseline),
            baseline,
            perplexity.SCORED_TOKENS[self.protocol],
            perplexity.KEPT_TOKENS,
        )

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, np.ndarray]:
        return perplexity.score_tokens(
            folder,
            self._documents(folder),
            reference,
            threads=usable_cores(),
            context=self.max_length,
        )

    def quality(self, folder: Path, scores: Scores) -> Quality:
        return perplexity.perplexity(scores, self._documents(folder), self.split)

    def paired(self, folder: Path, scores: Scores, reference: Scores) -> Paired:
        return perplexity.paired(scores, reference, self._documents(folder))

    def samples(self, scores: Scores, reference: Scores) -> dict[str, np.ndarray]:
        kept = {
            name: value
            for name, value in super().samples(scores, reference).items()
            if name != "labels"
        }
        return kept | {"targets": scores["targets"], "lengths": scores["lengths"]}

    def _ids(self, texts: Sequence[str], tokenizer: str) -> list[np.ndarray]:
        return chunks(encode(tokenizer, texts, None), min(CHUNK_TOKENS, self.max_length))

    def _documents(self, folder: Path) -> list[np.ndarray]:
        """The documents that are scored."""
        tokenizer = tokenizer_of(folder)
        if tokenizer not in self._encoded:
            documents = encode(tokenizer, self.task.splits[self.split].texts, None)
            self._encoded[tokenizer] = first_documents(
                documents, perplexity.SCORED_TOKENS[self.protocol]
            )
        return self._encoded[tokenizer]


class ClozeEvaluator(ProseEvaluator):
    """By the share of questions that are answered with the true continuation. Stages get pieces of
    the documents.
    """

    KEPT = ("logits",)

    def key(self, folder: Path, baseline: str) -> str:
        return content_key(Evaluator.key(self, folder, baseline), cloze.ASKED[self.protocol])

    def scores(self, folder: Path, reference: Scores | None) -> dict[str, np.ndarray]:
        asked = cloze.encode_questions(
            tokenizer_of(folder), self._split().questions[: cloze.ASKED[self.protocol]]
        )
        return {"logits": cloze.score_choices(folder, asked, threads=usable_cores())}

    quality, paired, samples = Evaluator.quality, Evaluator.paired, Evaluator.samples

    def _answers(self) -> np.ndarray:
        return np.array(
            [question.answer for question in self._split().questions[: cloze.ASKED[self.protocol]]]
        )

    def _split(self) -> ClozeSplit:
        split = self.task.splits[self.split]
        assert isinstance(split, ClozeSplit)
        return split


EVALUATORS: dict[str, type[Evaluator]] = {
    "classes": Evaluator,
    "prose": ProseEvaluator,
    "cloze": ClozeEvaluator,
}
"""By the `kind` of the task."""


def evaluator_for(model: ModelRef, task: Task, protocol: Protocol, split: str = SPLIT) -> Evaluator:
    """The judge of a model on a task; texts are cut to what both of them take."""
    return EVALUATORS[task.kind](
        task, min(task.max_length, model.max_tokens or task.max_length), protocol, split
    )
