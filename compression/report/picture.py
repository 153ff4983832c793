"""A trade-off plot as a still picture: the ink of `figures.py` without plotly, for the moment before a browser has read plotly's four megabytes.

It knows the parts of a plotly figure that `figures.py` uses and no others. Places are percentages, so that it fits any width.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from compression.report.canvas import Ink

SHAPES = {
    "circle": [(math.cos(turn), math.sin(turn)) for turn in (math.pi * step / 12 for step in range(24))],
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "triangle-up": [(0, -1.15), (1.15, 0.58), (-1.15, 0.58)],
    "star": [
        (1.4 * reach * math.sin(math.pi * step / 5), -1.4 * reach * math.cos(math.pi * step / 5))
        for step in range(10)
        for reach in [(1, 0.382)[step % 2]]
    ],
}
"""Outlines of plotly's symbols about their middle, for a marker of size 2."""
FILL = "position:absolute;inset:0;width:100%;height:100%"
PAD = 8
"""Pixels between the picture and its axes."""
USUAL = {"x": (440, 80), "y": (340, 40)}
"""Pixels of an axis that ticks are chosen for, and the fewest between two of them; plotly's own rule with the width it usually has."""


def picture(ink: Mapping[str, Any], *, alt: str) -> str:
    """HTML with the plot of `ink` (its data and its layout): words about an SVG image, as high as the layout says and as wide as there is room."""
    layout, margin = ink["layout"], ink["layout"]["margin"]
    x, y = (_Axis(layout[name], letter) for name, letter in (("xaxis", "x"), ("yaxis", "y")))
    under = [*_grid(x, y, layout), *(_shape(shape, x, y) for shape in layout["shapes"])]
    data = [part for trace in ink["data"] for part in _trace(trace, x, y)]
    arrows = [_arrow(note, x, y) for note in layout["annotations"] if note["showarrow"]]
    words = [*_ticks(x, y, layout), *_titles(layout, margin), *(_note(note, x, y) for note in layout["annotations"])]
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%">{"".join([*under, *data, *arrows])}</svg>'
    image = f'<img src="data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}" alt="{escape(alt)}" style="{FILL}">'
    place = f"position:absolute;left:{margin['l']}px;top:{margin['t']}px;right:{margin['r']}px;bottom:{margin['b']}px"
    font = f"font-size:{layout['font']['size']}px;color:{layout['font']['color']};line-height:1"
    return f'<div style="position:relative;height:{layout["height"]}px;{font}"><div style="{place}">{image}{"".join(words)}</div></div>'


class _Axis:
    """From numbers to shares of the picture, in per cent from the left or from the top."""

    def __init__(self, ink: Ink, letter: str) -> None:
        self.ink, self.letter, self.log = ink, letter, ink.get("type") == "log"
        self.low, self.high = ink["range"]

    def at(self, value: float, *, placed: bool = False) -> float:
        """Where a value lies; with `placed` a value that is a logarithm already on a logarithmic axis, as plotly wants those of annotations."""
        value = math.log10(value) if self.log and not placed else value
        share = 100 * (value - self.low) / (self.high - self.low)
        return round(share if self.letter == "x" else 100 - share, 2)

    def share(self, value: float, ref: str, *, placed: bool = False) -> float:
        """The same for a place that may be a share of the paper, which is counted from the bottom."""
        if ref == "paper":
            return round(100 * (value if self.letter == "x" else 1 - value), 2)
        return self.at(value, placed=placed)

    def ticks(self) -> list[tuple[float, str]]:
        """Values with their words: those of the ink, else plotly's own choice of round steps."""
        if "tickvals" in self.ink:
            return list(zip(self.ink["tickvals"], self.ink["ticktext"], strict=True))
        step = round_step(self.low, self.high, *USUAL[self.letter])
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        return [(count * step, f"{round(count * step, digits):g}") for count in range(first, math.floor(self.high / step + 1e-9) + 1)]


def round_step(low: float, high: float, pixels: float, least: float) -> float:
    """Plotly's distance between two ticks: 1, 2 or 5 times a power of ten.

    >>> round_step(0, 100, 440, 80), round_step(90, 96.4, 340, 40)
    (20.0, 1.0)
    """
    rough = (high - low) / (min(max(pixels / least, 4), 9) + 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (2, 5, 10) if rough <= power * factor * (1 + 1e-9))


# --- what does not move -----------------------------------------------------------------------------


def _grid(x: _Axis, y: _Axis, layout: Ink) -> Iterator[str]:
    yield from (_line(f"{x.at(v)}%", "0", f"{x.at(v)}%", "100%", layout["xaxis"]["gridcolor"]) for v, _ in x.ticks())
    yield from (_line("0", f"{y.at(v)}%", "100%", f"{y.at(v)}%", layout["yaxis"]["gridcolor"]) for v, _ in y.ticks())


def _shape(shape: Ink, x: _Axis, y: _Axis) -> str:
    (left, right), (top, bottom) = ([axis.share(shape[f"{axis.letter}{end}"], shape.get(f"{axis.letter}ref", "")) for end in "01"] for axis in (x, y))
    if shape["type"] == "line":
        look = shape["line"]
        return _line(f"{left}%", f"{top}%", f"{right}%", f"{bottom}%", look["color"], look["width"], look.get("dash"), shape.get("opacity", 1))
    across, up = sorted((left, right)), sorted((top, bottom))
    size = f'width="{across[1] - across[0]:.2f}%" height="{up[1] - up[0]:.2f}%"'
    return f'<rect x="{across[0]}%" y="{up[0]}%" {size} fill="{shape["fillcolor"]}"/>'


