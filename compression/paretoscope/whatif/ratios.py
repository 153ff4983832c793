"""Ratios to the baseline that a recipe is expected to have, from the ratios of measured recipes.

A ratio transfers between models, machines and measurement sessions better than a value does. What
the ratios are multiplied with is in `whatif/estimate.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from paretoscope.errors import ModelError, RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.format import listed
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.features import features
from paretoscope.whatif.regression import Array, Regression

FEWEST = 6
"""Fewest different measured recipes for an estimate; with fewer the interval is too wide to use."""
UNTRIED = 1.25
"""Factor that widens the interval of a kind of change that no measured recipe has."""
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
"""Features that are extrapolated unless they are not 0 in a measured recipe, and their names."""

RatioOf = Callable[[TrialDocument], float | None]


class Ratio(NamedTuple):
    """A ratio to the baseline with its interval, from `points` different recipes.

    The interval is None if too few recipes are measured; `lacks` is the end of a sentence on what
    is missing. `unlike` marks an extrapolation.
    """

    interval: Interval | None
    level: float | None
    points: int
    unlike: bool = False
    lacks: str = ""


class Features:
    """The features of recipes for one model, computed once for every recipe."""

    def __init__(self, shape: ModelShape) -> None:
        self._shape = shape
        self._known: dict[str, Mapping[str, float] | None] = {}

    def of(self, recipe_id: str, recipe: Recipe) -> Mapping[str, float] | None:
        """None for a recipe of another model that does not fit this one."""
        if recipe_id not in self._known:
            try:
                self._known[recipe_id] = features(apply_recipe(self._shape, recipe))
            except (ModelError, RecipeError):
                self._known[recipe_id] = None
        return self._known[recipe_id]


class RatioEstimator:
    """One ratio from all measured recipes that fit a model; fitted once for many recipes.

    `widen` is a factor by which the ratio may differ where it is used, such as on another machine.
    """

    def __init__(
        self,
        known: Features,
        documents: Sequence[TrialDocument],
        ratio: RatioOf,
        widen: float = 1.0,
    ) -> None:
        self._rows, self._logs = _measured(known, documents, ratio)
        self._widen = widen

    @cached_property
    def _x(self) -> Array:
        return np.array([list(row.values()) for row in self._rows])

    @cached_property
    def _regression(self) -> Regression:
        return Regression(self._x, np.array(self._logs))

    @property
    def enough(self) -> bool:
        """Whether there are enough measured recipes for an estimate of any kind."""
        return len(self._rows) >= FEWEST

    def lacks(self, wanted: Mapping[str, float]) -> str:
        """What is missing for an estimate, as the end of a sentence; empty if nothing is."""
        if not self.enough:
            return f"needs {FEWEST} measured recipes, but there are {len(self._rows)}"
        untried = [
            name
            for key, name in NEEDS_EXAMPLE.items()
            if wanted[key] and not any(row[key] for row in self._rows)
        ]
        if untried:
            return f"needs a measured recipe with {listed(untried)}, but there is none"
        return ""

    def estimate(self, wanted: Mapping[str, float]) -> Ratio:
        """The expected ratio of a recipe with these features; repeats are averaged.

        Without a measured recipe of its kind the estimate is wider by `UNTRIED`.
        """
        lacks = self.lacks(wanted)
        if not self.enough:
            return Ratio(None, None, len(self._rows), lacks=lacks)
        at = np.array(list(wanted.values()))
        found = self._regression.at(at)
        half = found.half + math.log(self._widen * (UNTRIED if lacks else 1.0))
        low, middle, high = (math.exp(found.value + sign * half) for sign in (-1, 0, 1))
        interval = Interval(value=middle, low=low, high=high)
        unlike = bool(lacks) or is_unlike(self._x, at)
        return Ratio(interval, found.level, len(self._rows), unlike, lacks)


def _measured(
    known: Features, documents: Sequence[TrialDocument], ratio: RatioOf
) -> tuple[list[Mapping[str, float]], list[float]]:
    """Features of every different recipe, and the mean logarithm of its ratios."""
    logs: dict[str, list[float]] = {}
    rows: dict[str, Mapping[str, float]] = {}
    for document in documents:
        value = None if document.is_baseline else ratio(document)
        if value is None or value <= 0:
            continue
        row = known.of(document.recipe_id, document.recipe)
        if row is not None:
            rows[document.recipe_id] = row
            logs.setdefault(document.recipe_id, []).append(math.log(value))
    return list(rows.values()), [statistics.fmean(each) for each in logs.values()]


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
