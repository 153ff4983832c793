"""Profiling a classifier's graph in fresh processes, and the sums by part and by operator.

The caller holds the machine exclusively (`measure/locks.py`). Decoders are not profiled: their
requests have two phases with different shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import ArtifactError
from paretoscope.layers.parts import part_of_node
from paretoscope.layers.profile import OperatorTime, PartTime, Profile
from paretoscope.machine import fingerprint
from paretoscope.measure.latency import token_ids
from paretoscope.measure.process import ask_profile, model_file
from paretoscope.measure.session import MOST_DRIFT
from paretoscope.measure.worker.messages import ProfileAnswer, ProfileRequest
from paretoscope.statistics.intervals import median_interval
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval, TrialDocument

PROCESSES, RUNS, WARM_UP_S = 3, 80, 0.5
"""Fresh processes, runs in each with and without the profiler, and seconds of a warm-up at most."""
Floats = NDArray[np.float64]


def profile(
    document: TrialDocument,
    artifact: Path,
    at: Conditions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Profile:
    """Profile the graph of a trial in its folder; `progress` gets (processes done, of).

    Raises `ArtifactError` for a decoder, a graph that cannot be run or one with fewer tokens.
    """
    if document.generation is not None or document.artifact is None:
        raise ArtifactError(
            f"Trial {document.trial_id} has no classifier's graph; the profiler runs classifiers"
            " only."
        )
    lowest, highest = token_ids(artifact, at.sequence)
    request: ProfileRequest = {
        "mode": "profile",
        "model": str(model_file(artifact)),
        "batch": at.batch,
        "sequence": at.sequence,
        "threads": at.threads,
        "lowest_id": lowest,
        "highest_id": highest,
        "warm_up_s": WARM_UP_S,
        "runs": RUNS,
    }
    answers: list[ProfileAnswer] = []
    for done in range(PROCESSES):
        progress(done, PROCESSES)
        answers.append(ask_profile(request))
    return summary(document, at, answers)


def summary(document: TrialDocument, at: Conditions, answers: Sequence[ProfileAnswer]) -> Profile:
    """The document of the answers of several processes for one graph."""
    first = answers[0]
    durations = np.concatenate([_milliseconds(each["durations_ns"]) for each in answers], axis=1)
    plain = [_milliseconds(each["plain_ns"]) for each in answers]
    medians = [float(np.median(each)) for each in plain]
    count = Counter(first["operators"])
    operators = _summed(first["operators"], durations)
    parts = _summed([part_of_node(name) for name in first["nodes"]], durations)
    record = document.artifact
    return Profile(
        model=document.model,
        trial_id=document.trial_id,
        recipe_id=document.recipe_id,
        graph_sha256=record.sha256.get("model.onnx", "") if record else "",
        machine=fingerprint(),
        conditions=at,
        processes=len(answers),
        runs=durations.shape[1],
        plain_ms=_median(np.concatenate(plain)),
        profiled_ms=_median(np.concatenate([_milliseconds(e["profiled_ns"]) for e in answers])),
        parts=tuple(PartTime(part=name, ms=ms) for name, ms in parts.items()),
        operators=tuple(
            OperatorTime(operator=name, count=count[name], ms=ms)
            for name, ms in sorted(operators.items(), key=lambda row: -row[1].value)
        ),
        noisy=max(medians) / min(medians) - 1 > MOST_DRIFT,
        measured_at=datetime.now(UTC),
    )


def _milliseconds(nanoseconds: Sequence[int] | Sequence[Sequence[int]]) -> Floats:
    return np.asarray(nanoseconds, dtype=np.float64) * 1e-6


def _summed(groups: Sequence[str], durations: Floats) -> dict[str, Interval]:
    """For each group the median over runs of the sum of its nodes; `durations` is [nodes, runs]."""
    found: dict[str, Interval] = {}
    for name in dict.fromkeys(groups):
        rows = [row for row, group in enumerate(groups) if group == name]
        found[name] = _median(durations[rows].sum(axis=0))
    return found


def _median(samples: Floats) -> Interval:
    """The median with its 95 % interval, or with the range of fewer samples than that needs."""
    low, high = median_interval(samples) or (float(samples.min()), float(samples.max()))
    return Interval(value=float(np.median(samples)), low=low, high=high)
