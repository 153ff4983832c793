"""Where a chain of stages lost and won: the model after each of its stages, as measured points.

A prefix of a recipe is a recipe, so the model after each stage is a trial of its own, which shares
all its work with the whole chain through the cache. Nothing is stored: the steps are looked up
among the rows that there are.
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
    """The model after `recipe`, a prefix of the whole; `row` is None while nobody has measured it.

    `stage` is what was done last, in words; `seconds` is what that cost when it was done, None when
    nobody knows.
    """

    stage: str
    recipe: Recipe
    row: Row | None
    seconds: float | None
    axes: Axes

    @property
    def family(self) -> Family:
        """The strategy of what was done last; the baseline's own for the baseline."""
        return family(Recipe(stages=self.recipe.stages[-1:]))

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics that are shown after each stage."""
        return (*self.axes.objectives, "speedup")

    def to_json(self) -> dict[str, Any]:
        """As `stages` of the trial document has it: stored units, None where nothing was measured."""
        numbers = {key: self.row.point.value(key) if self.row else None for key in self.shown}
        return {
            "stage": self.stage,
            "recipe_id": self.recipe.id,
            "trial_id": self.row.id if self.row else None,
            "seconds": self.seconds,
        } | numbers


def is_chain(row: Row) -> bool:
    """Whether there are stages between which it can be looked at."""
    return len(row.document.recipe.stages) > 1


def steps(row: Row, table: Sequence[Row]) -> tuple[Step, ...]:
    """The baseline, then the model after each stage of `row`'s recipe; `table` is of the same
    model, machine and conditions.
    """
    measured: Mapping[str, Row] = {each.document.recipe_id: each for each in table} | {
        row.document.recipe_id: row
    }
    recipe, costs = row.document.recipe, row.document.stage_seconds
    found = [Step("fp32 baseline", Recipe(), measured.get(Recipe().id), None, row.document.axes)]
    for count, stage in enumerate(recipe.stages, start=1):
        prefix = before(recipe, count)
        found.append(
            Step(
                stage.in_words(),
                prefix,
                measured.get(prefix.id),
                costs[count - 1] if count <= len(costs) else None,
                row.document.axes,
            )
        )
    return tuple(found)


def before(recipe: Recipe, count: int) -> Recipe:
    """The recipe after `count` of its stages; the seed stays, and none at all is the baseline."""
    return recipe.prefix(count) if count else Recipe()


def unmeasured(row: Row, table: Sequence[Row]) -> list[Recipe]:
    """The recipes between the baseline and `row` that nobody has measured yet, in order."""
    return [step.recipe for step in steps(row, table) if step.row is None]
