"""The strategy of a recipe, by which models are colored and filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Strategy

Family = Literal["baseline", "pruning", "quantization", "distillation", "chain", "reference"]


def family(recipe: Recipe) -> Family:
    """The one strategy that a recipe uses, "chain" when it uses several.

    >>> family(Recipe())
    'baseline'
    """
    return family_of(recipe.strategies)


def family_of(strategies: Sequence[Strategy]) -> Family:
    """The one of these strategies, "chain" for several, "baseline" for none."""
    if len(strategies) > 1:
        return "chain"
    return strategies[0] if strategies else "baseline"
