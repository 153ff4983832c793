"""The table of models side by side as HTML: numbers with bars, cards on a narrow screen.

It is a table for screen readers; bars are decoration, their numbers are in the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from paretoscope.report.figures.palette import STYLES, Background, background, rgba
from paretoscope.report.tables.side_by_side import Cell, Line
from paretoscope.report.tables.table import Row

NARROW = 640
"""Pixels below which each metric is a card with a line for each model."""
NOT_MEASURED = "not measured"


def side_by_side_html(lines: Sequence[Line], rows: Sequence[Row], *, dark: bool = False) -> str:
    """The table of `lines`, a column for each of `rows`; self-contained, without scripts."""
    heads = "".join(_head(row, dark) for row in rows)
    body = "".join(_line(line, rows, dark) for line in lines)
    return (
        f'<div class="ps-sbs"><style>{_style(background(dark), len(rows))}</style><table><thead>'
        f"<tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(row: Row, dark: bool) -> str:
    style = STYLES[row.family]
    glyph = f'<span style="color:{style.color(dark)}" aria-hidden="true">{style.glyph}</span>'
    return f'<th scope="col" title="{escape(row.name)}">{glyph} {escape(row.short_name)}</th>'


def _line(line: Line, rows: Sequence[Row], dark: bool) -> str:
    cells = "".join(_cell(*pair, dark) for pair in zip(line.cells, rows, strict=True))
    note = f'<span class="note">{escape(line.note)}</span>'
    return f'<tr><th scope="row">{escape(line.label)}{note}</th>{cells}</tr>'


def _cell(cell: Cell, row: Row, dark: bool) -> str:
    name = f'<span class="name">{STYLES[row.family].glyph} {escape(row.short_name)}</span>'
    if not cell.value:
        return f'<td>{name}<span class="note">{NOT_MEASURED}</span></td>'
    marks = '<span class="best">best</span>' if cell.best else ""
    marks += '<span class="noisy">noisy</span>' if cell.noisy else ""
    interval = f' <span class="note-in">{escape(cell.interval)}</span>' if cell.interval else ""
    change = f'<span class="change">{escape(cell.change)}</span>'
    number = f'<span class="value"><b>{escape(cell.value)}</b>{interval}{marks}</span>'
    return f"<td>{name}{number}{change}{_bar(cell, STYLES[row.family].color(dark))}</td>"


def _bar(cell: Cell, color: str) -> str:
    """A bar from zero; for quality the interval, with a dot at the value."""
    left, width = 100 * cell.start, 100 * max(cell.end - cell.start, 0.004)
    place = f"left:{left:.2f}%;width:{width:.2f}%"
    if cell.middle is None:
        return f'<span class="bar"><i style="{place};background:{color}"></i></span>'
    line = f'<i class="line" style="{place};background:{rgba(color, 0.55)}"></i>'
    dot = f'<i class="dot" style="left:{100 * cell.middle:.2f}%;background:{color}"></i>'
    return f'<span class="bar">{line}{dot}</span>'


def _style(colors: Background, models: int) -> str:
    parts = (
        ".ps-sbs table{border-collapse:collapse;width:100%;table-layout:fixed;"
        f"font-size:.92rem;color:{colors.text}}}",
        ".ps-sbs th,.ps-sbs td{text-align:left;vertical-align:top;font-weight:400;"
        f"padding:.5rem .9rem .55rem 0;border:0;border-bottom:1px solid {colors.grid}}}",
        ".ps-sbs thead th{font-weight:600}",
        f".ps-sbs thead td,.ps-sbs tbody th{{width:{max(13, 24 - 2 * models)}%}}",
        ".ps-sbs tbody th{font-weight:600}.ps-sbs .change{min-height:1.3em}",
        ".ps-sbs .note,.ps-sbs .change,.ps-sbs .value{display:block}",
        f".ps-sbs .note,.ps-sbs .note-in,.ps-sbs .change{{color:{colors.faint};"
        "font-size:.82rem;font-weight:400}",
        ".ps-sbs .name{display:none}.ps-sbs .note-in{white-space:nowrap}",
        ".ps-sbs .best,.ps-sbs .noisy{font-size:.74rem;border-radius:.6rem;padding:.05rem .45rem;"
        f"margin-left:.4rem;border:1px solid {colors.faint};white-space:nowrap}}",
        ".ps-sbs .noisy{border-color:#B26A00}",
        ".ps-sbs .bar{display:block;position:relative;height:.55rem;margin-top:.3rem;"
        f"background:{colors.shade};border-radius:.2rem}}",
        ".ps-sbs .bar i{position:absolute;top:0;bottom:0;border-radius:.2rem}",
        ".ps-sbs .bar .line{top:.2rem;bottom:.2rem}",
        ".ps-sbs .bar .dot{width:.55rem;height:.55rem;margin-left:-.275rem;border-radius:50%}",
        f"@media(max-width:{NARROW}px){{.ps-sbs thead{{display:none}}"
        ".ps-sbs table,.ps-sbs tbody,.ps-sbs tr,.ps-sbs th,.ps-sbs td{display:block;width:auto}"
        ".ps-sbs tbody th{width:auto}.ps-sbs .name{display:inline;margin-right:.6rem}"
        ".ps-sbs td{border-bottom:0;padding:.25rem 0 .5rem}"
        ".ps-sbs tbody th{border-bottom:0;padding:.6rem 0 .1rem}"
        f".ps-sbs tr{{border:1px solid {colors.grid};border-radius:.5rem;margin:0 0 .7rem;"
        "padding:0 .8rem .3rem}.ps-sbs .value{display:inline}.ps-sbs .change:empty{display:none}}",
    )
    return "".join(parts)
