"""What is said between a process that asks for a measurement and the fresh one that takes it: JSON,
one line each way.

Arrays travel in files beside it. Both sides import this file, so it holds types and nothing else.
"""

from __future__ import annotations

from typing import TypedDict


class LatencyRequest(TypedDict):
    """One turn: load the model, warm up, sample. Sampling ends with `samples` runs and `least_s`
    seconds behind it, or after `most_s` seconds once there are `fewest` runs."""

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


class QualityRequest(TypedDict):
    """`inputs` is an .npz with `ids` (all texts in one row), `lengths` (tokens of each), `order`
    and `sizes` (the batches); the logits go to `outputs`, an .npy [n, classes] in the order of the
    texts."""

    mode: str
    model: str
    threads: int
    inputs: str
    outputs: str


class QualityAnswer(TypedDict):
    seconds: float


class TokensRequest(TypedDict):
    """Score every token of documents. `inputs` is an .npz with `ids` (all documents in one row) and
    `lengths`; of at most `context` tokens each sees those before it. To `outputs`, an .npz, go
    `log_probability` and `top` of every scored token [n], and with `keep` above 0 the likeliest
    tokens of each position `ids` and their `logs` [n, keep]. With a `reference`, the .npz that
    another model gave with `keep`, there is `kl` [n] too."""

    mode: str
    model: str
    threads: int
    context: int
    keep: int
    inputs: str
    reference: str | None
    outputs: str


class ChoicesRequest(TypedDict):
    """Score the continuations of questions. `inputs` is an .npz with `contexts` and `choices`
    (token ids in one row), `context_lengths` [n] and `choice_lengths` [n, choices]; the mean
    log-probability of the tokens of each choice goes to `outputs`, an .npy [n, choices]."""

    mode: str
    model: str
    threads: int
    inputs: str
    outputs: str


class GenerationRequest(TypedDict):
    """One turn: load the model, then continue prompts of [batch, prompt] random ids by `new_tokens`
    each, greedily; first once or more to warm up, for at most `warm_up_s`, then `requests` times,
    or for `most_s` seconds once there are `fewest`."""

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
    """Of a decoder: `samples_ns` are the times of single output tokens after the first, `first_ns`
    those from prompt to first token.
    """

    first_ns: list[int]


class Failure(TypedDict):
    """One plain sentence about the artefact."""

    error: str
