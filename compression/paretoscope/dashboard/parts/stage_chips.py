"""The stages of a recipe as chips in the colors of their strategies."""

from __future__ import annotations

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import stage_words
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.strategy import family

COLORS = {
    "pruning": "orange",
    "quantization": "blue",
    "distillation": "green",
    "chain": "violet",
    "reference": "gray",
}
"""The theme's names for the colors of the strategies."""


def chips(recipe: Recipe) -> str:
    """The stages in their order (markdown); "fp32, as it was trained" for the baseline."""
    if not recipe.stages:
        return ":gray-badge[fp32, not compressed]"
    found: list[str] = []
    for stage in recipe.stages:
        name = family(Recipe(stages=(stage,)))
        color, glyph = COLORS.get(name, "gray"), STYLES[name].glyph
        found.append(f":{color}-badge[{glyph} {stage_words(stage)}]")
    return " ".join(found)
