"""Layout that all figures share: transparent background, fonts, hover boxes and quiet axes."""

from __future__ import annotations

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.palette import Background


def base_layout(colors: Background, *, font_size: int) -> PlotlyDict:
    """Transparent background and text color, without dragging."""
    return {
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colors.text, "size": font_size},
        "dragmode": False,
    }


def hover_label(colors: Background) -> PlotlyDict:
    return {
        "bgcolor": colors.paper,
        "bordercolor": colors.faint,
        "font": {"color": colors.text, "size": 12},
        "align": "left",
    }


def quiet_axis(colors: Background) -> PlotlyDict:
    """An axis with a faint grid and no ticks."""
    return {"gridcolor": colors.grid, "zeroline": False, "linecolor": colors.grid, "ticks": ""}


def axis_title(colors: Background, text: str) -> PlotlyDict:
    return {"font": {"color": colors.faint, "size": 13}, "standoff": 8, "text": text}
