"""The model after each stage of a chain, as measured points.

A prefix of a recipe is a recipe, so the model after each stage is a trial that shares its work with
the chain through the cache. Steps are looked up among the existing rows; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.strategy import Family, family
from paretoscope.report.tables.table import Row
from paretoscope.trials.axes import Axes


@dataclass(frozen=True)
class Step:
    """The model after `recipe`, a prefix of the chain; `row` is None until it is measured.

    `stage` is the last stage in words, `seconds` its duration, None where unknown.
    """

    stage: str
    recipe: Recipe
    row: Row | None
    seconds: float | None
    axes: Axes

    @property
    def family(self) -> Family:
        """The strategy of the last stage; "baseline" without one."""
        return family(Recipe(stages=self.recipe.stages[-1:]))

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics that are shown after each stage."""
        return (*self.axes.objectives, "speedup")

    def to_json(self) -> dict[str, Any]:
        """An entry of `stages` in the trial's JSON: stored units, None where not measured."""
        numbers = {key: self.row.point.value(key) if self.row else None for key in self.shown}
        return {
            "stage": self.stage,
            "recipe_id": self.recipe.id,
            "trial_id": self.row.id if self.row else None,
            "seconds": self.seconds,
        } | numbers


def is_chain(row: Row) -> bool:
    """Whether the recipe has more than one stage."""
    return len(row.summary.recipe.stages) > 1


def steps(row: Row, table: Sequence[Row]) -> tuple[Step, ...]:
    """The baseline, then the model after each stage of the recipe of `row`.

    `table` has the same model, machine and conditions.
    """
    measured: Mapping[str, Row] = {each.summary.recipe_id: each for each in table} | {
        row.summary.recipe_id: row
    }
    recipe, costs = row.summary.recipe, row.document.stage_seconds
    found = [Step("fp32 baseline", Recipe(), measured.get(Recipe().id), None, row.summary.axes)]
    for count, stage in enumerate(recipe.stages, start=1):
        prefix = before(recipe, count)
        seconds = costs[count - 1] if count <= len(costs) else None
        after = measured.get(prefix.id)
        found.append(Step(stage.in_words(), prefix, after, seconds, row.summary.axes))
    return tuple(found)


def before(recipe: Recipe, count: int) -> Recipe:
    """The first `count` stages with the same seed; the baseline for 0."""
    return recipe.prefix(count) if count else Recipe()


def unmeasured(row: Row, table: Sequence[Row]) -> list[Recipe]:
    """The recipes between the baseline and `row` that are not measured yet, in order."""
    return [step.recipe for step in steps(row, table) if step.row is None]
