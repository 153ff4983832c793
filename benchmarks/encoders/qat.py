"""Quantization-aware training compared with post-training rounding at the same bits and bytes."""

from __future__ import annotations

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
from benchmarks.verdicts import title, verdict, with_interval
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize

EPOCHS, LEARNING_RATE = 2, {4: 5e-5, 2: 1e-4}
ROUNDINGS = ("rtn", "gptq")


def run(options: Options) -> None:
    for model in options.models:
        for bits in LEARNING_RATE:
            _compare(options, model, bits)


def workload(options: Options, model: str) -> Workload:
    found: list[Recipe] = []
    for bits in LEARNING_RATE:
        found += with_seeds([Recipe(stages=(_trained(bits),))], options.seeds)
        found += [
            Recipe(stages=(Quantize(scheme="weight-only", bits=bits, rounding=rounding),))
            for rounding in ROUNDINGS
        ]
    return Workload(tuple(found))


def _trained(bits: int) -> Quantize:
    return Quantize(
        scheme="weight-only", bits=bits, train_epochs=EPOCHS, learning_rate=LEARNING_RATE[bits]
    )


def _compare(options: Options, model: str, bits: int) -> None:
    """Post-training rounding is deterministic, one run; training has one run per seed."""
    bench = bench_of(options, model)
    baseline = evaluated(options, bench, Recipe())
    title(
        "qat",
        f"{model}, {bits}-bit weights; fp32 {baseline.accuracy.value:.4f}; {EPOCHS} epochs,"
        f" learning rate {LEARNING_RATE[bits]:g}",
    )
    seeds = [
        evaluated(options, bench, options.recipe(_trained(bits), seed=seed))
        for seed in options.seeds
    ]
    correct = over_seeds([seed.correct for seed in seeds])
    divergences = over_seeds([seed.divergences(baseline) for seed in seeds])
    accuracy = spread([seed.accuracy.value for seed in seeds])
    _print_row("trained", seeds[0].bytes, accuracy, divergences)
    for rounding in ROUNDINGS:
        stage = Quantize(scheme="weight-only", bits=bits, rounding=rounding)
        after = evaluated(options, bench, options.recipe(stage))
        theirs = after.divergences(baseline)
        _print_row(f"post {rounding}", after.bytes, with_interval(after.accuracy, 4), theirs)
        gain = difference(correct, after.correct)
        verdict(
            f"{bits} bits: trained beats {rounding}",
            f"{points(gain)}, KL {with_interval(difference(divergences, theirs))} nats",
            gain.low > 0,
        )


def _print_row(name: str, size: int, accuracy: str, divergences: np.ndarray) -> None:
    kl = divergences.mean()
    print(f"  {name:<14} {size / 1e6:6.2f} MB  accuracy {accuracy}  KL {kl:.3f}", flush=True)
