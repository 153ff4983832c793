"""Training with rounding in the forward pass, beside rounding afterwards, at the same widths and
bytes.
"""

from __future__ import annotations

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
from benchmarks.telling import title, verdict, within
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize

EPOCHS, LEARNING_RATE = 2, {4: 5e-5, 2: 1e-4}
ROUNDINGS = ("rtn", "gptq")


def run(asked: Asked) -> None:
    for model in asked.models:
        for bits in LEARNING_RATE:
            _compare(asked, model, bits)


def work(asked: Asked, model: str) -> Work:
    found: list[Recipe] = []
    for bits in LEARNING_RATE:
        found += seeded([Recipe(stages=(_trained(bits),))], asked.seeds)
        found += [
            Recipe(stages=(Quantize(scheme="weight-only", bits=bits, rounding=rounding),))
            for rounding in ROUNDINGS
        ]
    return Work(tuple(found))


def _trained(bits: int) -> Quantize:
    return Quantize(
        scheme="weight-only", bits=bits, train_epochs=EPOCHS, learning_rate=LEARNING_RATE[bits]
    )


def _compare(asked: Asked, model: str, bits: int) -> None:
    """Post-training uses no chance, so it is one run; training is one a seed."""
    bench = bench_of(asked, model)
    whole = judged(asked, bench, Recipe())
    title(
        "qat",
        f"{model}, {bits}-bit weights; fp32 {whole.accuracy.value:.4f}; {EPOCHS} epochs, learning"
        f" rate {LEARNING_RATE[bits]:g}",
    )
    seeds = [judged(asked, bench, asked.recipe(_trained(bits), seed=seed)) for seed in asked.seeds]
    right, divergences = (
        over_seeds([seed.right for seed in seeds]),
        over_seeds([seed.divergences(whole) for seed in seeds]),
    )
    size = seeds[0].bytes / 1e6
    print(
        f"  {'trained':<14} {size:6.2f} MB  accuracy"
        f" {spread([seed.accuracy.value for seed in seeds])}  KL {divergences.mean():.3f}"
    )
    for rounding in ROUNDINGS:
        after = judged(
            asked, bench, asked.recipe(Quantize(scheme="weight-only", bits=bits, rounding=rounding))
        )
        gain, closer = (
            difference(right, after.right),
            difference(divergences, after.divergences(whole)),
        )
        kl = after.divergences(whole).mean()
        print(
            f"  {rounding + ' afterwards':<14} {after.bytes / 1e6:6.2f} MB  accuracy"
            f" {within(after.accuracy, 4)}  KL {kl:.3f}"
        )
        verdict(
            f"{bits} bits: trained beats {rounding}",
            f"{points(gain)}, KL {within(closer)} nats",
            gain.low > 0,
        )
