"""Scores documents and continuations through a decoder's graph with the logits of every token.

It runs inside the measuring process of `decoder.py`. Perplexity and accuracy are computed from the
scores in `measure/perplexity.py` and `measure/cloze.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.inference.graph_io import empty, is_past, present_of
from paretoscope.measure.worker.messages import ChoicesRequest, QualityAnswer, TokensRequest
from paretoscope.measure.worker.serving import blame, report, session

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class Reader:
    """A session with the key-value cache of the tokens that it has read."""

    def __init__(self, model: str, threads: int) -> None:
        self.model = model
        self.session = session(model, threads, spinning=False)
        self.past_inputs = [entry for entry in self.session.get_inputs() if is_past(entry)]
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.past: dict[str, NDArray[Any]] = {}
        self.length = 0

    def start(self) -> None:
        """Empty the cache."""
        self.past = {entry.name: empty(entry, 1) for entry in self.past_inputs}
        self.length = 0

    def read(self, ids: Ids) -> Floats:
        """Logits [1, tokens, vocabulary] of ids [1, tokens], which continue the cached tokens."""
        self.length += ids.shape[1]
        mask = np.ones((len(ids), self.length), dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, **self.past}
        with blame(self.model, "run"):
            values: list[Any] = list(self.session.run(self.outputs, feed))
        found = dict(zip(self.outputs, values, strict=True))
        self.past = {name: found[present_of(name)] for name in self.past}
        return found["logits"]


@dataclass(frozen=True)
class Reference:
    """Most likely tokens `ids` [n, kept] of another model and their `logs`, for n scored tokens."""

    ids: NDArray[np.int32]
    logs: Floats

    @classmethod
    def read(cls, path: str) -> Reference:
        with np.load(path) as arrays:
            return cls(arrays["ids"], arrays["logs"])

    def divergences(self, start: int, logs: Floats) -> Floats:
        """Divergence of scored tokens from `start` on with log-probabilities [n, vocabulary]."""
        rows = slice(start, start + len(logs))
        ours = np.take_along_axis(logs, self.ids[rows].astype(np.int64), axis=1)
        return divergence(self.logs[rows], ours)


def tokens(request: TokensRequest) -> QualityAnswer:
    """Scores of every token of every document but its first, which has no context."""
    with np.load(request["inputs"]) as inputs:
        documents = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    reference = Reference.read(request["reference"]) if request["reference"] else None
    reader = Reader(request["model"], request["threads"])
    found: dict[str, list[NDArray[Any]]] = {}
    scored, started = 0, time.perf_counter()
    total = sum(len(document) - 1 for document in documents)
    for document in documents:
        for targets, logits in _scored(reader, document, request):
            logs = log_softmax(logits)
            scores = _scores(targets, logs, request["keep"])
            if reference:
                scores["kl"] = reference.divergences(scored, logs)
            scored += len(targets)
            report(scored, total)
            for name, values in scores.items():
                found.setdefault(name, []).append(values)
    joined: dict[str, Any] = {name: np.concatenate(values) for name, values in found.items()}
    np.savez(request["outputs"], **joined)
    return {"seconds": time.perf_counter() - started}


def _scores(targets: Ids, logs: Floats, keep: int) -> dict[str, NDArray[Any]]:
    """Scores of target tokens [n] from log-probabilities [n, vocabulary]."""
    log_probability = logs[np.arange(len(targets)), targets]
    top = logs.argmax(axis=1).astype(np.int32)
    scores: dict[str, NDArray[Any]] = {"log_probability": log_probability, "top": top}
    if keep:
        scores["ids"], scores["logs"] = likeliest(logs, keep)
    return scores


def _scored(reader: Reader, ids: Ids, request: TokensRequest) -> Iterator[tuple[Ids, Floats]]:
    """(target tokens [n], the logits [n, vocabulary] that predict them) of a document, in order.

    A document is read in pieces, each with the cache of the pieces before it, so only the logits of
    one piece are in memory.
    """
    for start, first, end in windows(len(ids), request["context"]):
        reader.start()
        for at in range(start, end, request["piece"]):
            stop = min(at + request["piece"], end)
            logits = reader.read(ids[None, at:stop])[0]
            skipped = max(0, first - 1 - at)
            targets = ids[at + skipped + 1 : min(stop + 1, end)]
            if len(targets):
                yield targets, logits[skipped : skipped + len(targets)]


def windows(length: int, context: int) -> Iterator[tuple[int, int, int]]:
    """(start, first scored token, end) of the windows in which `length` tokens are read.

    A window has at most `context` tokens. It starts half a window before the first token that it
    scores, so that all tokens but the first few have at least that much context.

    >>> list(windows(10, 16)), list(windows(10, 4))
    ([(0, 1, 10)], [(0, 1, 4), (2, 4, 6), (4, 6, 8), (6, 8, 10)])
    """
    first, end = 1, min(length, context)
    while first < end:
        yield 0 if first == 1 else first - context // 2, first, end
        first, end = end, min(length, end + context - context // 2)


def log_softmax(logits: Floats) -> Floats:
    """[n, vocabulary] -> [n, vocabulary]; the exponentials are summed in double precision."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True, dtype=np.float64)).astype(
        np.float32
    )


def likeliest(logs: Floats, count: int) -> tuple[NDArray[np.int32], Floats]:
    """(the `count` most likely tokens of each row in any order, their log-probabilities)."""
    count = min(count, logs.shape[1])
    ids = np.argpartition(logs, logs.shape[1] - count, axis=1)[:, logs.shape[1] - count :]
    return ids.astype(np.int32), np.take_along_axis(logs, ids, axis=1)


def divergence(theirs: Floats, ours: Floats) -> Floats:
    """KL(theirs || ours) [n] in nats from log-probabilities of some tokens [n, kept].

    All other tokens count as one. The result is never above the divergence of the whole
    distributions (data processing inequality).
    """
    rest = [
        np.clip(1 - np.exp(logs.astype(np.float64)).sum(axis=1), 1e-7, 1) for logs in (theirs, ours)
    ]
    kept = (np.exp(theirs.astype(np.float64)) * (theirs.astype(np.float64) - ours)).sum(axis=1)
    return np.maximum(0, kept + rest[0] * np.log(rest[0] / rest[1])).astype(np.float32)


def choices(request: ChoicesRequest) -> QualityAnswer:
    """Mean log-probability of the tokens of each continuation.

    The context of a question is read once. Continuations are read one at a time, because the
    runtime's attention accepts several tokens after a cache for a single row only.
    """
    with np.load(request["inputs"]) as inputs:
        contexts = np.split(inputs["contexts"], np.cumsum(inputs["context_lengths"])[:-1])
        lengths = inputs["choice_lengths"]
        continuations = np.split(inputs["choices"], np.cumsum(lengths.ravel())[:-1])
    reader = Reader(request["model"], request["threads"])
    scores = np.empty(lengths.shape, dtype=np.float32)
    started = time.perf_counter()
    for number, context in enumerate(contexts):
        rows = continuations[number * lengths.shape[1] : (number + 1) * lengths.shape[1]]
        reader.start()
        if len(context) > 1:
            reader.read(context[None, :-1])
        read = reader.past, reader.length
        for at, row in enumerate(rows):
            reader.past, reader.length = read
            logits = reader.read(np.append(context[-1:], row[:-1])[None])[0]
            scores[number, at] = log_softmax(logits)[np.arange(len(row)), row].mean()
        report(number + 1, len(contexts))
    np.save(request["outputs"], scores)
    return {"seconds": time.perf_counter() - started}
