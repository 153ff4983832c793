"""Generation speed of a decoder, interleaved with its baseline.

Measured are the time to the first token (TTFT), the time per output token after it (TPOT), memory
and energy. One turn is described in `measure/worker/decoder.py`; the session of turns, its drift
rule and its intervals are in `session.py`. The speed-up is the ratio of the times per output token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from paretoscope.measure.latency import token_ids
from paretoscope.measure.process import ask_generation, model_file
from paretoscope.measure.session import (
    MeasurementSession,
    Side,
    Turns,
    energy_of,
    interleaved,
    quantiles,
    ratio,
    resident_memory,
)
from paretoscope.measure.worker.messages import GenerationAnswer, GenerationRequest
from paretoscope.statistics import intervals
from paretoscope.trials.request import NEW_TOKENS, Conditions, Protocol
from paretoscope.trials.trial import Generation


@dataclass(frozen=True)
class Plan:
    """How long to measure: `turns` processes per model, each with a warm-up and then requests.

    The warm-up is at least one request and takes `warm_up_s` seconds. Then `requests` prompts are
    continued by `new_tokens` each, or as many as fit in `most_s` seconds, but at least `fewest`.
    """

    turns: int
    new_tokens: int
    warm_up_s: float
    requests: int
    fewest: int
    most_s: float


PLANS: dict[Protocol, Plan] = {
    "quick": Plan(
        turns=3, new_tokens=NEW_TOKENS["quick"], warm_up_s=0.3, requests=10, fewest=2, most_s=2.0
    ),
    "standard": Plan(
        turns=5,
        new_tokens=NEW_TOKENS["standard"],
        warm_up_s=2.0,
        requests=20,
        fewest=4,
        most_s=30.0,
    ),
}


def generate_interleaved(
    artifact: Path,
    baseline: Path | None,
    conditions: Conditions,
    protocol: Protocol,
    progress: Callable[[int, int], None] | None = None,
) -> MeasurementSession:
    """Measure `artifact` and `baseline` (folders) as `latency.measure_interleaved` does.

    `conditions.sequence` is the length of the prompt. Raises `ArtifactError` for a model that
    cannot be loaded or run or that accepts fewer tokens.
    """
    plan = PLANS[protocol]
    requests = [_request(folder, conditions, plan) for folder in (baseline, artifact) if folder]
    answers = interleaved(requests, ask_generation, plan.turns, conditions, progress)
    candidate = _side(answers.by_model[-1], conditions, plan.new_tokens, answers.noisy)
    if baseline is None:
        return MeasurementSession(candidate, None, None, answers.notes)
    reference = _side(answers.by_model[0], conditions, plan.new_tokens, answers.noisy)
    assert candidate.generation is not None
    ttft_speedup = ratio(reference.first_ms, candidate.first_ms)
    generation = candidate.generation.model_copy(update={"ttft_speedup": ttft_speedup})
    speedup = ratio(reference.turns_ms, candidate.turns_ms)
    return MeasurementSession(
        replace(candidate, generation=generation), reference, speedup, answers.notes
    )


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
