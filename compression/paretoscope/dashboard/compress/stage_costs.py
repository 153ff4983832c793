"""What each stage of a recipe is expected to cost: size, quality and speed after it."""

from __future__ import annotations

from html import escape

import streamlit as st

from paretoscope.dashboard.compress.candidates import estimated_change, megabytes, short_change
from paretoscope.dashboard.compress.estimates import figures
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.metrics import metric

HEADING = "Expected after each stage"
UNKNOWN = "–"


def draw(scope: Scope, shape: ModelShape | None, recipe: Recipe) -> None:
    """A table; nothing for a recipe without stages or a model of unknown shape."""
    if shape is None or not recipe.stages:
        return
    quality = metric(scope.axes.quality)
    heads = (HEADING, "Size", f"{quality.label} change", "Speed")
    lines = [after(scope, shape, recipe, count) for count in range(1, len(recipe.stages) + 1)]
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(map(_cell, enumerate(line)))}</tr>" for line in lines)
    st.html(f'<table class="costs"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _cell(numbered: tuple[int, str]) -> str:
    column, text = numbered
    return f"<td>{escape(text)}</td>" if column else f'<th scope="row">{escape(text)}</th>'


def after(scope: Scope, shape: ModelShape, recipe: Recipe, count: int) -> tuple[str, ...]:
    """The cells after `count` stages; what was measured has no "about"."""
    found = figures(scope, shape, recipe.prefix(count))
    name = recipe.stages[count - 1].in_words()
    if row := found.measured:
        speedup = row.document.speedup
        speed = f"{speedup.value:.1f}x" if speedup else UNKNOWN
        return name, megabytes(row.point.value("size_bytes")), short_change(row), speed
    size = megabytes(found.size.total_bytes) if found.size else UNKNOWN
    change = estimated_change(scope, found)
    speedup = found.numbers.speedup if found.numbers else None
    speed = f"about {speedup.value:.1f}x" if speedup else UNKNOWN
    return name, size, f"about {change}" if change else UNKNOWN, speed
