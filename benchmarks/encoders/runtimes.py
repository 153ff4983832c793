"""Evaluates and times a model in another runtime, interleaved with the fp32 baseline.

The runtime is a worker module; `benchmarks/peers/worker.py` has its protocol.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.encoders.evaluation import CONDITIONS
from benchmarks.peers.protocol import call_worker
from paretoscope.machine import usable_cores
from paretoscope.measure import locks
from paretoscope.measure.latency import PLANS, token_ids
from paretoscope.measure.process import ask_latency
from paretoscope.measure.session import MOST_DRIFT, drift
from paretoscope.measure.worker.messages import LatencyAnswer, LatencyRequest
from paretoscope.statistics import intervals
from paretoscope.trials.request import Protocol
from paretoscope.trials.trial import Interval

Turn = tuple[LatencyAnswer, dict[str, Any]]


def logits(worker: str, model: Path, texts: Sequence[np.ndarray]) -> np.ndarray:
    """Logits [n, classes] of texts as token ids, [tokens] each."""
    with tempfile.TemporaryDirectory() as scratch, locks.compute():
        inputs, outputs = Path(scratch) / "inputs.npz", Path(scratch) / "logits.npy"
        np.savez(inputs, ids=np.concatenate(texts), lengths=np.array([len(ids) for ids in texts]))
        call_worker(
            worker,
            mode="quality",
            model=str(model),
            threads=usable_cores(),
            inputs=str(inputs),
            outputs=str(outputs),
        )
        return np.load(outputs)


def speedup(worker: str, model: Path, baseline: Path, protocol: Protocol) -> tuple[Interval, bool]:
    """Baseline median / model median, and whether the baseline drifted in both sessions."""
    with locks.measuring():
        sessions = [_run_session(worker, model, baseline, protocol)]
        if _baseline_drift(sessions[0]) > MOST_DRIFT:
            sessions.append(_run_session(worker, model, baseline, protocol))
    calmest = min(sessions, key=_baseline_drift)
    over, under = (
        [np.asarray(turn[side]["samples_ns"], dtype=np.float64) for turn in calmest]
        for side in (0, 1)
    )
    value, low, high = intervals.ratio_of_medians(over, under)
    return Interval(value=value, low=low, high=high), _baseline_drift(calmest) > MOST_DRIFT


def _run_session(worker: str, model: Path, baseline: Path, protocol: Protocol) -> list[Turn]:
    plan = PLANS[protocol]
    lowest, highest = token_ids(baseline, CONDITIONS.sequence)
    request: LatencyRequest = {
        "mode": "latency",
        "model": str(baseline / "model.onnx"),
        "threads": CONDITIONS.threads,
        "batch": CONDITIONS.batch,
        "sequence": CONDITIONS.sequence,
        "lowest_id": lowest,
        "highest_id": highest,
        "warm_up_s": plan.warm_up_s,
        "samples": plan.samples,
        "fewest": plan.fewest,
        "least_s": plan.least_s,
        "most_s": plan.most_s,
    }
    theirs = {**request, "model": str(model)}
    return [(ask_latency(request), call_worker(worker, **theirs)) for _ in range(plan.turns)]


def _baseline_drift(turns: Sequence[Turn]) -> float:
    return drift([baseline for baseline, _ in turns])
