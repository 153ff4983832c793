"""The process that measures a decoder: `python -m paretoscope.measure.worker.decoder`, fresh for
every turn, without torch.

It scores documents and continuations through the graph that answers for every token, and times
generation (`inference/generate.py`) through the one that ships. How it is asked and answers is
`measure/worker/serving.py`'s; what the numbers come to is said in `perplexity.py`, `cloze.py` and
`generation.py`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.inference import generate
from paretoscope.inference.graph_io import empty, is_past, present_of
from paretoscope.measure.worker import energy, resident
from paretoscope.measure.worker.messages import (
    ChoicesRequest,
    GenerationAnswer,
    GenerationRequest,
    QualityAnswer,
    TokensRequest,
)
from paretoscope.measure.worker.serving import blame, serve, session

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
PIECE_TOKENS = 256
"""A document is read in pieces of so many tokens, each with the cache of those before it: that
changes no logit, and the logits of a piece (256 x 49,152 floats are 50 MB) are all that is held at
once."""


class Reader:
    """A session with the keys and values of what it has read, for logits of every token."""

    def __init__(self, model: str, threads: int) -> None:
        self.model = model
        self.session = session(model, threads, spinning=False)
        self.past_inputs = [entry for entry in self.session.get_inputs() if is_past(entry)]
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.past: dict[str, NDArray[Any]] = {}
        self.length = 0

    def start(self) -> None:
        """Forget everything."""
        self.past = {entry.name: empty(entry, 1) for entry in self.past_inputs}
        self.length = 0

    def read(self, ids: Ids) -> Floats:
        """Logits [1, tokens, vocabulary] after ids [1, tokens], which follow what was read before."""
        self.length += ids.shape[1]
        mask = np.ones((len(ids), self.length), dtype=np.int64)
        with blame(self.model, "run"):
            found = dict(
                zip(
                    self.outputs,
                    self.session.run(
                        self.outputs, {"input_ids": ids, "attention_mask": mask, **self.past}
                    ),
                    strict=True,
                )
            )
        self.past = {name: found[present_of(name)] for name in self.past}
        return found["logits"]


# --- quality --------------------------------------------------------------------------------------


def tokens(request: TokensRequest) -> QualityAnswer:
    """Log-probability and likeliest token of every position of every document, the first token
    apart, which nothing precedes.
    """
    with np.load(request["inputs"]) as inputs:
        documents = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    reference = np.load(request["reference"]) if request["reference"] else None
    wanted = (reference["ids"], reference["logs"]) if reference else None
    reader = Reader(request["model"], request["threads"])
    found: dict[str, list[NDArray[Any]]] = {}
    scored = 0
    started = time.perf_counter()
    for targets, logits in (
        pair for ids in documents for pair in _scored(reader, ids, request["context"])
    ):
        logs = log_softmax(logits)
        rows = np.arange(len(targets))
        made = {"log_probability": logs[rows, targets], "top": logs.argmax(axis=1).astype(np.int32)}
        if request["keep"]:
            made["ids"], made["logs"] = likeliest(logs, request["keep"])
        if wanted:
            ids, theirs = (column[scored : scored + len(targets)] for column in wanted)
            made["kl"] = divergence(theirs, np.take_along_axis(logs, ids.astype(np.int64), axis=1))
        scored += len(targets)
        for name, values in made.items():
            found.setdefault(name, []).append(values)
    scores: dict[str, Any] = {name: np.concatenate(values) for name, values in found.items()}
    np.savez(request["outputs"], **scores)
    return {"seconds": time.perf_counter() - started}


def _scored(reader: Reader, ids: Ids, context: int) -> Iterator[tuple[Ids, Floats]]:
    """The tokens of a document that are scored [n] with the logits [n, vocabulary] that foretell
    them, in order, each once.
    """
    for start, first, end in windows(len(ids), context):
        reader.start()
        for at in range(start, end, PIECE_TOKENS):
            stop = min(at + PIECE_TOKENS, end)
            logits = reader.read(ids[None, at:stop])[0]
            skipped = max(0, first - 1 - at)
            foretold = ids[at + skipped + 1 : min(stop + 1, end)]
            if len(foretold):
                yield foretold, logits[skipped : skipped + len(foretold)]


def windows(length: int, context: int) -> Iterator[tuple[int, int, int]]:
    """Where a document of `length` tokens is read: (start, first scored, end) of windows of at most
    `context` tokens.

    Each begins half a window before the first token that it scores, so no token but the first few
    sees less than that.

    >>> list(windows(10, 16)), list(windows(10, 4))
    ([(0, 1, 10)], [(0, 1, 4), (2, 4, 6), (4, 6, 8), (6, 8, 10)])
    """
    first, end = 1, min(length, context)
    while first < end:
        yield 0 if first == 1 else first - context // 2, first, end
        first, end = end, min(length, end + context - context // 2)


def log_softmax(logits: Floats) -> Floats:
    """[n, vocabulary] -> [n, vocabulary], the sum of the exponentials in double precision."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True, dtype=np.float64)).astype(
        np.float32
    )


