"""What lies under and over the points of a trade-off plot: shaded limits, guides at round multiples of the baseline, and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator

from compression.report.canvas import Canvas, Ink, rgba
from compression.report.tradeoff import Mark

LONGEST_NAME = 32
"""Letters of a name that fit beside its point; the sentence above the plots and the hover card have all of it."""
CHARACTER = 0.017, 0.055
"""Width and height of a letter of a label, as shares of a plot of the usual size."""


def limits(canvas: Canvas) -> Iterator[Ink]:
    """The region that the limits exclude, shaded, with a line at each limit."""
    for limit in canvas.info.limits:
        of, ends = (canvas.info.x, canvas.x_range) if limit.axis == "x" else (canvas.info.y, canvas.y_range)
        bound = of.shown(limit.bound)
        far = max(bound, ends[1]) if of.better == "lower" else min(bound, ends[0])
        across, up = ("x", "y") if limit.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below"}
        yield {"type": "rect", f"{across}0": bound, f"{across}1": far, **whole, "fillcolor": canvas.at.shade, "line": {"width": 0}}
        yield {"type": "line", f"{across}0": bound, f"{across}1": bound, **whole, "line": {"color": canvas.at.faint, "width": 1.2}}


def guides(canvas: Canvas, compact: bool) -> tuple[list[Ink], list[Ink]]:
    """Dotted lines at round multiples of the baseline, each with a word at its end where the next one leaves room."""
    shapes: list[Ink] = []
    words: list[Ink] = []
    line = {"color": canvas.at.faint, "width": 1, "dash": "dot"}
    taken = math.inf
    for guide in canvas.info.guides:
        of, ends = (canvas.info.x, canvas.x_range) if guide.axis == "x" else (canvas.info.y, canvas.y_range)
        place = of.shown(guide.at)
        if not ends[0] < place < ends[1]:
            continue
        across, up = ("x", "y") if guide.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below", "opacity": 0.7}
        shapes.append({"type": "line", f"{across}0": place, f"{across}1": place, **whole, "line": line})
        word: Ink = {"showarrow": False, "font": {"size": 10.5, "color": canvas.at.faint}, "yanchor": "bottom"}
        if guide.axis == "y":
            words.append({**word, "y": place, "x": 1, "xref": "paper", "xanchor": "right", "text": guide.label})
            continue
        share = canvas.place(place, canvas.y_range[0])[0]
        short = guide.label.split(" ")[0]
        text = short if compact or taken < math.inf else guide.label
        if abs(taken - share) > 0.07 + 0.01 * len(text):
            words.append({**word, "x": canvas.annotated_x(place), "y": 1, "yref": "paper", "text": text})
            taken = share
    return shapes, words


def out_of_sight(canvas: Canvas) -> list[Ink]:
    """How many points lie above or below the picture, said at that edge."""
    heights = [canvas.shown(mark)[1] for mark in canvas.info.marks]
    below, above = sum(y < canvas.y_range[0] for y in heights), sum(y > canvas.y_range[1] for y in heights)
    font = {"size": 11, "color": canvas.at.faint}
    edge: Ink = {"x": 0.995, "xref": "paper", "yref": "paper", "xanchor": "right", "showarrow": False, "font": font}
    found = [{**edge, "y": 0.01, "yanchor": "bottom", "text": f"↓ {below} more below"}] if below else []
    return [*found, {**edge, "y": 0.99, "yanchor": "top", "text": f"↑ {above} more above"}] if above else found


def labels(canvas: Canvas) -> Iterator[Ink]:
    """The recommended point by name, and the knee, each where it covers the fewest points."""
    info = canvas.info
    marks = {mark.id: mark for mark in info.marks}
    if info.recommended in marks:
        knee = " (knee)" if info.knee == info.recommended else ""
        name = marks[info.recommended].name
        name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"
        yield _label(canvas, marks[info.recommended], f"{name}{knee}", bold=True)
    if info.knee in marks and info.knee != info.recommended:
        yield _label(canvas, marks[info.knee], "knee", bold=False)


def _label(canvas: Canvas, mark: Mark, text: str, *, bold: bool) -> Ink:
    at = canvas.at
    x, y = canvas.shown(mark)
    right, up = _free_side(canvas, mark, text)
    return {
        "x": canvas.annotated_x(x),
        "y": y,
        "text": f"<b>{text}</b>" if bold else text,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": at.faint,
        "ax": 26 if right else -26,
        "ay": -34 if up else 34,
        "standoff": 8,
        "xanchor": "left" if right else "right",
        "font": {"size": 12.5 if bold else 11, "color": at.text if bold else at.faint},
        "bgcolor": rgba(at.paper, 0.7),
        "borderpad": 2,
    }


def _free_side(canvas: Canvas, mark: Mark, text: str) -> tuple[bool, bool]:
    """(right, up) of the corner where a label lies within the picture and over the fewest points."""
    places = [canvas.place(*canvas.shown(other)) for other in canvas.info.marks if other.id != mark.id]
    x, y = canvas.place(*canvas.shown(mark))
    width, height = len(text) * CHARACTER[0] + 0.06, CHARACTER[1]

    def covered(corner: tuple[bool, bool]) -> float:
        right, up = corner
        left = x + 0.06 if right else x - 0.06 - width
        bottom = y + 0.1 if up else y - 0.1 - height
        outside = max(0.0, -left) + max(0.0, left + width - 1) + max(0.0, -bottom) + max(0.0, bottom + height - 1)
        return 100 * outside + sum(left - 0.02 <= px <= left + width + 0.02 and bottom - 0.03 <= py <= bottom + height + 0.03 for px, py in places)

    return min(((True, True), (True, False), (False, True), (False, False)), key=covered)
