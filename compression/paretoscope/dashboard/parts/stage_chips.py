"""The stages of a recipe as chips in the colors of their strategies."""

from __future__ import annotations

from html import escape

import streamlit as st

from paretoscope.dashboard.shell import layout
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.report.figures.palette import STYLES, rgba
from paretoscope.report.tables.strategy import family

UNCHANGED = "no compression"


def draw(recipe: Recipe) -> None:
    """A chip for each stage, in order; a single one for the baseline."""
    st.html(chips_html(recipe, dark=layout.dark()))


def chips_html(recipe: Recipe, *, dark: bool) -> str:
    """The chips as HTML: the glyph has the strategy's color, the words that of the page's text."""
    chips = [_chip(Recipe(stages=(stage,)), dark) for stage in recipe.stages]
    style = "display:flex;flex-wrap:wrap;gap:.3rem;font-size:.82rem;line-height:1.5"
    return f'<div style="{style}">{"".join(chips or [_chip(Recipe(), dark)])}</div>'


def _chip(stage: Recipe, dark: bool) -> str:
    style = STYLES[family(stage)]
    color = style.color(dark)
    box = f"background:{rgba(color, 0.14)};border:1px solid {rgba(color, 0.5)}"
    words = escape(short_name(stage) if stage.stages else UNCHANGED)
    glyph = f'<span style="color:{color}" aria-hidden="true">{style.glyph}</span>'
    return (
        f'<span title="{escape(stage.in_words())}" style="{box};border-radius:.7rem;'
        f'padding:.05rem .55rem">{glyph} {words}</span>'
    )
