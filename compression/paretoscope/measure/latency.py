"""Latency, memory and energy of an artefact beside its baseline, in turns and in one sitting.

Every turn is a process of its own (`measure/worker/classifier.py`): sessions that share a process
disturb each other, for the idle threads of ONNX Runtime spin. The caller holds the machine alone
meanwhile (`locks.measuring`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.machine import usable_cores
from paretoscope.measure.process import ask_latency, model_file
from paretoscope.measure.worker import energy
from paretoscope.measure.worker.messages import (
    GenerationAnswer,
    GenerationRequest,
    LatencyAnswer,
    LatencyRequest,
)
from paretoscope.statistics import intervals
from paretoscope.trials.trial import (
    Conditions,
    Energy,
    Generation,
    Interval,
    Latency,
    Memory,
    Protocol,
)

Request = TypeVar("Request", LatencyRequest, GenerationRequest)
Answer = TypeVar("Answer", LatencyAnswer, GenerationAnswer)

MOST_DRIFT = 0.05
"""Turns of one model may differ by this share before the sitting is repeated, and then marked
noisy.
"""


@dataclass(frozen=True)
class Plan:
    """How long to look: `turns` processes a model, each with at most `warm_up_s` of warm-up, then
    `samples` runs within `least_s` to `most_s` seconds, but never less than `fewest`."""

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


@dataclass(frozen=True)
class Side:
    """One model of a sitting. `turns_ms` are the raw samples, one array of milliseconds a turn, in
    order.
    """

    latency: Latency
    memory: Memory
    energy: Energy
    turns_ms: tuple[NDArray[np.float64], ...]
    generation: Generation | None = None
    """Of a decoder, whose samples are the times of single tokens."""
    first_ms: tuple[NDArray[np.float64], ...] = ()
    """Of a decoder: times from prompt to first token, one array a turn."""


@dataclass(frozen=True)
class MeasurementSession:
    """What one sitting found. `baseline` and `speedup` are None when the baseline itself was
    measured.
    """

    candidate: Side
    baseline: Side | None
    speedup: Interval | None
    notes: tuple[str, ...]

    @property
    def noisy(self) -> bool:
        return self.candidate.latency.noisy

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The raw samples in milliseconds by name (`candidate_turn1`, `baseline_turn1`, ...), for
        `numpy.savez_compressed`.
        """
        sides = {"candidate": self.candidate, "baseline": self.baseline}
        samples = {name: side.turns_ms for name, side in sides.items() if side} | {
            f"{name}_first": side.first_ms for name, side in sides.items() if side
        }
        return {
            f"{name}_turn{at}": turn
            for name, turns in samples.items()
            for at, turn in enumerate(turns, start=1)
        }


def measure_interleaved(
    artifact: Path,
    baseline: Path | None,
    conditions: Conditions,
    protocol: Protocol,
    progress: Callable[[int, int], None] | None = None,
) -> MeasurementSession:
    """Measure `artifact` and `baseline` (folders) in turns: baseline, artefact, baseline, artefact,
    ...

    When the turns of the baseline differ by more than 5 % everything is measured once more; the
    calmer of both sittings counts, and it is marked noisy when it too is beyond. Without a baseline
    the artefact is its own reference. `progress` is called with (turns done, turns in all).

    Raises `ArtifactError` for a model that cannot be loaded, run, or given so many tokens, and
    `ParetoscopeError` for conditions that make no sense.
    """
    plan, folders = PLANS[protocol], [folder for folder in (baseline, artifact) if folder]
    requests = [_request(folder, conditions, plan) for folder in folders]
    calmest, notes = interleaved(requests, ask_latency, plan.turns, conditions, progress)
    noisy = drift(calmest[0]) > MOST_DRIFT
    candidate = _side(calmest[-1], conditions, noisy)
    reference = _side(calmest[0], conditions, noisy) if baseline else None
    return MeasurementSession(candidate, reference, _speedup(candidate, reference), notes)


def interleaved(
    requests: Sequence[Request],
    ask: Callable[[Request], Answer],
    turns: int,
    at: Conditions,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[list[Answer]], tuple[str, ...]]:
    """Answers [models][turns] of the calmer of at most two sittings, and what a reader should know
    of it; the first model is the reference.
    """
    for request in requests:
        _read_through(Path(request["model"]))
    per_sitting = turns * len(requests)
    sessions = [
        _run_session(requests, ask, turns, lambda done: progress and progress(done, per_sitting))
    ]
    if drift(sessions[0][0]) > MOST_DRIFT:
        sessions.append(
            _run_session(
                requests,
                ask,
                turns,
                lambda done: progress and progress(per_sitting + done, 2 * per_sitting),
            )
        )
    calmest = min(sessions, key=lambda session: drift(session[0]))
    return calmest, _notes(calmest, len(sessions), at)


def drift(turns: Sequence[LatencyAnswer]) -> float:
    """How far the medians of a model's turns lie apart: slowest over fastest, less one."""
    medians = [median(turn["samples_ns"]) for turn in turns]
    return max(medians) / min(medians) - 1


