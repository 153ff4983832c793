"""Measures the graphs of a trial: scores on the task, then latency, memory and energy.

Scores are cached by content; timings never are, because they belong to one moment on one machine.
How a number is computed is in `measure/` and `statistics/`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from paretoscope.engine.build import Bench, Made
from paretoscope.engine.evaluators import Scores
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.measure.generation import generate_interleaved
from paretoscope.measure.latency import measure_interleaved
from paretoscope.measure.process import reporting
from paretoscope.measure.session import MeasurementSession, Timer
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.trial import Quality
from paretoscope.workspace import write_whole

TIMERS: Mapping[str, Timer] = {"classifier": measure_interleaved, "decoder": generate_interleaved}
"""How artefacts are timed, by architecture."""


class Evaluated(NamedTuple):
    """A graph and its scores on the validation split."""

    made: Made
    scores: Scores


def evaluate(bench: Bench, made: Made, baseline: Made) -> Evaluated:
    """Score a graph, and the baseline first where the evaluator compares the two."""
    with bench.steps.step("accuracy"):
        return Evaluated(made, _scores(bench, made, baseline))


def kl_floor(bench: Bench, baseline: Evaluated) -> float:
    """KL divergence in nats of the baseline from itself (`Evaluator.kl_floor`)."""

    def compute() -> dict[str, Any]:
        with locks.compute():
            return {"kl": np.array(bench.evaluator.kl_floor(baseline.made.folder, baseline.scores))}

    made = baseline.made
    inputs = bench.evaluator.key(made.folder, made.key)
    key = content_key("kl floor", made.key, inputs, fingerprint().id)
    with bench.steps.step("accuracy"):
        return float(bench.cache.arrays(key, compute)["kl"])


def quality_of(bench: Bench, recipe: Recipe) -> Quality:
    """Make a recipe and evaluate it on the validation split."""
    baseline = bench.make(Recipe())
    made = bench.make(recipe) if recipe.stages else baseline
    return bench.evaluator.quality(made.folder, evaluate(bench, made, baseline).scores)


def measure(bench: Bench, made: Made, baseline: Made) -> MeasurementSession:
    """Time a graph, interleaved with the baseline, while no other work runs on the machine."""
    request = bench.request
    timer = TIMERS[bench.model_ref.architecture]
    bench.steps.waits("latency")
    with locks.measuring(), bench.steps.step("latency"):
        return timer(
            made.folder,
            None if made is baseline else baseline.folder,
            request.conditions,
            request.protocol,
            bench.steps.progress,
        )


def write_samples(
    bench: Bench, session: MeasurementSession, scores: Scores, reference: Scores
) -> None:
    """Write the raw latency samples and the answer to every example of the split."""
    samples = bench.evaluator.samples(scores, reference)
    arrays: dict[str, Any] = {**samples, **session.arrays()}
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    path = bench.workspace.samples / f"{bench.request.trial_id}.npz"
    write_whole(path, packed.getvalue())


def _scores(bench: Bench, made: Made, baseline: Made) -> Scores:
    def compute() -> Scores:
        reference = None if made.key == baseline.key else _scores(bench, baseline, baseline)
        with locks.compute(), reporting(bench.steps.progress):
            return bench.evaluator.scores(made.folder, reference)

    inputs = bench.evaluator.key(made.folder, baseline.key)
    key = content_key("scores", made.key, inputs, fingerprint().id)
    return bench.cache.arrays(key, compute)
