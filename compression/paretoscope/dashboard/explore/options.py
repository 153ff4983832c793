"""What counts on Explore: which strategies are shown and which metrics are objectives."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.explore import limits
from paretoscope.dashboard.parts.stage_chips import COLORS
from paretoscope.dashboard.shell import url_widgets
from paretoscope.frontier.points import Objective, objectives
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.strategy import Family
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.axes import Axes
from paretoscope.trials.metrics import metric

OBJECTIVES_HELP = "A model is dominated when another is at least as good in all and better in one."


def strategies(table: Sequence[Row]) -> list[Row]:
    """Chips that filter by strategy; the baseline is always shown."""
    present = [
        name for name in STYLES if name != "baseline" and any(row.family == name for row in table)
    ]
    if not present:
        return list(table)
    chosen = url_widgets.chips(
        "Strategies", present, default=present, format_func=_strategy, key="show"
    )
    return [row for row in table if row.family in chosen or row.family == "baseline"] or list(table)


def _strategy(name: Family) -> str:
    return f":{COLORS.get(name, 'gray')}[{STYLES[name].glyph}] {STYLES[name].label}"


def objectives_chosen(table: Sequence[Row], axes: Axes) -> tuple[Objective, ...]:
    """Chips with the objectives of dominance; selecting none means all."""
    present = {row.key for row in present_metrics(table)}
    choices = [key for key in (*axes.objectives, *limits.FURTHER) if key in present]

    def title(key: str) -> str:
        return f"{metric(key).called} {metric(key).arrow[0]}"

    chosen = url_widgets.chips(
        "Better means",
        choices,
        default=[key for key in axes.objectives if key in choices],
        format_func=title,
        key="objectives",
        help=OBJECTIVES_HELP,
    )
    return objectives(*(chosen or choices))


def draw(table: Sequence[Row], axes: Axes) -> tuple[list[Row], tuple[Objective, ...]]:
    """The popover; returns the shown rows and the objectives."""
    with st.popover("Options", icon=":material/tune:", type="tertiary", key="options"):
        shown = strategies(table)
        chosen = objectives_chosen(shown, axes)
    return shown, chosen
