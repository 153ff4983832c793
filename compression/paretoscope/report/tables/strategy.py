"""The strategy of a recipe, by which models are colored and filtered."""

from __future__ import annotations

from typing import Literal

from paretoscope.recipes.recipe import Recipe

Family = Literal["baseline", "pruning", "quantization", "distillation", "chain", "reference"]


def family(recipe: Recipe) -> Family:
    """The one strategy that a recipe uses, "chain" when it uses several.

    >>> family(Recipe())
    'baseline'
    """
    strategies = recipe.strategies
    if len(strategies) > 1:
        return "chain"
    return strategies[0] if strategies else "baseline"
