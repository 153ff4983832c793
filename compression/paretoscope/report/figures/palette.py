"""Colour and shape of every strategy, on light and on dark ground, and nothing else.

Colours are Okabe and Ito's (2008), safe for colour-blind people; the shape says the same again.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.report.tables.strategy import Family


@dataclass(frozen=True)
class Look:
    """How one family of recipes is drawn; `symbol` is plotly's name, `glyph` the same shape in
    text.
    """

    label: str
    color: str
    dark_color: str
    symbol: str
    glyph: str

    def on(self, dark: bool) -> str:
        return self.dark_color if dark else self.color


LOOKS: dict[Family, Look] = {
    "baseline": Look("Baseline", "#17212B", "#E8EDF2", "star", "★"),
    "pruning": Look("Pruning", "#E69F00", "#E69F00", "triangle-up", "▲"),
    "quantization": Look("Quantization", "#0072B2", "#2E93D1", "square", "■"),
    "distillation": Look("Distillation", "#009E73", "#14B588", "diamond", "◆"),
    "chain": Look("Chain", "#CC79A7", "#D98DB8", "circle", "●"),
}
"""On a dark ground the darker hues are a step lighter, so that each keeps a contrast of 4.5 with
it.
"""


@dataclass(frozen=True)
class Ground:
    """The colours of everything that is no data."""

    text: str
    faint: str
    grid: str
    shade: str
    paper: str


LIGHT = Ground(
    text="#17212B",
    faint="#5F6B76",
    grid="#E9EDF1",
    shade="rgba(110, 122, 134, 0.10)",
    paper="#FFFFFF",
)
DARK = Ground(
    text="#E8EDF2",
    faint="#9AA7B3",
    grid="#232D37",
    shade="rgba(150, 165, 180, 0.12)",
    paper="#11161C",
)


def ground(dark: bool) -> Ground:
    return DARK if dark else LIGHT
