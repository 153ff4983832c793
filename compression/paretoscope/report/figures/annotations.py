"""What lies under and over the points of a trade-off plot: shaded limits, guides at round multiples
of the baseline, and labels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from paretoscope.report.figures.axes_ranges import Canvas, Ink, rgba
from paretoscope.report.figures.tradeoff import Guide, Mark

LONGEST_NAME = 32
"""Letters of a name that fit beside its point; the sentence above the plots and the hover card have
all of it.
"""
CHARACTER = 0.017, 0.055
"""Width and height of a letter of a label, as shares of a plot of the usual size."""
ASIDE, HIGHER = (26, 0.07), ((34, 0.11), (62, 0.2), (100, 0.32))
"""How far a label stands from its point, across and up: in pixels, and as shares of such a plot.
The farther ones are for crowds.
"""
Box = tuple[float, float, float, float]
"""Left, bottom, right and top of some words, as shares of the picture."""


def limits(canvas: Canvas) -> Iterator[Ink]:
    """The region that the limits exclude, shaded, with a line at each limit."""
    for limit in canvas.info.limits:
        of, ends = (
            (canvas.info.x, canvas.x_range)
            if limit.axis == "x"
            else (canvas.info.y, canvas.y_range)
        )
        bound = of.shown(limit.bound)
        far = max(bound, ends[1]) if of.better == "lower" else min(bound, ends[0])
        across, up = ("x", "y") if limit.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below"}
        yield {
            "type": "rect",
            f"{across}0": bound,
            f"{across}1": far,
            **whole,
            "fillcolor": canvas.at.shade,
            "line": {"width": 0},
        }
        yield {
            "type": "line",
            f"{across}0": bound,
            f"{across}1": bound,
            **whole,
            "line": {"color": canvas.at.faint, "width": 1.2},
        }


def guides(canvas: Canvas, compact: bool) -> tuple[list[Ink], list[Ink], list[Box]]:
    """Dotted lines at round multiples of the baseline, each with a word at its end where the next
    one leaves room; and where words lie within the picture."""
    shapes: list[Ink] = []
    words: list[Ink] = []
    boxes: list[Box] = []
    line = {"color": canvas.at.faint, "width": 1, "dash": "dot"}
    taken = math.inf
    for guide in canvas.info.guides:
        of, ends = (
            (canvas.info.x, canvas.x_range)
            if guide.axis == "x"
            else (canvas.info.y, canvas.y_range)
        )
        place = of.shown(guide.at)
        if not ends[0] < place < ends[1]:
            continue
        across, up = ("x", "y") if guide.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below", "opacity": 0.7}
        shapes.append(
            {"type": "line", f"{across}0": place, f"{across}1": place, **whole, "line": line}
        )
        word: Ink = {
            "showarrow": False,
            "font": {"size": 10.5, "color": canvas.at.faint},
            "yanchor": "bottom",
        }
        if guide.axis == "y":
            where, box = _free_place(canvas, guide, place)
            words.append({**word, **where, "y": place, "xref": "paper", "text": guide.label})
            boxes.append(box)
            continue
        share = canvas.place(place, canvas.y_range[0])[0]
        short = guide.label.split(" ")[0]
        text = short if compact or taken < math.inf else guide.label
        if abs(taken - share) > 0.07 + 0.01 * len(text):
            words.append(
                {**word, "x": canvas.annotated_x(place), "y": 1, "yref": "paper", "text": text}
            )
            taken = share
    return shapes, words, boxes


def _free_place(canvas: Canvas, guide: Guide, place: float) -> tuple[Ink, Box]:
    """Where on a line across, and on which side of it, a word lies over the least: at an end if
    that is as good as between them.
    """
    height = canvas.place(canvas.x_range[0], place)[1]
    width, tall = len(guide.label) * 0.015 + 0.01, 0.045
    found: list[tuple[float, Ink, Box]] = []
    for over, right in itertools.product(
        (True, False), (1.0, width, *(tenth / 10 for tenth in range(9, 1, -1)))
    ):
        box = (
            right - width,
            height if over else height - tall,
            right,
            height + tall if over else height,
        )
        at_end = right in (1.0, width)
        where = {
            "x": 0 if right == width else right,
            "xanchor": "left" if right == width else "right",
            "yanchor": "bottom" if over else "top",
        }
        found.append((_covered(canvas, box, ()) + (0 if at_end else 0.1), where, box))
    return min(found, key=lambda each: each[0])[1:]


def out_of_sight(canvas: Canvas) -> list[Ink]:
    """How many points lie above or below the picture, and whether intervals of the front go on
    there, said at that edge.
    """
    bottom, top = canvas.y_range
    heights = [canvas.shown(mark)[1] for mark in canvas.info.marks]
    solid = [
        canvas.ends(mark)
        for mark in canvas.info.marks
        if mark.state == "front" and bottom <= canvas.shown(mark)[1] <= top
    ]
    below, above = sum(y < bottom for y in heights), sum(y > top for y in heights)
    cut_below, cut_above = (
        any(low < bottom for low, _ in solid),
        any(high > top for _, high in solid),
    )
    font = {"size": 11, "color": canvas.at.faint}
    edge: Ink = {
        "x": 0.995,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "right",
        "showarrow": False,
        "font": font,
    }
    lower = [f"{below} more below"] * bool(below) + ["intervals go on"] * cut_below
    upper = [f"{above} more above"] * bool(above) + ["intervals go on"] * cut_above
    found = (
        [{**edge, "y": 0.01, "yanchor": "bottom", "text": f"↓ {', '.join(lower)}"}] if lower else []
    )
    return (
        [*found, {**edge, "y": 0.99, "yanchor": "top", "text": f"↑ {', '.join(upper)}"}]
        if upper
        else found
    )


def labels(canvas: Canvas, taken: Sequence[Box]) -> Iterator[Ink]:
    """The recommended point by name, and the knee, each where it covers the least and no other
    words (`taken`).
    """
    info, boxes = canvas.info, list(taken)
    marks = {mark.id: mark for mark in info.marks if not canvas.log_x or canvas.shown(mark)[0] > 0}
    if info.recommended in marks:
        knee = " (knee)" if info.knee == info.recommended else ""
        name = marks[info.recommended].name
        name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"
        yield _label(canvas, marks[info.recommended], f"{name}{knee}", boxes, bold=True)
    if info.knee in marks and info.knee != info.recommended:
        yield _label(canvas, marks[info.knee], "knee", boxes, bold=False)


def _label(canvas: Canvas, mark: Mark, text: str, taken: list[Box], *, bold: bool) -> Ink:
    """The label, whose box is added to those that are `taken`."""
    at = canvas.at
    x, y = canvas.shown(mark)
    right, away, box = _free_side(canvas, mark, text, taken)
    taken.append(box)
    return {
        "x": canvas.annotated_x(x),
        "y": y,
        "text": f"<b>{text}</b>" if bold else text,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": at.faint,
        "ax": ASIDE[0] if right else -ASIDE[0],
        "ay": -away,
        "standoff": 8,
        "xanchor": "left" if right else "right",
        "font": {"size": 12.5 if bold else 11, "color": at.text if bold else at.faint},
        "bgcolor": rgba(at.paper, 0.7),
        "borderpad": 2,
    }


def _free_side(
    canvas: Canvas, mark: Mark, text: str, taken: Sequence[Box]
) -> tuple[bool, int, Box]:
    """Where a label lies within the picture and over the least: whether right of its point, how
    many pixels over it, and its box.
    """
    x, y = canvas.place(*canvas.shown(mark))
    width, height = len(text) * CHARACTER[0] + 0.02, CHARACTER[1]
    found: list[tuple[float, bool, int, Box]] = []
    for (pixels, share), right, up in itertools.product(HIGHER, (True, False), (True, False)):
        left, middle = (
            (x + ASIDE[1] if right else x - ASIDE[1] - width),
            y + (share if up else -share),
        )
        box = left, middle - height / 2, left + width, middle + height / 2
        found.append(
            (_covered(canvas, box, taken, but=mark), right, pixels if up else -pixels, box)
        )
    return min(found, key=lambda each: each[0])[1:]


def _covered(canvas: Canvas, box: Box, taken: Sequence[Box], *, but: Mark | None = None) -> float:
    """How much words in `box` would cost: above all what of them lies outside and other words, then
    points, then lines under them.
    """
    left, bottom, right, top = box
    outside = max(0.0, -left) + max(0.0, right - 1) + max(0.0, -bottom) + max(0.0, top - 1)
    words = sum(left < r and right > x and bottom < t and top > b for x, b, r, t in taken)
    points, lines = 0, 0
    for mark in canvas.info.marks:
        if mark is but:
            continue
        x, y = canvas.place(*canvas.shown(mark))
        low, high = (canvas.place(canvas.shown(mark)[0], end)[1] for end in canvas.ends(mark))
        points += left - 0.02 <= x <= right + 0.02 and bottom - 0.03 <= y <= top + 0.03
        lines += (
            (mark.state == "front" or mark.family == "baseline")
            and left <= x <= right
            and low <= top
            and high >= bottom
        )
    corners = [
        canvas.place(canvas.info.x.shown(x), canvas.info.y.shown(y)) for x, y in canvas.info.step
    ]
    lines += sum(
        left <= x <= right and min(y, z) <= top and max(y, z) >= bottom
        for (x, y), (w, z) in itertools.pairwise(corners)
        if x == w
    )
    across = [
        canvas.place(canvas.info.x.shown(guide.at), bottom)[0]
        for guide in canvas.info.guides
        if guide.axis == "x"
    ]
    lines += sum(left <= x <= right for x in across)
    return 100 * outside + 20 * words + points + 0.3 * lines