def _ticks(x: _Axis, y: _Axis, layout: Ink) -> Iterator[str]:
    look: dict[str, Any] = {"size": layout["font"]["size"] - 1, "color": layout["xaxis"]["title"]["font"]["color"]}
    yield from (_words(f"{x.at(v)}%", "100%", words, down=PAD + 11, **look) for v, words in x.ticks())
    yield from (_words("0", f"{y.at(v)}%", words, right=-PAD - 3, anchor="right", **look) for v, words in y.ticks())


def _titles(layout: Ink, margin: Ink) -> Iterator[str]:
    font = layout["xaxis"]["title"]["font"]
    for number, line in enumerate(layout["xaxis"]["title"]["text"].split("<br>")):
        yield _words("50%", "100%", line, down=PAD + 29 + 13 * number, size=10 if number else font["size"], color=font["color"])
    turned = f"left:{12 - margin['l']}px;top:50%;transform:translate(-50%,-50%) rotate(-90deg)"
    yield _span(layout["yaxis"]["title"]["text"], turned, font["size"], font["color"])


def _note(note: Ink, x: _Axis, y: _Axis) -> str:
    across = f"{x.share(note['x'], note.get('xref', ''), placed=True)}%"
    up = f"{y.share(note['y'], note.get('yref', ''), placed=True)}%"
    ink: dict[str, Any] = {"anchor": note.get("xanchor", "center"), **note["font"]}
    if note["showarrow"]:
        return _words(across, up, note["text"], right=note["ax"], down=note["ay"], ground=note["bgcolor"], **ink)
    return _words(across, up, note["text"], down=7 if note.get("yanchor") == "top" else -7, **ink)


def _arrow(note: Ink, x: _Axis, y: _Axis) -> str:
    """From a point to its label, which leaves the point itself free."""
    right, down = note["ax"], note["ay"]
    line = f'<line x1="{right * 0.25}" y1="{down * 0.25}" x2="{right}" y2="{down}" stroke="{note["arrowcolor"]}"/>'
    return f'<svg x="{x.at(note["x"], placed=True)}%" y="{y.at(note["y"], placed=True)}%" overflow="visible">{line}</svg>'


# --- data -------------------------------------------------------------------------------------------


def _trace(trace: Ink, x: _Axis, y: _Axis) -> Iterator[str]:
    points = [(x.at(across), y.at(up)) for across, up in zip(trace["x"], trace["y"], strict=True) if across is not None]
    if trace["mode"] == "lines":
        look = trace["line"]
        for (left, top), (right, bottom) in pairwise(points):
            yield _line(f"{left}%", f"{top}%", f"{right}%", f"{bottom}%", look["color"], look["width"], look.get("dash"), trace.get("opacity", 1))
        return
    for axis, name in ((x, "error_x"), (y, "error_y")):
        if bars := trace.get(name):
            yield from _bars(trace, bars, points, axis)
    yield from (_mark(trace["marker"], left, top) for left, top in points)


def _bars(trace: Ink, bars: Ink, points: Sequence[tuple[float, float]], axis: _Axis) -> Iterator[str]:
    """The interval of each point along one axis; one that starts below what a logarithm knows is left out."""
    for value, up, down, (left, top) in zip(trace[axis.letter], bars["array"], bars["arrayminus"], points, strict=True):
        if not (up or down) or (axis.log and value - down <= 0):
            continue
        start, end = f"{axis.at(value - down)}%", f"{axis.at(value + up)}%"
        ends = (start, f"{top}%", end, f"{top}%") if axis.letter == "x" else (f"{left}%", start, f"{left}%", end)
        yield _line(*ends, bars["color"], bars["thickness"])


def _mark(marker: Ink, left: float, top: float) -> str:
    """A marker at a share of the picture, its size in pixels."""
    name, half = marker["symbol"], marker["size"] / 2
    hollow = name.endswith("-open")
    outline = " ".join(f"{half * across:.1f},{half * up:.1f}" for across, up in SHAPES[name.removesuffix("-open")])
    line = marker.get("line", {})
    fill = "none" if hollow else marker["color"]
    edge = f'stroke="{marker["color"] if hollow else line.get("color", "none")}" stroke-width="{line.get("width", 0)}"'
    shape = f'<polygon points="{outline}" fill="{fill}" {edge} opacity="{marker.get("opacity", 1)}"/>'
    return f'<svg class="mark" x="{left}%" y="{top}%" overflow="visible">{shape}</svg>'


# --- words and lines --------------------------------------------------------------------------------


def _line(x1: str, y1: str, x2: str, y2: str, color: str, width: float = 1, dash: str | None = None, opacity: float = 1) -> str:
    pattern = {"dot": ' stroke-dasharray="2 2"', "dash": ' stroke-dasharray="6 4"'}.get(dash or "", "")
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}" stroke-width="{width}" opacity="{opacity}"{pattern}/>'


def _words(
    left: str, top: str, text: str, *, size: float, color: str, right: float = 0, down: float = 0, anchor: str = "center", ground: str = ""
) -> str:
    """Words about a place, moved by pixels; `anchor` is the side of the words that lies there."""
    back = {"left": 0, "center": -50, "right": -100}[anchor]
    moved = f"left:{left};top:{top};transform:translate(calc({back}% + {right:g}px),calc(-50% + {down:g}px))"
    return _span(text, f"{moved};background:{ground};padding:2px" if ground else moved, size, color)


def _span(text: str, style: str, size: float, color: str) -> str:
    bold = ";font-weight:700" if text.startswith("<b>") else ""
    return f'<span style="position:absolute;white-space:nowrap;font-size:{size}px;color:{color}{bold};{style}">{escape(_plain(text))}</span>'


def _plain(text: str) -> str:
    """
    >>> _plain("<span style='font-size:10px'>batch 1</span>")
    'batch 1'
    """
    return re.sub(r"<[^>]+>", "", text)
