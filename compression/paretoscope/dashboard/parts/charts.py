"""Trade-off plots of a page, with their axis pickers; a click on a point picks it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout, selection, url_widgets
from paretoscope.report.figures.tradeoff import Overlay, Tradeoff, tradeoff
from paretoscope.report.figures.tradeoff_figure import PlotOptions, tradeoff_figure
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.axes import Axes
from paretoscope.trials.metrics import metric


class _Axes(NamedTuple):
    """The choices in the popover of a plot."""

    x: str
    y: str
    linear: bool
    all_points: bool


def by_size_and_time(table: Sequence[Row], axes: Axes, overlay: Overlay) -> list[Tradeoff]:
    """Two plots of quality side by side, by default against size and against latency."""
    shown: list[Tradeoff] = []
    columns = st.columns(2, gap="medium")
    y = axes.change if any(row.values.get(axes.change) for row in table) else axes.quality
    for name, x, column in zip("ab", (axes.size, axes.time), columns, strict=True):
        with column:
            shown.append(plot(name, table, x, y, overlay))
    return shown


def plot(name: str, table: Sequence[Row], x: str, y: str, overlay: Overlay) -> Tradeoff:
    """A plot with title and axis pickers; `x` and `y` are the default axes.

    Returns the content of the plot.
    """
    # No gap: the labels of the reference lines already leave space under the title.
    whole_plot = st.container(gap=None, key=f"plot_{name}")
    heading: dict[str, Any] = {
        "horizontal": True,
        "vertical_alignment": "center",
        "horizontal_alignment": "distribute",
        "wrap": False,
    }
    with whole_plot, st.container(**heading):
        title = st.empty()
        axes = _pickers(name, table, x, y)
    title.markdown(f"**{_title(axes.x, axes.y)}**")
    info = tradeoff(table, axes.x, axes.y, overlay)
    options = PlotOptions(
        dark=layout.dark(),
        log_x=False if axes.linear else None,
        all_points=axes.all_points,
        height=None,
        legend=name == "a",
        footnote=False,
    )
    chart = f"{name}chart"
    with whole_plot:
        show(
            tradeoff_figure(info, options),
            key=chart,
            alt=info.alt,
            on_click=partial(selection.clicked, chart),
            stretch=True,
        )
    return info


def _pickers(name: str, table: Sequence[Row], x: str, y: str) -> _Axes:
    with st.popover("Axes", icon=":material/tune:", type="tertiary"):
        keys = [row.key for row in present_metrics(table)]
        at_y = _picker("Vertical axis", f"{name}y", keys, y)
        at_x = _picker("Horizontal axis", f"{name}x", keys, x)
        linear = url_widgets.toggle("Linear horizontal axis", key=f"{name}linear")
        every = url_widgets.toggle("Outliers", key=f"{name}all")
    return _Axes(at_x, at_y, linear, every)


def small(table: Sequence[Row], x: str, y: str, *, name: str, overlay: Overlay) -> None:
    """A small plot without interaction: the measured points and the estimate."""
    info = tradeoff(table, x, y, overlay)
    st.markdown(f"###### {_title(x, y)}")
    options = PlotOptions(dark=layout.dark(), height=300, legend=False, footnote=False)
    show(tradeoff_figure(info, options), key=name, alt=info.alt)


def _picker(label: str, key: str, keys: Sequence[str], default: str) -> str:
    def title(name: str) -> str:
        return f"{metric(name).with_unit} {metric(name).arrow[0]}"

    return url_widgets.option(label, keys, key=key, default=default, format_func=title)


def _title(x: str, y: str) -> str:
    return f"{metric(y).label} by {metric(x).called}"
