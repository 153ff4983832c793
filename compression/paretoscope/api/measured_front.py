"""The result of `frontier`: a Pareto front with its models as a figure and as a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from paretoscope.frontier.front import Frontier
from paretoscope.report.tables.frame import to_frame
from paretoscope.report.tables.html_table import html_table
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import conditions_in_words, machine_in_words, short
from paretoscope.trials.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
    import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]


@dataclass(frozen=True)
class MeasuredFront(Frontier):
    """A front of measured models, those on it first in a notebook's table.

    `table` has the models with their numbers, in the order in which they were measured.
    """

    table: tuple[Row, ...] = ()

    @classmethod
    def of(cls, found: Frontier, table: tuple[Row, ...]) -> MeasuredFront:
        known = {field.name: getattr(found, field.name) for field in fields(Frontier)}
        return cls(**known, table=table)

    def figure(
        self, x: str | None = None, y: str | None = None, *, dark: bool = False, log_x: bool = False
    ) -> go.Figure:
        """The models as a plotly figure, metric `y` against metric `x`, with the front of the two.

        By default quality against latency. Raises `ParetoscopeError` for a metric that is unknown
        or not measured.
        """
        from paretoscope.api.figures import figure_of  # loads plotly
        from paretoscope.report.figures.tradeoff_figure import PlotOptions

        return figure_of(self.table, x, y, PlotOptions(dark=dark, log_x=log_x))

    def to_frame(self) -> pd.DataFrame:
        """All metrics with their intervals in stored units, by trial id; `on_front` is a column."""
        frame = to_frame(self.table)
        on_front = set(self.on_front)
        frame.insert(0, "on_front", [row.id in on_front for row in self.table])
        return frame

    def _repr_html_(self) -> str:
        first = self.table[0].summary
        keys = dict.fromkeys([*(each.key for each in self.objectives), "speedup"])
        order = {trial_id: place for place, trial_id in enumerate(self.on_front)}
        rows = sorted(self.table, key=lambda row: order.get(row.id, len(order)))
        caption = (
            f"{short(first.model)} on {short(first.task)}, {machine_in_words(first)};"
            f" {conditions_in_words(first)}; 95 % intervals"
        )
        header = ["", "model", *(METRICS[key].label for key in keys), "trial"]
        return html_table(
            caption,
            header,
            (
                [
                    "front" if row.id in order else "",
                    row.short_name,
                    *(row.number(key) for key in keys),
                    row.id,
                ]
                for row in rows
            ),
        )
