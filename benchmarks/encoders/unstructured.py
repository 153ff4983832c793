"""Zeros in single weights: what magnitude, Wanda and SparseGPT keep at once, and what retraining
wins back at 90 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from benchmarks.encoders.judge import (
    Asked,
    bench_of,
    difference,
    judged,
    over_seeds,
    points,
    spread,
)
from benchmarks.encoders.minutes import Work, seeded
from benchmarks.telling import title, verdict
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights
from paretoscope.recipes.stages.methods import WEIGHT_SCORES

METHODS = ("magnitude", "wanda", "sparsegpt")
"""From the weakest to the strongest, as their papers have it."""
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


def run(asked: Asked) -> None:
    for model in asked.models:
        title(
            "unstructured",
            f"{model}, without retraining; a seed draws the calibration examples, which magnitude"
            " does not look at",
        )
        for sparsity in SPARSITIES:
            _compare(
                {method: _at_once(asked, model, method, sparsity) for method in METHODS}, sparsity
            )
        _retrained(asked, model)


def work(asked: Asked, model: str) -> Work:
    at_once = [
        Recipe(stages=(PruneWeights(method=method, sparsity=sparsity),))
        for method in METHODS
        for sparsity in SPARSITIES
        for _ in _seeds(asked, method)
    ]
    return Work((*at_once, *seeded([Recipe(stages=(RETRAINED,))], asked.seeds)))


def _seeds(asked: Asked, method: str) -> tuple[int, ...]:
    """One that looks at no data is one run whatever the seed."""
    return asked.seeds if WEIGHT_SCORES[method].needs == "inputs" else asked.seeds[:1]


def _at_once(asked: Asked, model: str, method: str, sparsity: float) -> list[np.ndarray]:
    """Right answers [n] for each seed."""
    found: list[np.ndarray] = []
    for seed in _seeds(asked, method):
        recipe = asked.recipe(PruneWeights(method=method, sparsity=sparsity))
        found.append(
            judged(asked, bench_of(asked, model, recipe, calibrated_by=seed), recipe).right
        )
    return found


def _compare(right: Mapping[str, list[np.ndarray]], sparsity: float) -> None:
    for method, seeds in right.items():
        print(f"  {sparsity:.0%} {method:<10} {spread([float(seed.mean()) for seed in seeds])}")
    for weaker, stronger in pairwise(right):
        gain = difference(over_seeds(right[stronger]), over_seeds(right[weaker]))
        verdict(
            f"{sparsity:.0%}: {stronger} at least as good as {weaker}",
            points(gain),
            gain.value >= 0,
        )


def _retrained(asked: Asked, model: str) -> None:
    title("unstructured", f"{model}, {RETRAINED.in_words()}")
    bench = bench_of(asked, model)
    whole = judged(asked, bench, Recipe())
    seeds = [judged(asked, bench, asked.recipe(RETRAINED, seed=seed)).right for seed in asked.seeds]
    print(
        f"  fp32 {whole.accuracy.value:.4f}, 90 % zeros"
        f" {spread([float(seed.mean()) for seed in seeds])}"
    )
    lost = difference(over_seeds(seeds), whole.right)
    verdict("90 %: within 2 points of fp32", points(lost), lost.value >= -MOST_LOST)
