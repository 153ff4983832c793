"""Ratios to the baseline that a recipe is expected to have, from the ratios of measured recipes.

A ratio transfers between models, machines and measurement sessions better than a value does. What
the ratios are multiplied with is in `whatif/estimate.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from paretoscope.errors import ModelError, RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import AppliedRecipe, apply_recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.format import listed
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.features import features
from paretoscope.whatif.regression import Array, predict

FEWEST = 6
"""Fewest different measured recipes for an estimate; with fewer the interval is too wide to use."""
NEEDS_EXAMPLE = {
    "layers": "fewer layers",
    "heads": "fewer heads",
    "ffn": "a smaller FFN width",
    "hidden": "a smaller hidden width",
    "vocabulary": "a smaller vocabulary",
    "zeros": "sparse weights",
    "below 4 bits": "fewer than 4 bits",
    "int8-dynamic": "int8 dynamic",
    "int8-static": "int8 static",
    "weight-only": "weight-only quantization",
}
"""Features that are estimated only if they are not 0 in a measured recipe, and their names."""

RatioOf = Callable[[TrialDocument], float | None]


class Ratio(NamedTuple):
    """A ratio to the baseline with its interval, from `points` different recipes.

    The interval is None if too few recipes or none like it are measured; `lacks` is the end of a
    sentence on what is missing. `unlike` marks an extrapolation.
    """

    interval: Interval | None
    level: float | None
    points: int
    unlike: bool = False
    lacks: str = ""


class RatioEstimator:
    """Ratios of one recipe. Features of measured recipes are computed once for all estimates."""

    def __init__(self, applied: AppliedRecipe) -> None:
        self._shape: ModelShape = applied.before
        self._wanted: Mapping[str, float] = features(applied)
        self._known: dict[str, Mapping[str, float] | None] = {}

    def estimate(self, documents: Sequence[TrialDocument], ratio: RatioOf) -> Ratio:
        """The expected ratio from all measured recipes that fit; repeats are averaged."""
        rows, logs = self._measured(documents, ratio)
        if len(rows) < FEWEST:
            lacks = f"needs {FEWEST} measured recipes, but there are {len(rows)}"
            return Ratio(None, None, len(rows), lacks=lacks)
        if untried := [
            name
            for key, name in NEEDS_EXAMPLE.items()
            if self._wanted[key] and not any(row[key] for row in rows)
        ]:
            lacks = f"needs a measured recipe with {listed(untried)}, but there is none"
            return Ratio(None, None, len(rows), lacks=lacks)
        x = np.array([list(row.values()) for row in rows])
        at = np.array(list(self._wanted.values()))
        found = predict(x, np.array(logs), at)
        low, middle, high = (math.exp(found.value + sign * found.half) for sign in (-1, 0, 1))
        interval = Interval(value=middle, low=low, high=high)
        return Ratio(interval, found.level, len(rows), is_unlike(x, at))

    def _measured(
        self, documents: Sequence[TrialDocument], ratio: RatioOf
    ) -> tuple[list[Mapping[str, float]], list[float]]:
        """Features of every different recipe, and the mean logarithm of its ratios."""
        logs: dict[str, list[float]] = {}
        rows: dict[str, Mapping[str, float]] = {}
        for document in documents:
            is_other = document.is_baseline or document.recipe.is_reference
            value = None if is_other else ratio(document)
            if value is None or value <= 0:
                continue
            row = self._features(document.recipe_id, document.recipe)
            if row is not None:
                rows[document.recipe_id] = row
                logs.setdefault(document.recipe_id, []).append(math.log(value))
        return list(rows.values()), [statistics.fmean(each) for each in logs.values()]

    def _features(self, recipe_id: str, recipe: Recipe) -> Mapping[str, float] | None:
        """None for a recipe of another model that does not fit this one."""
        if recipe_id not in self._known:
            try:
                self._known[recipe_id] = features(apply_recipe(self._shape, recipe))
            except (ModelError, RecipeError):
                self._known[recipe_id] = None
        return self._known[recipe_id]


def quality_ratio(document: TrialDocument) -> float | None:
    """Quality over that of the baseline."""
    base, own = document.baseline, document.quality
    return own.value / base.quality.value if base and own and base.quality.value else None


def speed_ratio(document: TrialDocument) -> float | None:
    """Measured speed-up over the baseline."""
    return document.speedup.value if document.speedup else None


def is_unlike(x: Array, at: Array) -> bool:
    """Whether `at` [d] is farther from its nearest point in `x` [n, d] than any of those is.

    The baseline, which is the origin, counts as a point.

    >>> x = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> is_unlike(x, np.array([2.5, 0.0])), is_unlike(x, np.array([2.0, 3.0]))
    (False, True)
    """
    rows = np.vstack([np.zeros_like(at), x])
    between = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(between, np.inf)
    return bool(np.linalg.norm(rows - at, axis=1).min() > between.min(axis=1).max() + 1e-9)
