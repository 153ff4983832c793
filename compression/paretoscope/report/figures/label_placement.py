"""Where a label of a trade-off plot covers the fewest points, lines and other labels.

Text and style of the labels are set in `report/figures/annotations.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from paretoscope.report.figures.axes_ranges import AxesRanges
from paretoscope.report.figures.tradeoff import Marker

CHARACTER = 0.0175, 0.075
"""Width and height of a character of a label, as shares of a plot of the usual size."""
OFFSET_X = 26, 0.07
"""Horizontal distance of a label from its point, in pixels and as a share of the width."""
OFFSETS_Y = (34, 0.11), (62, 0.2), (100, 0.32)
"""Vertical distances likewise; the larger ones are for crowded plots."""
Box = tuple[float, float, float, float]
"""Left, bottom, right and top of a text, as shares of the plot."""


class Side(NamedTuple):
    """Where a label lies: right of its point or not, `up` pixels above it, and its box."""

    right: bool
    up: int
    box: Box


def free_side(axes: AxesRanges, marker: Marker, text: str, occupied: Sequence[Box]) -> Side:
    """The side of a point where its label covers the least."""
    x, y = axes.place(*axes.shown(marker))
    width, height = len(text) * CHARACTER[0] + 0.02, CHARACTER[1]
    found: list[tuple[float, Side]] = []
    for (pixels, share), right, up in itertools.product(OFFSETS_Y, (True, False), (True, False)):
        left = x + OFFSET_X[1] if right else x - OFFSET_X[1] - width
        middle = y + (share if up else -share)
        box = left, middle - height / 2, left + width, middle + height / 2
        side = Side(right, pixels if up else -pixels, box)
        found.append((_cost(axes, box, occupied, ignored=marker), side))
    return min(found, key=lambda each: each[0])[1]


def _cost(
    axes: AxesRanges, box: Box, occupied: Sequence[Box] = (), *, ignored: Marker | None = None
) -> float:
    """What a label in `box` covers: the part outside the plot and other labels cost the most."""
    left, bottom, right, top = box
    outside = max(0.0, -left) + max(0.0, right - 1) + max(0.0, -bottom) + max(0.0, top - 1)
    labels = sum(left < r and right > x and bottom < t and top > b for x, b, r, t in occupied)
    markers = [each for each in axes.info.markers if each is not ignored]
    points = 0
    for marker in markers:
        x, y = axes.place(*axes.shown(marker))
        points += left - 0.02 <= x <= right + 0.02 and bottom - 0.03 <= y <= top + 0.03
    lines = _error_bars(axes, box, markers) + _lines(axes, box)
    return 1000 * outside + 20 * labels + points + 0.3 * lines


def _error_bars(axes: AxesRanges, box: Box, markers: Sequence[Marker]) -> int:
    """How many visible error bars cross `box`."""
    left, bottom, right, top = box
    crossed = 0
    for marker in markers:
        if marker.id not in axes.info.emphasized:
            continue
        across = axes.shown(marker)[0]
        x = axes.place(across, 1)[0]
        low, high = (axes.place(across, end)[1] for end in axes.ends(marker))
        crossed += left <= x <= right and low <= top and high >= bottom
    return crossed


def _lines(axes: AxesRanges, box: Box) -> int:
    """How many vertical parts of the front line and vertical reference lines cross `box`."""
    left, bottom, right, top = box
    info = axes.info
    corners = [axes.place(info.x.shown(x), info.y.shown(y)) for x, y in info.step]
    steps = sum(
        left <= x <= right and min(y, z) <= top and max(y, z) >= bottom
        for (x, y), (w, z) in itertools.pairwise(corners)
        if x == w
    )
    vertical = [
        axes.place(info.x.shown(line.at), bottom)[0]
        for line in info.annotations
        if line.axis == "x"
    ]
    return steps + sum(left <= x <= right for x in vertical)
