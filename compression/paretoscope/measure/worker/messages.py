"""Requests to the measuring process and its answers: one line of JSON each.

Arrays are passed in files. Both processes import this file, so it holds types only.
"""

from __future__ import annotations

from typing import TypedDict


class LatencyRequest(TypedDict):
    """One turn: load the model, warm up, sample.

    Sampling ends after `samples` runs and `least_s` seconds, or after `most_s` seconds and at least
    `fewest` runs.
    """

    mode: str
    model: str
    threads: int
    batch: int
    sequence: int
    lowest_id: int
    highest_id: int
    warm_up_s: float
    samples: int
    fewest: int
    least_s: float
    most_s: float


class LatencyAnswer(TypedDict):
    """Times of all runs in nanoseconds, in order, and resident bytes at four moments."""

    samples_ns: list[int]
    load_ms: float
    warm_up_runs: int
    stable: bool
    empty_bytes: int
    loaded_bytes: int
    peak_bytes: int
    steady_bytes: int
    peak_from_start: bool
    joules: float | None


class ProfileRequest(TypedDict):
    """Time every node of a graph in `runs` runs, after a warm-up of at most `warm_up_s` seconds."""

    mode: str
    model: str
    threads: int
    batch: int
    sequence: int
    lowest_id: int
    highest_id: int
    warm_up_s: float
    runs: int


class ProfileAnswer(TypedDict):
    """Nanoseconds of whole runs without and with the profiler, and of every node [nodes][runs]."""

    plain_ns: list[int]
    profiled_ns: list[int]
    nodes: list[str]
    operators: list[str]
    durations_ns: list[list[int]]


class QualityRequest(TypedDict):
    """Compute the logits of texts, `parallel` batches at a time.

    `inputs` is an .npz with `ids` (all texts concatenated), `lengths` (tokens of each text), and
    `order` and `sizes` (the batches). `outputs` is an .npy [n, classes] in the order of the texts.
    """

    mode: str
    model: str
    threads: int
    parallel: int
    inputs: str
    outputs: str


class QualityAnswer(TypedDict):
    seconds: float


class TokensRequest(TypedDict):
    """Score every token of documents, each with at most `context` tokens, `piece` at a time.

    `inputs` is an .npz with `ids` (all documents concatenated) and `lengths`. `outputs` is an .npz
    with `log_probability` and `top` of every scored token [n]. With `keep` above 0 it also has the
    most likely tokens `ids` and their `logs` [n, keep]; given such a file of another model as
    `reference`, it also has `kl` [n].
    """

    mode: str
    model: str
    threads: int
    context: int
    piece: int
    keep: int
    inputs: str
    reference: str | None
    outputs: str


class ChoicesRequest(TypedDict):
    """Score the continuations of cloze questions.

    `inputs` is an .npz with `contexts` and `choices` (concatenated token ids), `context_lengths`
    [n] and `choice_lengths` [n, choices]. `outputs` is an .npy [n, choices] of mean
    log-probabilities.
    """

    mode: str
    model: str
    threads: int
    inputs: str
    outputs: str


class GenerationRequest(TypedDict):
    """One turn: load the model, then continue prompts of random ids [batch, prompt] greedily.

    Each prompt is continued by `new_tokens`. The warm-up is at least one prompt and `warm_up_s`
    seconds; then come `requests` prompts, or as many as fit in `most_s`, but at least `fewest`.
    """

    mode: str
    model: str
    threads: int
    batch: int
    prompt: int
    new_tokens: int
    lowest_id: int
    highest_id: int
    warm_up_s: float
    requests: int
    fewest: int
    most_s: float


class GenerationAnswer(LatencyAnswer):
    """The answer for a decoder.

    `samples_ns` are the times of single output tokens after the first, `first_ns` the times to the
    first token.
    """

    first_ns: list[int]


class Failure(TypedDict):
    """An error message about the artefact."""

    error: str
