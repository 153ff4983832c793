"""What lies under and over the points of a trade-off plot: limits, reference lines, labels.

Where a label fits is decided in `report/figures/label_placement.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paretoscope.report.figures.axes_ranges import AxesRanges, PlotlyDict
from paretoscope.report.figures.label_placement import OFFSET_X, Box, free_side
from paretoscope.report.figures.palette import rgba
from paretoscope.report.figures.tradeoff import Axis, Marker


class ReferenceLines(NamedTuple):
    """Lines and labels in plotly's schema."""

    shapes: list[PlotlyDict]
    labels: list[PlotlyDict]


def limits(axes: AxesRanges) -> Iterator[PlotlyDict]:
    """The excluded region, shaded, with a line at each limit."""
    for limit in axes.info.limits:
        of, ends = (axes.info.x, axes.x_range) if limit.axis == "x" else (axes.info.y, axes.y_range)
        bound = of.shown(limit.bound)
        far = max(bound, ends[1]) if of.better == "lower" else min(bound, ends[0])
        shaded = {"fillcolor": axes.colors.shade, "line": {"width": 0}}
        yield {"type": "rect", **_span(limit.axis, bound, far), **shaded}
        line = {"line": {"color": axes.colors.faint, "width": 1, "dash": "dot"}}
        yield {"type": "line", **_span(limit.axis, bound, bound), **line}


def _span(axis: Axis, start: float, end: float) -> PlotlyDict:
    """The coordinates of a shape from `start` to `end` on `axis`, over the whole other axis."""
    along, other = ("x", "y") if axis == "x" else ("y", "x")
    whole = {f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper", "layer": "below"}
    return {f"{along}0": start, f"{along}1": end, **whole}


def reference_lines(axes: AxesRanges) -> ReferenceLines:
    """Faint lines at multiples of the baseline and at its quality, labelled outside the plot."""
    found = ReferenceLines([], [])
    line = {"color": axes.colors.grid, "width": 1}
    labelled = math.inf
    for each in axes.info.annotations:
        of, ends = (axes.info.x, axes.x_range) if each.axis == "x" else (axes.info.y, axes.y_range)
        at = of.shown(each.at)
        if not ends[0] < at < ends[1]:
            continue
        found.shapes.append({"type": "line", **_span(each.axis, at, at), "line": line})
        if each.axis == "y":
            right = {"x": 1, "xref": "paper", "xanchor": "left", "yanchor": "middle"}
            found.labels.append(
                {**_small(axes), **right, "y": axes.annotated_y(at), "text": each.label}
            )
            continue
        share = axes.place(at, axes.y_range[0])[0]
        text = each.label if labelled == math.inf else each.label.split(" ")[0]
        if abs(labelled - share) > 0.05 + 0.008 * len(text):
            top = {"x": axes.annotated_x(at), "y": 1, "yref": "paper", "yanchor": "bottom"}
            found.labels.append({**_small(axes), **top, "text": text})
            labelled = share
    return found


def _small(axes: AxesRanges) -> PlotlyDict:
    return {"showarrow": False, "font": {"size": 11, "color": axes.colors.faint}}


def out_of_range(axes: AxesRanges) -> list[PlotlyDict]:
    """At each edge how many points lie beyond it."""
    bottom, top = axes.y_range
    heights = [axes.shown(each)[1] for each in axes.info.markers]
    below, above = sum(y < bottom for y in heights), sum(y > top for y in heights)
    edges = (("↓", below, "below", 0.01, "bottom"), ("↑", above, "above", 0.99, "top"))
    return [
        {
            **_small(axes),
            "x": 0.01,
            "y": y,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": anchor,
            "text": f"{arrow} {count} more {side}",
        }
        for arrow, count, side, y, anchor in edges
        if count
    ]


def labels(axes: AxesRanges, occupied: Sequence[Box] = ()) -> Iterator[PlotlyDict]:
    """The names of the recommended point and of the named ones, clear of `occupied` boxes."""
    info, boxes = axes.info, list(occupied)
    names = {**({info.recommended: ""} if info.recommended else {}), **info.named}
    drawn = {each.id: each for each in info.markers if _inside(axes, each)}
    for trial_id, name in names.items():
        if marker := drawn.get(trial_id):
            bold = trial_id == info.recommended
            yield _label(axes, marker, name or marker.name, boxes, bold=bold)


def _inside(axes: AxesRanges, marker: Marker) -> bool:
    return all(0 <= share <= 1 for share in axes.place(*axes.shown(marker)))


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
        "y": axes.annotated_y(y),
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
