"""A 3-layer int8 student compared with a control that is trained on labels only, over seeds.

The two recipes differ in `soft_weight` only: initialization, budget, order of texts and schedule
are the same.
"""

from __future__ import annotations

from benchmarks.encoders.evaluation import (
    Options,
    bench_of,
    difference,
    evaluated,
    over_seeds,
    points,
    share_kept,
    spread,
    timed,
)
from benchmarks.encoders.expected_minutes import Workload, with_seeds
from benchmarks.verdicts import title, verdict, with_interval
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill
from paretoscope.workspace import PROJECT

RECIPE = PROJECT / "data" / "recipes" / "student-int8.yaml"
LEAST_KEPT, LEAST_SPEEDUP, MOST_SECONDS = 0.97, 3.0, 300.0


def run(options: Options) -> None:
    taught = load_recipe(RECIPE)
    for model in options.models:
        title("teacher", f"{model}, {taught.in_words()}")
        _compare(options, model, taught)


def workload(options: Options, model: str) -> Workload:
    taught = load_recipe(RECIPE)
    return Workload(
        with_seeds([variant(taught, teacher=teacher) for teacher in (True, False)], options.seeds),
        timed=1,
    )


def variant(recipe: Recipe, *, teacher: bool) -> Recipe:
    """The recipe with its teacher, or the control: its whole loss is on the labels."""
    stages = [
        (
            stage.model_copy(update={"soft_weight": 0.0})
            if isinstance(stage, Distill) and not teacher
            else stage
        )
        for stage in recipe.stages
    ]
    return recipe.model_copy(update={"stages": tuple(stages)})


def _compare(options: Options, model: str, recipe: Recipe) -> None:
    bench = bench_of(options, model)
    baseline = evaluated(options, bench, Recipe())
    sides = {
        name: [
            evaluated(
                options, bench, options.recipe(*variant(recipe, teacher=teacher).stages, seed=seed)
            )
            for seed in options.seeds
        ]
        for name, teacher in (("with teacher", True), ("labels only", False))
    }
    print(f"  {'fp32':<14} accuracy {with_interval(baseline.accuracy, 4)}")
    for name, seeds in sides.items():
        print(f"  {name:<14} accuracy {spread([seed.accuracy.value for seed in seeds])}")
    taught, control = (over_seeds([seed.correct for seed in seeds]) for seeds in sides.values())
    gains = [
        (one.accuracy.value - other.accuracy.value) * 100
        for one, other in zip(*sides.values(), strict=True)
    ]
    print(
        f"  gain of the teacher for each seed: {', '.join(f'{gain:+.2f}' for gain in gains)} points"
    )
    gain = difference(taught, control)
    verdict("the gain of the teacher is significant", points(gain), gain.low > 0)
    kept = share_kept(taught, baseline.correct)
    verdict(
        f"keeps at least {LEAST_KEPT:.0%} of fp32", with_interval(kept), kept.value >= LEAST_KEPT
    )
    first = sides["with teacher"][0].made
    seconds = first.stage_seconds[0]
    verdict(
        f"training takes at most {MOST_SECONDS:.0f} s", f"{seconds:.0f} s", seconds <= MOST_SECONDS
    )
    speedup, noisy = timed(options, bench, first, baseline.made)
    found = with_interval(speedup, 2) + (", noisy" if noisy else "")
    verdict(
        f"at least {LEAST_SPEEDUP:g} times as fast as fp32", found, speedup.value >= LEAST_SPEEDUP
    )
