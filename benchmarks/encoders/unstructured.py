"""Unstructured pruning by magnitude, Wanda and SparseGPT, one-shot and with retraining."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from benchmarks.encoders.evaluation import (
    Options,
    bench_of,
    difference,
    evaluated,
    over_seeds,
    points,
    spread,
)
from benchmarks.encoders.expected_minutes import Workload, with_seeds
from benchmarks.verdicts import title, verdict
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights
from paretoscope.recipes.stages.methods import WEIGHT_SCORES

METHODS = ("magnitude", "wanda", "sparsegpt")
"""From the weakest to the strongest, according to their papers."""
SPARSITIES = (0.5, 0.6, 0.7, 0.8)
RETRAINED = PruneWeights(
    method="sparsegpt",
    sparsity=0.9,
    steps=4,
    retrain_epochs=16,
    learning_rate=5e-4,
    distill_weight=0.9,
)
MOST_LOST = 0.02


def run(options: Options) -> None:
    for model in options.models:
        title(
            "unstructured",
            f"{model}, without retraining; each seed draws the calibration examples (magnitude uses"
            " none)",
        )
        for sparsity in SPARSITIES:
            _compare(
                {method: _at_once(options, model, method, sparsity) for method in METHODS}, sparsity
            )
        _retrained(options, model)


def workload(options: Options, model: str) -> Workload:
    at_once = [
        Recipe(stages=(PruneWeights(method=method, sparsity=sparsity),))
        for method in METHODS
        for sparsity in SPARSITIES
        for _ in _seeds(options, method)
    ]
    return Workload((*at_once, *with_seeds([Recipe(stages=(RETRAINED,))], options.seeds)))


def _seeds(options: Options, method: str) -> tuple[int, ...]:
    """All seeds for a method that uses calibration data; a method without data needs one run."""
    return options.seeds if WEIGHT_SCORES[method].needs == "inputs" else options.seeds[:1]


def _at_once(options: Options, model: str, method: str, sparsity: float) -> list[np.ndarray]:
    """Correct predictions [n] for each seed."""
    found: list[np.ndarray] = []
    for seed in _seeds(options, method):
        recipe = options.recipe(PruneWeights(method=method, sparsity=sparsity))
        found.append(
            evaluated(options, bench_of(options, model, recipe, calibrated_by=seed), recipe).correct
        )
    return found


def _compare(correct: Mapping[str, list[np.ndarray]], sparsity: float) -> None:
    for method, seeds in correct.items():
        print(f"  {sparsity:.0%} {method:<10} {spread([float(seed.mean()) for seed in seeds])}")
    for weaker, stronger in pairwise(correct):
        gain = difference(over_seeds(correct[stronger]), over_seeds(correct[weaker]))
        verdict(
            f"{sparsity:.0%}: {stronger} at least as good as {weaker}",
            points(gain),
            gain.value >= 0,
        )


def _retrained(options: Options, model: str) -> None:
    title("unstructured", f"{model}, {RETRAINED.in_words()}")
    bench = bench_of(options, model)
    baseline = evaluated(options, bench, Recipe())
    seeds = [
        evaluated(options, bench, options.recipe(RETRAINED, seed=seed)).correct
        for seed in options.seeds
    ]
    print(
        f"  fp32 {baseline.accuracy.value:.4f}, 90 % zeros"
        f" {spread([float(seed.mean()) for seed in seeds])}"
    )
    lost = difference(over_seeds(seeds), baseline.correct)
    verdict("90 %: within 2 points of fp32", points(lost), lost.value >= -MOST_LOST)
