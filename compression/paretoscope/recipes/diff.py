"""What recipes do differently, stage by stage and field by field, in words.

Stages are matched by what they are (a kind, for structure also what it cuts), whatever comes
between them.

    >>> from paretoscope.recipes.stages import PruneWeights, Quantize
    >>> for row in recipe_differences([Recipe(stages=(Quantize(),)), Recipe(stages=(PruneWeights(), Quantize(embedding_bits=4)))]):
    ...     print(row.stage, row.field, row.values)
    Prune weights  ('–', 'magnitude 50 %')
    Quantize embedding bits ('8', '4')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneStructure, Stage

ABSENT = "–"
Key = tuple[str, int]
"""A stage's title, and which one of that title it is within its recipe."""


@dataclass(frozen=True)
class Difference:
    """One line: a field of a stage, or (with an empty field) whether there is such a stage at all;
    a value for each recipe.

    What is said of the recipe as a whole has an empty stage.
    """

    stage: str
    field: str
    values: tuple[str, ...]

    def in_words(self) -> str:
        """
        >>> Difference("Quantize", "bits", ("8", "4")).in_words(), Difference("", "seed", ("0", "1")).in_words()
        ('Quantize: bits', 'Seed')
        """
        words = (
            f"{self.stage}: {self.field}" if self.stage and self.field else self.stage or self.field
        )
        return words[0].upper() + words[1:]


def recipe_differences(recipes: Sequence[Recipe]) -> list[Difference]:
    """Every line in which the recipes are not all alike, in the order of their stages; none when
    they are equal.
    """
    staged = [_stages(recipe) for recipe in recipes]
    rows = [
        row
        for key in _merged(staged)
        for row in _of_stage(key, [stages.get(key) for stages in staged])
    ]
    everywhere = (
        [key for key in staged[0] if all(key in stages for stages in staged)] if staged else []
    )
    orders = [tuple(key for key in stages if key in everywhere) for stages in staged]
    if len(set(orders)) > 1:
        rows.append(
            Difference(
                "",
                "order of the stages",
                tuple(", then ".join(_title(key) for key in order) for order in orders),
            )
        )
    return [*rows, *_rows("", {"seed": [recipe.seed for recipe in recipes]})]


def _stages(recipe: Recipe) -> dict[Key, Stage]:
    """The stages by title and number, in order."""
    found: dict[Key, Stage] = {}
    for stage in recipe.stages:
        title = (
            f"{stage.title} ({stage.target})" if isinstance(stage, PruneStructure) else stage.title
        )
        found[title, sum(key[0] == title for key in found)] = stage
    return found


def _merged(staged: Sequence[dict[Key, Stage]]) -> list[Key]:
    """All keys; one that a recipe adds comes right after its neighbour there."""
    order: list[Key] = []
    for stages in staged:
        place = 0
        for key in stages:
            if key not in order:
                order.insert(place, key)
            place = order.index(key) + 1
    return order


def _of_stage(key: Key, stages: Sequence[Stage | None]) -> list[Difference]:
    there = [stage for stage in stages if stage is not None]
    head = (
        [
            Difference(
                _title(key), "", tuple(stage.in_words() if stage else ABSENT for stage in stages)
            )
        ]
        if len(there) < len(stages)
        else []
    )
    fields = [name for name in type(there[0]).model_fields if name != "kind"]
    return [
        *head,
        *_rows(
            _title(key),
            {
                name: [getattr(stage, name) if stage else ABSENT for stage in stages]
                for name in fields
            },
        ),
    ]


def _rows(stage: str, fields: dict[str, list[Any]]) -> list[Difference]:
    """A line for each field whose values differ where there are any."""
    differing = {
        name: values
        for name, values in fields.items()
        if len({value for value in values if value is not ABSENT}) > 1
    }
    return [
        Difference(stage, name.replace("_", " "), tuple(_said(value) for value in values))
        for name, values in differing.items()
    ]


def _title(key: Key) -> str:
    title, number = key
    return f"{title}, number {number + 1}" if number else title


def _said(value: Any) -> str:
    """
    >>> _said(None), _said(0.5), _said((0, 2, 4)), _said("rtn")
    ('not set', '0.5', '0, 2, 4', 'rtn')
    """
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
