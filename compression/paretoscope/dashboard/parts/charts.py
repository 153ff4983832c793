"""A trade-off plot on a page: its axis pickers, its picture, and the click that picks a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from paretoscope.dashboard.shell import layout, selection, url_widgets
from paretoscope.report.figures.tradeoff import Estimate, State, Tradeoff, footnote, tradeoff
from paretoscope.report.figures.tradeoff_figure import tradeoff_figure
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.metrics import metric

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


def plot(
    name: str,
    table: Sequence[Row],
    x: str,
    y: str,
    *,
    states: Mapping[str, State],
    bounds: Mapping[str, float],
    picked: Sequence[str],
    recommended: str | None,
) -> Tradeoff:
    """A plot with its title and axis pickers; `x` and `y` are where it starts. Returns what it
    shows.
    """
    whole_plot = st.container(gap=None)  # the words on the guides leave air enough under the title
    with (
        whole_plot,
        st.container(
            horizontal=True,
            vertical_alignment="center",
            horizontal_alignment="distribute",
            wrap=False,
        ),
    ):
        title = st.empty()
        with st.popover("Axes", icon=":material/tune:", type="tertiary"):
            keys = [row.key for row in present_metrics(table)]
            at_y = _picker("Up", f"{name}y", keys, y)
            at_x = _picker("Across", f"{name}x", keys, x)
            log = url_widgets.toggle("Logarithmic across", key=f"{name}log")
            whole = url_widgets.toggle("Every point, however far off", key=f"{name}all")
    title.markdown(f"#### {metric(at_y).label} against {_lower(metric(at_x).label)}")
    info = tradeoff(
        table, at_x, at_y, states=states, bounds=bounds, picked=picked, recommended=recommended
    )
    chart = f"{name}chart"
    longest = footnote(table, timed=True)
    whole_plot.plotly_chart(
        tradeoff_figure(
            info, dark=layout.dark(), log_x=log, whole=whole, legend=False, beside=longest
        ),
        key=chart,
        on_select=partial(selection.clicked, chart),
        selection_mode="points",
        config={
            **CONFIG,
            "toImageButtonOptions": {
                **CONFIG["toImageButtonOptions"],
                "filename": f"{at_y}-against-{at_x}",
            },
        },
        alt=info.alt,
    )
    return info


def small(
    table: Sequence[Row],
    x: str,
    y: str,
    *,
    name: str,
    estimate: Estimate | None = None,
    picked: Sequence[str] = (),
) -> None:
    """A small plot that only shows: every measured point, and the hollow one that moves with the
    sliders.
    """
    info = tradeoff(table, x, y, estimate=estimate, picked=picked)
    st.markdown(f"###### {metric(y).label} against {_lower(metric(x).label)}")
    st.plotly_chart(
        tradeoff_figure(info, dark=layout.dark(), height=300, legend=False, compact=True),
        key=name,
        config={**CONFIG, "displayModeBar": False},
        alt=info.alt,
    )


def _picker(label: str, key: str, keys: Sequence[str], default: str) -> str:
    return url_widgets.option(
        label,
        keys,
        key=key,
        default=default,
        format_func=lambda k: f"{metric(k).with_unit} {metric(k).arrow[0]}",
    )


def _lower(label: str) -> str:
    return f"{label[0].lower()}{label[1:]}"
