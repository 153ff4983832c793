"""How fast a decoder answers beside its baseline: time to the first token, time of each token after
it, memory and energy.

As with classifiers every turn is a process of its own, and the turns, the drift rule and the
intervals are `latency.py`'s; what a turn does is `measure/worker/decoder.py`'s. The ratio of the
times of one output token is the speed-up, that of the times to the first token stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from paretoscope.measure.latency import (
    MOST_DRIFT,
    MeasurementSession,
    Side,
    drift,
    energy_of,
    interleaved,
    quantiles,
    resident_memory,
    token_ids,
)
from paretoscope.measure.process import ask_generation, model_file
from paretoscope.measure.worker.messages import GenerationAnswer, GenerationRequest
from paretoscope.statistics import intervals
from paretoscope.trials.trial import Conditions, Generation, Interval, Protocol

Turns = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Plan:
    """How long to look: `turns` processes a model, each of which warms up for `warm_up_s` and at
    least once, then answers `requests` prompts by `new_tokens` each, or as many as fit in `most_s`
    seconds, but never fewer than `fewest`."""

    turns: int
    new_tokens: int
    warm_up_s: float
    requests: int
    fewest: int
    most_s: float


PLANS: dict[Protocol, Plan] = {
    "quick": Plan(turns=3, new_tokens=24, warm_up_s=0.3, requests=10, fewest=2, most_s=2.0),
    "standard": Plan(turns=5, new_tokens=64, warm_up_s=2.0, requests=20, fewest=4, most_s=30.0),
}


def generate_interleaved(
    artifact: Path,
    baseline: Path | None,
    conditions: Conditions,
    protocol: Protocol,
    progress: Callable[[int, int], None] | None = None,
) -> MeasurementSession:
    """Measure `artifact` and `baseline` (folders) in turns, as `latency.measure_in_turns` does;
    `conditions.sequence` is the prompt's length.

    Raises `ArtifactError` for a model that cannot be loaded, run, or given so many tokens.
    """
    plan = PLANS[protocol]
    requests = [_request(folder, conditions, plan) for folder in (baseline, artifact) if folder]
    answers, notes = interleaved(requests, ask_generation, plan.turns, conditions, progress)
    noisy = drift(answers[0]) > MOST_DRIFT
    candidate = _side(answers[-1], conditions, plan.new_tokens, noisy)
    if baseline is None:
        return MeasurementSession(candidate, None, None, notes)
    reference = _side(answers[0], conditions, plan.new_tokens, noisy)
    assert candidate.generation is not None
    generation = candidate.generation.model_copy(
        update={"ttft_speedup": _ratio(reference.first_ms, candidate.first_ms)}
    )
    return MeasurementSession(
        replace(candidate, generation=generation),
        reference,
        _ratio(reference.turns_ms, candidate.turns_ms),
        notes,
    )


def _ratio(baseline: Turns, candidate: Turns) -> Interval:
    value, low, high = intervals.ratio_of_medians(baseline, candidate)
    return Interval(value=value, low=low, high=high)


def _request(artifact: Path, conditions: Conditions, plan: Plan) -> GenerationRequest:
    lowest_id, highest_id = token_ids(artifact, conditions.sequence + plan.new_tokens)
    return {
        "mode": "generation",
        "model": str(model_file(artifact)),
        "threads": conditions.threads,
        "batch": conditions.batch,
        "prompt": conditions.sequence,
        "new_tokens": plan.new_tokens,
        "lowest_id": lowest_id,
        "highest_id": highest_id,
        "warm_up_s": plan.warm_up_s,
        "requests": plan.requests,
        "fewest": plan.fewest,
        "most_s": plan.most_s,
    }


def _side(turns: Sequence[GenerationAnswer], at: Conditions, new_tokens: int, noisy: bool) -> Side:
    turns_ms: Turns = tuple(np.asarray(turn["samples_ns"]) * 1e-6 for turn in turns)
    first_ms: Turns = tuple(np.asarray(turn["first_ns"]) * 1e-6 for turn in turns)
    latency = quantiles(
        np.concatenate(turns_ms), median(turn["load_ms"] for turn in turns), at, noisy
    )
    firsts = np.concatenate(first_ms)
    low, high = intervals.median_interval(firsts) or (None, None)
    generation = Generation(
        prompt_tokens=at.sequence,
        new_tokens=new_tokens,
        n=len(firsts),
        ttft_ms=float(np.median(firsts)),
        ttft_low_ms=low,
        ttft_high_ms=high,
        ttft_p90_ms=float(np.quantile(firsts, 0.9)),
        tpot_ms=latency.p50_ms,
        tpot_low_ms=latency.p50_low_ms,
        tpot_high_ms=latency.p50_high_ms,
        tpot_p90_ms=latency.p90_ms,
        tokens_per_s=1e3 * at.batch / latency.p50_ms,
    )
    answer_ms = generation.ttft_ms + (new_tokens - 1) * generation.tpot_ms
    return Side(
        latency,
        resident_memory(turns),
        energy_of(turns, len(firsts), answer_ms, at),
        turns_ms,
        generation,
        first_ms,
    )
