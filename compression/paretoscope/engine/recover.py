"""Applies the `recover` rule of a recipe: replaces stages that lose too much quality.

Each alternative is made, exported, evaluated on the validation split and cached like any stage. The
stage with the least loss is kept, so the result is a plain recipe. The alternatives are listed in
`recipes/recovery.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.recovery import remedies
from paretoscope.recipes.stages import Stage
from paretoscope.trials.axes import axes
from paretoscope.trials.format import allowance, change
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Quality

Fits = Callable[[Stage], bool]
"""Whether a stage applies to the model."""
Evaluate = Callable[[Recipe], Quality]
"""Makes and evaluates a recipe; its exceptions end the trial."""
ROUNDOFF = 1e-9
"""Tolerance of the limit: 0.90 - 0.89 is slightly more than 0.01 in floating point."""


def recovered(recipe: Recipe, evaluate: Evaluate, fits: Fits) -> tuple[Recipe, tuple[str, ...]]:
    """(the plain recipe after applying the rule, a note on each stage that lost too much)."""
    rule = recipe.recover
    if rule is None:
        return recipe, ()
    done = recipe.model_copy(update={"stages": (), "recover": None})
    search = _Search(rule, evaluate, fits, rule.epochs)
    notes: list[str] = []
    for stage in recipe.stages:
        kept, note = search.best(stage, done)
        notes += [note] if note else []
        done = done.model_copy(update={"stages": (*done.stages, kept)})
    return done, tuple(notes)


@dataclass
class _Search:
    """Searches alternatives of one stage after another; `epochs` is what is left for training."""

    rule: Recover
    evaluate: Evaluate
    fits: Fits
    epochs: float

    def best(self, stage: Stage, done: Recipe) -> tuple[Stage, str | None]:
        """The stage if its loss is within the limit, else the first alternative within it.

        If there is none, the alternative with the least loss.
        """
        before = self.evaluate(done)
        key, limit = axes(before.metric).quality, self.rule.max_drop / 100 + ROUNDOFF

        def loss(one: Stage) -> tuple[float, str]:
            found = self.evaluate(done.model_copy(update={"stages": (*done.stages, one)}))
            words = f"{one.in_words()} {change(key, found.value, before.value)}"
            return _lost(before, found), words

        kept, (least, words) = stage, loss(stage)
        tried = [words]
        for remedy in filter(self.fits, remedies(stage, self.epochs)):
            if least <= limit:
                break
            lost, words = loss(remedy)
            tried.append(words)
            if lost < least:
                kept, least = remedy, lost
        self.epochs -= kept.training_epochs - stage.training_epochs
        if len(tried) == 1 and least <= limit:
            return stage, None
        verdict = "" if least <= limit else ", still above the limit"
        most = allowance(key, self.rule.max_drop / 100)
        return kept, (
            f"recovering, at most {most} per stage: {'; '.join(tried)}. Kept"
            f" {kept.in_words()}{verdict}"
        )


def _lost(before: Quality, after: Quality) -> float:
    """Loss of quality: absolute for accuracy, relative for perplexity."""
    row = metric(axes(before.metric).quality)
    worse = after.value - before.value if row.better == "lower" else before.value - after.value
    return worse / before.value if row.relative else worse
