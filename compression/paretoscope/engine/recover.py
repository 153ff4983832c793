"""The rule `recover` of a recipe: where a stage costs more than was allowed, other ways to the same
size are tried.

Every try is a stage like any other: made, exported, judged on the validation split through ONNX
Runtime, and cached. What is kept is the stage that cost least, so the rule ends with a plain
recipe; which remedies there are is `recipes/recovery.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.recovery import remedies
from paretoscope.recipes.stages import Stage
from paretoscope.trials.axes import axes
from paretoscope.trials.format import allowance, change
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Quality

Fits = Callable[[Stage], bool]
"""Whether the model can take a stage."""
Judged = Callable[[Recipe], Quality]
"""Makes and judges a recipe. Whatever it raises ends the trial."""
ROUNDOFF = 1e-9
"""A cost of just what is allowed is allowed: 0.90 - 0.89 is a little more than 0.01 in floats."""


def recovered(recipe: Recipe, judged: Judged, fits: Fits) -> tuple[Recipe, tuple[str, ...]]:
    """The plain recipe that `recipe` comes to under its rule, and what was tried, a note for each
    stage that cost too much.
    """
    rule = recipe.recover
    if rule is None:
        return recipe, ()
    done, left = (
        recipe.model_copy(update={"stages": (), "recover": None, "name": None}),
        rule.epochs,
    )
    notes: list[str] = []
    for stage in recipe.stages:
        kept, note = _least_costly(stage, done, rule, left, judged, fits)
        left -= kept.training_epochs - stage.training_epochs
        notes += [note] if note else []
        done = done.model_copy(update={"stages": (*done.stages, kept)})
    return done.model_copy(update={"name": recipe.name}), tuple(notes)


def _least_costly(
    stage: Stage, done: Recipe, rule: Recover, epochs: float, judged: Judged, fits: Fits
) -> tuple[Stage, str | None]:
    """The stage itself where it is within the allowance; else the first remedy that is, or whatever
    cost least.
    """

    def cost(one: Stage) -> tuple[float, str]:
        found = judged(done.model_copy(update={"stages": (*done.stages, one)}))
        return _lost(before, found), f"{one.in_words()} {change(key, found.value, before.value)}"

    before = judged(done)
    key, allowed = axes(before.metric).quality, rule.max_drop / 100 + ROUNDOFF
    kept, (lost, words) = stage, cost(stage)
    if lost <= allowed:
        return stage, None
    tried = [words]
    for remedy in remedies(stage, epochs):
        if not fits(remedy):
            continue
        now, words = cost(remedy)
        tried.append(words)
        if now < lost:
            kept, lost = remedy, now
        if lost <= allowed:
            break
    verdict = "" if lost <= allowed else ", still more than allowed"
    return (
        kept,
        (
            f"recovering, at most {allowance(key, rule.max_drop / 100)} a stage:"
            f" {'; '.join(tried)}. Kept {kept.in_words()}{verdict}"
        ),
    )


def _lost(before: Quality, after: Quality) -> float:
    """How much worse, as a share: of all examples for accuracy, of what it was for perplexity."""
    row = metric(axes(before.metric).quality)
    worse = after.value - before.value if row.better == "lower" else before.value - after.value
    return worse / before.value if row.relative else worse
