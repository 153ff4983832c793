"""Latency, memory and energy of a classifier's artefact, interleaved with its baseline.

One turn is described in `measure/worker/classifier.py`; the session of turns, its drift rule and
its intervals are in `session.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.measure.process import ask_latency, model_file
from paretoscope.measure.session import (
    MeasurementSession,
    Side,
    energy_of,
    interleaved,
    quantiles,
    ratio,
    resident_memory,
)
from paretoscope.measure.worker.messages import LatencyAnswer, LatencyRequest
from paretoscope.trials.request import Conditions, Protocol


@dataclass(frozen=True)
class Plan:
    """How long to measure: `turns` processes per model, each with a warm-up and then samples.

    The warm-up takes at most `warm_up_s` seconds. Sampling ends after `samples` runs and `least_s`
    seconds, or after `most_s` seconds, but not before `fewest` runs.
    """

    turns: int
    warm_up_s: float
    samples: int
    fewest: int
    least_s: float
    most_s: float


PLANS: dict[Protocol, Plan] = {
    "quick": Plan(turns=3, warm_up_s=0.5, samples=100, fewest=12, least_s=0.2, most_s=0.5),
    "standard": Plan(turns=5, warm_up_s=3.0, samples=100, fewest=20, least_s=0.5, most_s=20.0),
}


def measure_interleaved(
    artifact: Path,
    baseline: Path | None,
    conditions: Conditions,
    protocol: Protocol,
    progress: Callable[[int, int], None] | None = None,
) -> MeasurementSession:
    """Measure `artifact` and `baseline` (folders) in interleaved turns.

    When the turns of the baseline differ by more than 5 %, a second session is run and the steadier
    one counts; it is marked noisy when it exceeds 5 % too. Without a baseline the artefact is its
    own reference. `progress` is called with (turns done, of turns).

    Raises `ArtifactError` for a model that cannot be loaded or run or that accepts fewer tokens,
    and `ParetoscopeError` for invalid conditions.
    """
    plan = PLANS[protocol]
    folders = [folder for folder in (baseline, artifact) if folder]
    requests = [_request(folder, conditions, plan) for folder in folders]
    answers = interleaved(requests, ask_latency, plan.turns, conditions, progress)
    candidate = _side(answers.by_model[-1], conditions, answers.noisy)
    reference = _side(answers.by_model[0], conditions, answers.noisy)
    placebo = ratio(reference.turns_ms, _side(answers.placebo, conditions, answers.noisy).turns_ms)
    if baseline is None:
        return MeasurementSession(candidate, None, None, placebo, answers.notes)
    speedup = ratio(reference.turns_ms, candidate.turns_ms)
    return MeasurementSession(candidate, reference, speedup, placebo, answers.notes)


def token_ids(artifact: Path, sequence: int) -> tuple[int, int]:
    """The range [lowest, highest) of synthetic token ids, within the vocabulary of config.json.

    Ids below 1000 are special or unused in common vocabularies; of a smaller vocabulary the upper
    half is used. Raises `ArtifactError` when config.json is missing or the model accepts fewer than
    `sequence` tokens.
    """
    path = artifact / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = int(config["vocab_size"])
        longest = int(config.get("max_position_embeddings", sequence))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f'The file "{path}" has no valid vocab_size or cannot be read: run the trial again to'
            " make the artefact."
        ) from error
    if sequence > longest:
        raise ArtifactError(
            f'The model in "{artifact}" accepts at most {longest} tokens, but the sequence length'
            f" is {sequence}: choose a shorter sequence."
        )
    return min(1000, vocabulary // 2), min(2000, vocabulary)


def _request(artifact: Path, conditions: Conditions, plan: Plan) -> LatencyRequest:
    for name, value in conditions.model_dump().items():
        if value < 1:
            raise ParetoscopeError(
                f"The measuring conditions have {name} {value}: set it to a whole number of at"
                " least 1."
            )
    lowest_id, highest_id = token_ids(artifact, conditions.sequence)
    return {
        "mode": "latency",
        "model": str(model_file(artifact)),
        "threads": conditions.threads,
        "batch": conditions.batch,
        "sequence": conditions.sequence,
        "lowest_id": lowest_id,
        "highest_id": highest_id,
        "warm_up_s": plan.warm_up_s,
        "samples": plan.samples,
        "fewest": plan.fewest,
        "least_s": plan.least_s,
        "most_s": plan.most_s,
    }


def _side(turns: Sequence[LatencyAnswer], conditions: Conditions, noisy: bool) -> Side:
    turns_ms = tuple(np.asarray(turn["samples_ns"]) * 1e-6 for turn in turns)
    samples = np.concatenate(turns_ms)
    p50 = float(np.median(samples))
    return Side(
        quantiles(samples, median(turn["load_ms"] for turn in turns), conditions, noisy),
        resident_memory(turns),
        energy_of(turns, len(samples), p50, conditions),
        turns_ms,
    )
