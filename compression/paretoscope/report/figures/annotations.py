"""What lies under and over the points of a trade-off plot: limits, reference lines, labels.

Where a label fits is decided in `report/figures/label_placement.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paretoscope.report.figures.axes_ranges import AxesRanges, PlotlyDict
from paretoscope.report.figures.label_placement import OFFSET_X, Box, free_side, place_on_line
from paretoscope.report.figures.palette import rgba
from paretoscope.report.figures.tradeoff import Annotation, Axis, Marker


class ReferenceLines(NamedTuple):
    """Lines and labels in plotly's schema, and the `occupied` boxes of the labels in the plot."""

    shapes: list[PlotlyDict]
    labels: list[PlotlyDict]
    occupied: list[Box]


def limits(axes: AxesRanges) -> Iterator[PlotlyDict]:
    """The excluded region, shaded, with a line at each limit."""
    for limit in axes.info.limits:
        of, ends = (axes.info.x, axes.x_range) if limit.axis == "x" else (axes.info.y, axes.y_range)
        bound = of.shown(limit.bound)
        far = max(bound, ends[1]) if of.better == "lower" else min(bound, ends[0])
        shaded = {"fillcolor": axes.colors.shade, "line": {"width": 0}}
        yield {"type": "rect", **_span(limit.axis, bound, far), **shaded}
        line = {"line": {"color": axes.colors.faint, "width": 1.2}}
        yield {"type": "line", **_span(limit.axis, bound, bound), **line}


def _span(axis: Axis, start: float, end: float) -> PlotlyDict:
    """The coordinates of a shape from `start` to `end` on `axis`, over the whole other axis."""
    along, other = ("x", "y") if axis == "x" else ("y", "x")
    whole = {f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper", "layer": "below"}
    return {f"{along}0": start, f"{along}1": end, **whole}


def reference_lines(axes: AxesRanges, compact: bool) -> ReferenceLines:
    """Dotted lines at round multiples of the baseline, labelled where the labels fit."""
    found = ReferenceLines([], [], [])
    line = {"color": axes.colors.faint, "width": 1, "dash": "dot"}
    labelled = math.inf
    for each in axes.info.annotations:
        of, ends = (axes.info.x, axes.x_range) if each.axis == "x" else (axes.info.y, axes.y_range)
        place = of.shown(each.at)
        if not ends[0] < place < ends[1]:
            continue
        span = _span(each.axis, place, place)
        found.shapes.append({"type": "line", **span, "opacity": 0.7, "line": line})
        if each.axis == "y":
            label, box = _label_across(axes, each, place)
            found.labels.append(label)
            found.occupied.append(box)
            continue
        share = axes.place(place, axes.y_range[0])[0]
        text = each.label.split(" ")[0] if compact or labelled < math.inf else each.label
        if abs(labelled - share) > 0.07 + 0.01 * len(text):
            top = {"x": axes.annotated_x(place), "y": 1, "yref": "paper", "text": text}
            found.labels.append({**_small(axes), **top})
            labelled = share
    return found


def _label_across(axes: AxesRanges, line: Annotation, place: float) -> tuple[PlotlyDict, Box]:
    """The label of a horizontal line, and its box."""
    where, box = place_on_line(axes, line, place)
    return {**_small(axes), **where, "y": place, "xref": "paper", "text": line.label}, box


def _small(axes: AxesRanges) -> PlotlyDict:
    font = {"size": 10.5, "color": axes.colors.faint}
    return {"showarrow": False, "font": font, "yanchor": "bottom"}


def out_of_range(axes: AxesRanges) -> list[PlotlyDict]:
    """At each edge how many points lie beyond it, and whether intervals of the front do."""
    bottom, top = axes.y_range
    heights = [axes.shown(each)[1] for each in axes.info.markers]
    on_front = [
        axes.ends(each)
        for each in axes.info.markers
        if each.state == "front" and bottom <= axes.shown(each)[1] <= top
    ]
    below, above = sum(y < bottom for y in heights), sum(y > top for y in heights)
    lower = [f"{below} more below"] * bool(below)
    upper = [f"{above} more above"] * bool(above)
    lower += ["intervals cut off"] * any(low < bottom for low, _ in on_front)
    upper += ["intervals cut off"] * any(high > top for _, high in on_front)
    found = [("↓", lower, 0.01, "bottom"), ("↑", upper, 0.99, "top")]
    return [
        {
            "x": 0.995,
            "y": y,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "right",
            "yanchor": anchor,
            "showarrow": False,
            "font": {"size": 11, "color": axes.colors.faint},
            "text": f"{arrow} {', '.join(parts)}",
        }
        for arrow, parts, y, anchor in found
        if parts
    ]


def labels(axes: AxesRanges, occupied: Sequence[Box]) -> Iterator[PlotlyDict]:
    """The names of the recommended point and of the knee, clear of `occupied` boxes."""
    info, boxes = axes.info, list(occupied)
    drawn = {each.id: each for each in info.markers if not axes.log_x or axes.shown(each)[0] > 0}
    if info.recommended in drawn:
        knee = " (knee)" if info.knee == info.recommended else ""
        marker = drawn[info.recommended]
        yield _label(axes, marker, f"{marker.name}{knee}", boxes, bold=True)
    if info.knee in drawn and info.knee != info.recommended:
        yield _label(axes, drawn[info.knee], "knee", boxes, bold=False)


def _label(
    axes: AxesRanges, marker: Marker, text: str, occupied: list[Box], *, bold: bool
) -> PlotlyDict:
    """The label; its box is added to `occupied`."""
    colors = axes.colors
    x, y = axes.shown(marker)
    right, up, box = free_side(axes, marker, text, occupied)
    occupied.append(box)
    return {
        "x": axes.annotated_x(x),
        "y": y,
        "text": f"<b>{text}</b>" if bold else text,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": colors.faint,
        "ax": OFFSET_X[0] if right else -OFFSET_X[0],
        "ay": -up,
        "standoff": 8,
        "xanchor": "left" if right else "right",
        "font": {"size": 12.5 if bold else 11, "color": colors.text if bold else colors.faint},
        "bgcolor": rgba(colors.paper, 0.7),
        "borderpad": 2,
    }
