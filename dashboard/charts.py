"""A trade-off plot on a page: its axis pickers, its picture, and the click that picks a point."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from compression.metrics import metric
from compression.report.figures import tradeoff_figure, tradeoff_ink
from compression.report.palette import ground
from compression.report.picture import picture
from compression.report.table import Row, present_metrics
from compression.report.tradeoff import Estimate, State, Tradeoff, tradeoff
from dashboard import frame, linked, picks

BREATH_S = 0.25
"""What a browser needs to paint the pictures; streamlit's frontend holds a paint back by 0.3 s when one has just been."""
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


@dataclass(frozen=True)
class Chart:
    """A plot whose place and picture are on the page already, for `draw`."""

    info: Tradeoff
    place: DeltaGenerator
    ink: Mapping[str, Any]
    key: str
    options: Mapping[str, Any]
    pictured: bool
    """Whether its picture was sent in this run."""


def draw(charts: Sequence[Chart]) -> None:
    """Bring plotly to its places. A page does that last, and the first time after a breath: a browser that meets plotly's
    four megabytes reads them before it paints anything else."""
    if any(chart.pictured for chart in charts):
        time.sleep(BREATH_S)
    for chart in charts:
        with chart.place:
            st.plotly_chart(tradeoff_figure(chart.info, **chart.ink), key=chart.key, alt=chart.info.alt, **chart.options)


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
) -> Chart:
    """A plot with its title and axis pickers; `x` and `y` are where it starts."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
        title = st.empty()
        with st.popover("Axes", icon=":material/tune:", type="tertiary"):
            keys = [row.key for row in present_metrics(table)]
            at_y = _picker("Up", f"{name}y", keys, y)
            at_x = _picker("Across", f"{name}x", keys, x)
            log = linked.toggle("Logarithmic across", key=f"{name}log")
            whole = linked.toggle("Every point, however far off", key=f"{name}all")
    title.markdown(f"#### {metric(at_y).label} against {_lower(metric(at_x).label)}")
    info = tradeoff(table, at_x, at_y, states=states, bounds=bounds, picked=picked, recommended=recommended)
    key = f"{name}chart"
    options = {
        "on_select": partial(picks.clicked, key),
        "selection_mode": "points",
        "config": {**CONFIG, "toImageButtonOptions": {**CONFIG["toImageButtonOptions"], "filename": f"{at_y}-against-{at_x}"}},
    }
    return _placed(info, {"log_x": log, "whole": whole, "legend": False}, key, options)


def small(table: Sequence[Row], x: str, y: str, *, name: str, estimate: Estimate | None = None, picked: Sequence[str] = ()) -> Chart:
    """A small plot that only shows: every measured point, and the hollow one that moves with the sliders."""
    st.markdown(f"###### {metric(y).label} against {_lower(metric(x).label)}")
    info = tradeoff(table, x, y, estimate=estimate, picked=picked)
    return _placed(info, {"height": 300, "legend": False, "compact": True}, name, {"config": {**CONFIG, "displayModeBar": False}})


def _placed(info: Tradeoff, ink: Mapping[str, Any], key: str, options: Mapping[str, Any]) -> Chart:
    """The place of a plot, with a picture over it until plotly has drawn there: a visitor sees it seconds earlier.

    Only in the first run of a session, for a browser that has read plotly once has it at hand.
    """
    ink = {**ink, "dark": frame.dark()}
    place = st.container(key=f"{key}_place", gap=None)
    first = place.empty()
    pictured = key not in st.session_state.setdefault("pictured", set())
    if pictured:
        st.session_state["pictured"].add(key)
        first.html(_first_look(key, info, ink))
    return Chart(info, place, ink, key, options, pictured)


def _first_look(key: str, info: Tradeoff, ink: Mapping[str, Any]) -> str:
    """The picture with its own rules: it gives up its room when plotly is on its way, and goes when plotly has drawn."""
    drawn = tradeoff_ink(info, **ink)
    within = f".st-key-{key}_place"
    rules = (
        f".first-look {{position:relative; height:{drawn['layout']['height']}px}}"
        f".first-look > div {{position:absolute; inset:0 0 auto 0; z-index:1; background:{ground(frame.dark()).paper}}}"
        f"{within}:has(> :nth-child(2)) .first-look {{height:0}}"
        f"{within}:has(.js-plotly-plot .points path) .first-look {{display:none}}"
    )
    return f'<style>{rules}</style><div class="first-look"><div>{picture(drawn, alt=info.alt)}</div></div>'


def _picker(label: str, key: str, keys: Sequence[str], default: str) -> str:
    return linked.option(label, keys, key=key, default=default, format_func=lambda k: f"{metric(k).label} ({metric(k).unit}) {metric(k).arrow[0]}")


def _lower(label: str) -> str:
    return f"{label[0].lower()}{label[1:]}"
