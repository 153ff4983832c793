"""A 3-layer student in int8 beside a control of equal budget that never saw the teacher, over
several seeds.

Both sides are one recipe but for `soft_weight`: start, budget, order of texts and schedule are the
same.
"""

from __future__ import annotations

from benchmarks.encoders.judge import (
    Asked,
    bench_of,
    difference,
    judged,
    over_seeds,
    points,
    share_kept,
    spread,
    timed,
)
from benchmarks.encoders.minutes import Work, seeded
from benchmarks.telling import title, verdict, within
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill
from paretoscope.workspace import PROJECT

RECIPE = PROJECT / "data" / "recipes" / "student-int8.yaml"
LEAST_KEPT, LEAST_SPEEDUP, MOST_SECONDS = 0.97, 3.0, 300.0


def run(asked: Asked) -> None:
    taught = load_recipe(RECIPE)
    for model in asked.models:
        title("teacher", f"{model}, {taught.in_words()}")
        _compare(asked, model, taught)


def work(asked: Asked, model: str) -> Work:
    taught = load_recipe(RECIPE)
    return Work(
        seeded([variant(taught, teacher=teacher) for teacher in (True, False)], asked.seeds),
        timed=1,
    )


def variant(recipe: Recipe, *, teacher: bool) -> Recipe:
    """The recipe with its teacher or without: the control's whole loss is on the labels."""
    stages = [
        (
            stage.model_copy(update={"soft_weight": 0.0})
            if isinstance(stage, Distill) and not teacher
            else stage
        )
        for stage in recipe.stages
    ]
    return recipe.model_copy(update={"stages": tuple(stages)})


def _compare(asked: Asked, model: str, recipe: Recipe) -> None:
    bench = bench_of(asked, model)
    whole = judged(asked, bench, Recipe())
    sides = {
        name: [
            judged(asked, bench, asked.recipe(*variant(recipe, teacher=teacher).stages, seed=seed))
            for seed in asked.seeds
        ]
        for name, teacher in (("with teacher", True), ("labels only", False))
    }
    print(f"  {'fp32':<14} accuracy {within(whole.accuracy, 4)}")
    for name, seeds in sides.items():
        print(f"  {name:<14} accuracy {spread([seed.accuracy.value for seed in seeds])}")
    taught, control = (over_seeds([seed.right for seed in seeds]) for seeds in sides.values())
    gains = [
        (one.accuracy.value - other.accuracy.value) * 100
        for one, other in zip(*sides.values(), strict=True)
    ]
    print(f"  gain by the teacher, a seed: {', '.join(f'{gain:+.2f}' for gain in gains)} points")
    gain = difference(taught, control)
    verdict("the teacher is worth something beyond chance", points(gain), gain.low > 0)
    kept = share_kept(taught, whole.right)
    verdict(f"keeps at least {LEAST_KEPT:.0%} of fp32", within(kept), kept.value >= LEAST_KEPT)
    first = sides["with teacher"][0].made
    seconds = first.stage_seconds[0]
    verdict(
        f"training takes at most {MOST_SECONDS:.0f} s", f"{seconds:.0f} s", seconds <= MOST_SECONDS
    )
    speedup, noisy = timed(asked, bench, first, whole.made)
    found = within(speedup, 2) + (", noisy" if noisy else "")
    verdict(
        f"at least {LEAST_SPEEDUP:g} times as fast as fp32", found, speedup.value >= LEAST_SPEEDUP
    )