def token_ids(artifact: Path, sequence: int) -> tuple[int, int]:
    """The range [lowest, highest) that synthetic ids are drawn from: ordinary words, within the
    vocabulary of `config.json`.

    Ids below 1000 are special or unused in the usual vocabularies; a smaller vocabulary gives its
    upper half. `ArtifactError` when there is no such file or the model takes fewer than `sequence`
    tokens.
    """
    path = artifact / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        vocabulary, longest = (
            int(config["vocab_size"]),
            int(config.get("max_position_embeddings", sequence)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f'The file "{path}" does not say how many tokens the model knows (vocab_size): make the'
            " artefact again."
        ) from error
    if sequence > longest:
        raise ArtifactError(
            f'The model in "{artifact}" takes at most {longest} tokens, not {sequence}: ask for a'
            " shorter sequence."
        )
    return min(1000, vocabulary // 2), min(2000, vocabulary)


def _request(artifact: Path, conditions: Conditions, plan: Plan) -> LatencyRequest:
    for name, value in conditions.model_dump().items():
        if value < 1:
            raise ParetoscopeError(
                f"The conditions of a latency have {name} {value}: give a whole number of at"
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


def _read_through(model: Path) -> None:
    """Bring the model into the page cache, so that the load time of a first turn is not that of the
    disk.
    """
    for path in model.parent.glob(f"{model.name}*"):
        with path.open("rb") as file:
            while file.read(2**22):
                pass


def _run_session(
    requests: Sequence[Request],
    ask: Callable[[Request], Answer],
    turns: int,
    done: Callable[[int], Any],
) -> list[list[Answer]]:
    """Answers by model and turn: [models][turns]."""
    answers: list[list[Answer]] = [[] for _ in requests]
    for turn in range(turns):
        for at, request in enumerate(requests):
            answers[at].append(ask(request))
            done(turn * len(requests) + at + 1)
    return answers


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


def quantiles(samples: NDArray[np.float64], load_ms: float, at: Conditions, noisy: bool) -> Latency:
    """Quantiles of samples in milliseconds; one that they are too few for is None."""
    low, high = intervals.median_interval(samples) or (None, None)
    return Latency(
        batch=at.batch,
        sequence=at.sequence,
        threads=at.threads,
        n=len(samples),
        p50_ms=float(np.median(samples)),
        p50_low_ms=low,
        p50_high_ms=high,
        p90_ms=float(np.quantile(samples, 0.9)),
        p95_ms=intervals.supported_quantile(samples, 0.95),
        p99_ms=intervals.supported_quantile(samples, 0.99),
        load_ms=load_ms,
        noisy=noisy,
    )


def resident_memory(turns: Sequence[LatencyAnswer]) -> Memory:
    """Medians over the turns of what lies above an empty runtime."""
    return Memory(
        peak_bytes=max(
            0, round(median(turn["peak_bytes"] - turn["empty_bytes"] for turn in turns))
        ),
        steady_bytes=max(
            0, round(median(turn["steady_bytes"] - turn["empty_bytes"] for turn in turns))
        ),
    )


def energy_of(turns: Sequence[LatencyAnswer], runs: int, run_ms: float, at: Conditions) -> Energy:
    """Joules of one request, of which `runs` runs of `run_ms` milliseconds had a batch each."""
    counted = [turn["joules"] for turn in turns if turn["joules"] is not None]
    joules = sum(counted) if len(counted) == len(turns) else None
    per_request, source = energy.per_request(joules, runs * at.batch, run_ms, at.batch, at.threads)
    return Energy(joules_per_request=per_request, source=source)


def _speedup(candidate: Side, baseline: Side | None) -> Interval | None:
    if baseline is None:
        return None
    value, low, high = intervals.ratio_of_medians(baseline.turns_ms, candidate.turns_ms)
    return Interval(value=value, low=low, high=high)


def _notes(
    models: Sequence[Sequence[LatencyAnswer]], sessions: int, conditions: Conditions
) -> tuple[str, ...]:
    """What a reader of the figures should know, each a short sentence without a full stop."""
    notes: list[str] = []
    turns = [turn for model in models for turn in model]
    if conditions.threads > usable_cores():
        notes.append(f"{conditions.threads} threads share {usable_cores()} cores")
    if sessions > 1:
        apart, reference = drift(models[0]), "baseline" if len(models) > 1 else "model"
        verdict = (
            "measured twice and noisy"
            if apart > MOST_DRIFT
            else "measured twice, the calmer sitting counts"
        )
        notes.append(f"{verdict}: the turns of the {reference} differ by {apart:.0%}")
    if unsettled := sum(not turn["stable"] for turn in turns):
        notes.append(f"the warm-up of {unsettled} of {len(turns)} turns did not settle within 2 %")
    if any(turn["peak_from_start"] for turn in turns):
        notes.append(
            "peak memory includes the imports, for this system does not let a process set its peak"
            " back"
        )
    return tuple(notes)
