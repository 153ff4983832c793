"""Color and shape of each strategy, and the colors of text and background, light and dark.

Colors are those of Okabe and Ito (2008), safe for color-blind readers; shapes repeat them.
Nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.report.tables.strategy import Family


@dataclass(frozen=True)
class Style:
    """How one strategy is drawn: plotly's `symbol`, and `glyph`, the same shape as text."""

    label: str
    light_color: str
    dark_color: str
    symbol: str
    glyph: str

    def color(self, dark: bool) -> str:
        return self.dark_color if dark else self.light_color


STYLES: dict[Family, Style] = {
    "baseline": Style("Baseline", "#17212B", "#E8EDF2", "star", "★"),
    "pruning": Style("Pruning", "#E69F00", "#E69F00", "triangle-up", "▲"),
    "quantization": Style("Quantization", "#0072B2", "#2E93D1", "square", "■"),
    "distillation": Style("Distillation", "#009E73", "#14B588", "diamond", "◆"),
    "chain": Style("Chain", "#CC79A7", "#D98DB8", "circle", "●"),
    "reference": Style("Reference", "#6B7680", "#8F9BA6", "x", "✕"),
}
"""The darker hues are lighter on a dark background, for a contrast of at least 4.5."""


@dataclass(frozen=True)
class Background:
    """Text colors, grid, shading and page color of one theme."""

    text: str
    faint: str
    grid: str
    shade: str
    paper: str
    accent: str
    """Marks the recommended model; the primary color of the theme."""


LIGHT = Background(
    text="#17212B",
    faint="#5F6B76",
    grid="#E9EDF1",
    shade="rgba(110, 122, 134, 0.10)",
    paper="#FFFFFF",
    accent="#0072B2",
)
DARK = Background(
    text="#E8EDF2",
    faint="#9AA7B3",
    grid="#232D37",
    shade="rgba(150, 165, 180, 0.12)",
    paper="#11161C",
    accent="#56B4E9",
)


def background(dark: bool) -> Background:
    return DARK if dark else LIGHT


def rgba(color: str, alpha: float) -> str:
    """
    >>> rgba("#0072B2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{alpha:g})"