def likeliest(logs: Floats, count: int) -> tuple[NDArray[np.int32], Floats]:
    """The `count` likeliest tokens of each row, in any order, and their logarithms; all of a
    smaller vocabulary.
    """
    count = min(count, logs.shape[1])
    ids = np.argpartition(logs, logs.shape[1] - count, axis=1)[:, logs.shape[1] - count :]
    return ids.astype(np.int32), np.take_along_axis(logs, ids, axis=1)


def divergence(theirs: Floats, ours: Floats) -> Floats:
    """KL(theirs || ours) [n] in nats of distributions that are known for some tokens [n, kept], all
    others taken as one.

    Never above the divergence of the whole distributions (data processing inequality), and below it
    by what happens within the rest.
    """
    rest = [
        np.clip(1 - np.exp(logs.astype(np.float64)).sum(axis=1), 1e-7, 1) for logs in (theirs, ours)
    ]
    kept = (np.exp(theirs.astype(np.float64)) * (theirs.astype(np.float64) - ours)).sum(axis=1)
    return np.maximum(0, kept + rest[0] * np.log(rest[0] / rest[1])).astype(np.float32)


def choices(request: ChoicesRequest) -> QualityAnswer:
    """Mean log-probability of each continuation; the context of a question is read once, then each
    continuation from there.

    One at a time: the runtime's attention takes several tokens after a cache for one row only.
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
    np.save(request["outputs"], scores)
    return {"seconds": time.perf_counter() - started}


# --- generation -----------------------------------------------------------------------------------


def generation(request: GenerationRequest) -> GenerationAnswer:
    """One turn: memory of the empty runtime, load, warm-up, requests, memory again. The cache
    counts as memory.
    """
    random = np.random.default_rng(0)
    batch, new = request["batch"], request["new_tokens"]
    prompts = [
        random.integers(
            request["lowest_id"], request["highest_id"], (batch, request["prompt"]), dtype=np.int64
        )
        for _ in range(16)
    ]
    empty_bytes = resident.now()
    was_reset = resident.reset_peak()
    started = time.perf_counter_ns()
    with blame(request["model"], "load"):
        decoder = generate.open_decoder(Path(request["model"]).parent, request["threads"])
    load_ms = (time.perf_counter_ns() - started) * 1e-6
    loaded = resident.now()
    gc.collect()
    gc.disable()
    warm_up_runs, end = 0, time.perf_counter() + request["warm_up_s"]
    while not warm_up_runs or time.perf_counter() < end:
        with blame(request["model"], "run"):
            _answer(decoder, prompts[-1 - warm_up_runs % len(prompts)], new)
        warm_up_runs += 1
    first_ns: list[int] = []
    token_ns: list[int] = []
    counters, started_s = energy.read_counters(), time.perf_counter()
    while len(first_ns) < request["requests"] and (
        len(first_ns) < request["fewest"] or time.perf_counter() - started_s < request["most_s"]
    ):
        first, *others = _answer(decoder, prompts[len(first_ns) % len(prompts)], new)
        first_ns.append(first)
        token_ns += others
    joules = energy.joules_between(counters, energy.read_counters())
    steady = resident.now()
    return {
        "samples_ns": token_ns,
        "first_ns": first_ns,
        "load_ms": load_ms,
        "warm_up_runs": warm_up_runs,
        "stable": True,
        "empty_bytes": empty_bytes,
        "loaded_bytes": loaded,
        "peak_bytes": max(resident.peak(), loaded, steady),
        "steady_bytes": steady,
        "peak_from_start": not was_reset,
        "joules": joules,
    }


def _answer(decoder: generate.Decoder, prompts: Ids, new_tokens: int) -> list[int]:
    """Nanoseconds of each step: from the prompts to their first tokens, then of every token after."""
    return [round(seconds * 1e9) for _, seconds in decoder.steps(prompts, new_tokens)]


if __name__ == "__main__":
    serve({"tokens": tokens, "choices": choices, "generation": generation})
