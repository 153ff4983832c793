"""Distinct styles for the models of one figure: the strategy's color, and varied shapes.

Several models of one strategy share a color; they differ in dash and in how the marker is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.strategy import Family

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
FILLS = ("", "-open", "-dot", "-open-dot")
"""Variants of a plotly symbol."""


class ModelStyle(NamedTuple):
    """Color, line dash and plotly symbol of a model."""

    color: str
    dash: str
    symbol: str


def model_styles(families: Sequence[Family], *, dark: bool) -> list[ModelStyle]:
    """A style for each model, in order.

    >>> [style.symbol for style in model_styles(["chain", "baseline", "chain"], dark=False)]
    ['circle', 'star', 'circle-open']
    """
    found: list[ModelStyle] = []
    for at, each in enumerate(families):
        before = families[:at].count(each)
        style = STYLES[each]
        symbol = style.symbol + FILLS[before % len(FILLS)]
        found.append(ModelStyle(style.color(dark), DASHES[before % len(DASHES)], symbol))
    return found
