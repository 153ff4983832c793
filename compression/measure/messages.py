"""What is said between a process that asks for a measurement and the fresh one that takes it: JSON, one line each way.

Arrays travel in files beside it. Both sides import this file, so it holds types and nothing else.
"""

from __future__ import annotations

from typing import TypedDict


class LatencyRequest(TypedDict):
    """One turn: load the model, warm up, sample. Sampling ends with `samples` runs and `least_s` seconds behind it,
    or after `most_s` seconds once there are `fewest` runs."""

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
    """Times of every run in nanoseconds, in order; resident bytes of the process at four moments."""

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
    """`inputs` is an .npz with `ids` (all texts in one row), `lengths` (tokens of each), `order` and `sizes` (the batches);
    the logits go to `outputs`, an .npy [n, classes] in the order of the texts."""

    mode: str
    model: str
    threads: int
    inputs: str
    outputs: str


class QualityAnswer(TypedDict):
    seconds: float


class Failure(TypedDict):
    """One plain sentence about the artefact."""

    error: str
