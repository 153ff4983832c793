"""The differences between recipes, by stage and field, in words.

Stages are matched by their kind, structured pruning also by its target, whatever is between them.

    >>> from paretoscope.recipes.stages import PruneWeights, Quantize
    >>> one = Recipe(stages=(Quantize(),))
    >>> other = Recipe(stages=(PruneWeights(), Quantize(embedding_bits=4)))
    >>> for row in recipe_differences([one, other]):
    ...     print(row.stage, row.field, row.values)
    Prune weights  ('–', 'magnitude 50 %')
    Quantize embedding bits ('8', '4')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneStructure, Stage

ABSENT = "–"
NONE = "none"
Key = tuple[str, int]
"""A stage's title, and its number among the stages with that title."""


@dataclass(frozen=True)
class Difference:
    """A setting that differs, with its value in each recipe.

    An empty field stands for the whole stage, an empty stage for the whole recipe.
    """

    stage: str
    field: str
    values: tuple[str, ...]

    def in_words(self) -> str:
        """
        >>> Difference("Quantize", "bits", ("8", "4")).in_words()
        'Quantize: bits'
        >>> Difference("", "seed", ("0", "1")).in_words()
        'Seed'
        """
        words = (
            f"{self.stage}: {self.field}" if self.stage and self.field else self.stage or self.field
        )
        return words[0].upper() + words[1:]


def recipe_differences(recipes: Sequence[Recipe]) -> list[Difference]:
    """All differences in the order of the stages; none when the recipes are equal."""
    staged = [stages_by_title(recipe) for recipe in recipes]
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


def stages_by_title(recipe: Recipe) -> dict[Key, Stage]:
    """The stages by title and number, in order."""
    found: dict[Key, Stage] = {}
    for stage in recipe.stages:
        title = (
            f"{stage.title} ({stage.target})" if isinstance(stage, PruneStructure) else stage.title
        )
        found[title, sum(key[0] == title for key in found)] = stage
    return found


def _merged(staged: Sequence[dict[Key, Stage]]) -> list[Key]:
    """All keys; one that a recipe adds follows its predecessor in that recipe."""
    order: list[Key] = []
    for stages in staged:
        position = 0
        for key in stages:
            if key not in order:
                order.insert(position, key)
            position = order.index(key) + 1
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
    """A difference for each field whose values differ between the recipes that have it."""
    differing = {
        name: values
        for name, values in fields.items()
        if len({value for value in values if value is not ABSENT}) > 1
    }
    return [
        Difference(stage, name.replace("_", " "), tuple(_written(value) for value in values))
        for name, values in differing.items()
    ]


def _title(key: Key) -> str:
    title, number = key
    return f"{title}, number {number + 1}" if number else title


def _written(value: Any) -> str:
    """
    >>> _written(None), _written(0.5), _written((0, 2, 4)), _written("rtn")
    ('not set', '0.5', '0, 2, 4', 'rtn')
    """
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(map(_item, cast("tuple[Any, ...]", value))) or NONE
    return f"{value:g}" if isinstance(value, float) else str(value)


def _item(each: Any) -> str:
    """One value of several; a pair is a name with its number: "layer.0.ffn 4"."""
    return (
        " ".join(map(str, cast("tuple[Any, ...]", each))) if isinstance(each, tuple) else str(each)
    )
