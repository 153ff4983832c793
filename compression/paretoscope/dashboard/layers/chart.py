"""The map of the parts: bytes, time and sensitivity in one picture, whose cells can be clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from paretoscope.dashboard.layers import mixed
from paretoscope.dashboard.layers.content import Content
from paretoscope.dashboard.layers.rows import By, group, is_tied, rows, summed
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout, url_widgets
from paretoscope.layers.parts import part
from paretoscope.layers.sensitivity import Cell, Option
from paretoscope.report.figures.layers_figure import Bars, Heat, layers_figure

CHART = "ly_map"
EMPTY_WIDTH = 3
"""Bits that no file has, so its cells cannot be chosen."""


class Loss(NamedTuple):
    """A measure of sensitivity: its name, and its value in a cell."""

    label: str
    about: str


LOSSES = {
    "kl": Loss("KL divergence (nats)", "of the softened outputs from the original's"),
    "error": Loss("Error of the logits", "size of the change relative to the logits"),
    "changed": Loss("Changed predictions", "share of texts with another prediction"),
}


def loss_picker(content: Content) -> str:
    return url_widgets.option(
        "Sensitivity as",
        list(LOSSES),
        key="ly_loss",
        format_func=_loss_label,
        disabled=content.scan is None,
        help="What changes in the outputs when one part is compressed."
        if content.scan
        else "The sensitivity is not measured yet.",
        width=230,
    )


def _loss_label(key: str) -> str:
    return LOSSES[key].label


def draw(content: Content, by: By, loss: str) -> None:
    """The picture; a click on a cell of a width chooses it or takes the choice back."""
    shown = rows(content, by)
    bars = [_bytes(content, by)]
    if content.profile:
        bars.append(_time(content, by))
    heat = _heat(content, loss) if content.scan and by == "part" else None
    figure = layers_figure(shown, bars, heat, dark=layout.dark())
    with st.container(key="layers_map"):
        show(figure, key=CHART, alt=_alt(content), on_click=_clicked)


def _bytes(content: Content, by: By) -> Bars:
    before = summed({key: float(each) for key, each in content.before.parts.items()}, by)
    after = content.after
    now = summed({key: float(each) for key, each in after.parts.items()}, by) if after else {}
    total = content.before.total
    hover: dict[str, str] = {}
    for key, size in before.items():
        hover[key] = f"{size:,.0f} bytes, {100 * size / total:.2f} % of {total / 1e6:,.1f} MB"
        if after:
            about = "" if after.exact else "about "
            hover[key] += f"<br>compressed: {about}{now.get(key, 0):,.0f} bytes"
    compressed = {key: now.get(key, 0.0) / total for key in before} if after else {}
    title = _title("Bytes", compressed)
    return Bars(title, {key: size / total for key, size in before.items()}, hover, compressed)


def _title(name: str, after: Mapping[str, float]) -> str:
    return f"{name} (light: original)" if after else name


def _time(content: Content, by: By) -> Bars:
    profile = content.profile
    assert profile is not None
    shares = summed({each.part: profile.share(each.part) for each in profile.parts}, by)
    hover = {
        key: f"{share * profile.total_ms:.3g} ms, {100 * share:.1f} % of {profile.total_ms:.3g} ms"
        for key, share in shares.items()
    }
    if by == "part":
        for each in profile.parts:
            hover[each.part] += f"<br>95 % interval {each.ms.low:.3g} to {each.ms.high:.3g} ms"
    after = content.profile_after
    times = summed({each.part: each.ms.value for each in after.parts}, by) if after else {}
    for key, value in times.items():
        hover[key] = f"{hover.get(key, '')}<br>compressed: {value:.3g} ms"
    compressed = {key: value / profile.total_ms for key, value in times.items()}
    return Bars(_title("Time", compressed), shares, hover, compressed)


def _heat(content: Content, loss: str) -> Heat:
    scan = content.scan
    assert scan is not None
    columns = {option.label: _short(option) for option in scan.options}
    choices = mixed.chosen()
    values: dict[tuple[str, str], float] = {}
    hover: dict[tuple[str, str], str] = {}
    clickable: set[tuple[str, str]] = set()
    chosen: set[tuple[str, str]] = set()
    for cell in scan.cells:
        place = (_row(cell.part, content), cell.option.label)
        values[place], hover[place] = value_of(cell, loss, scan.texts), _hover(cell, scan.texts)
        if cell.option.bits not in (None, EMPTY_WIDTH):
            clickable.add(place)
            if choices.get(cell.part) == cell.option.bits:
                chosen.add(place)
    label = LOSSES[loss].label
    return Heat(
        label,
        columns,
        values,
        hover,
        frozenset(clickable),
        frozenset(chosen),
        linear=loss == "changed",
    )


def _row(name: str, content: Content) -> str:
    return "head" if name == "embedding" and is_tied(content) else group(part(name), "part")


def _short(option: Option) -> str:
    return f"{option.bits} bit" if option.bits else f"{100 * (option.sparsity or 0):.0f} %<br>zeros"


def value_of(cell: Cell, loss: str, texts: int) -> float:
    """The measure of a cell."""
    if loss == "error":
        return cell.error
    return cell.changed / texts if loss == "changed" else cell.kl.value


def _hover(cell: Cell, texts: int) -> str:
    click = "click to choose" if cell.option.bits else "not a width"
    if cell.option.bits == EMPTY_WIDTH:
        click = "no runtime kernel has 3 bits"
    elif cell.option.sparsity:
        click = "zeros do not make the file smaller"
    return (
        f"<b>{part(cell.part).label}</b> alone at {cell.option.label}<br>KL {cell.kl.value:.2g}"
        f" nats (95 %: {cell.kl.low:.2g} to {cell.kl.high:.2g})<br>logits change by"
        f" {100 * cell.error:.2g} %<br>{cell.changed} of {texts} predictions change<br>{click}"
    )


def _clicked() -> None:
    """Callback of the picture."""
    event: Any = st.session_state.get(CHART)
    points: list[dict[str, Any]] = event["selection"]["points"] if event else []
    for point in points[:1]:
        custom: Any = point.get("customdata")
        if custom is None:
            continue
        by_number = isinstance(custom, dict)  # custom data arrives in different containers
        name, column, can = (custom[str(at) if by_number else at] for at in range(3))
        if int(can):
            mixed.toggle(name, int(column.split()[0]))


def _alt(content: Content) -> str:
    parts = ["Share of bytes of every part"]
    parts += ["share of time"] if content.profile else []
    parts += ["and how much outputs change at each width and sparsity"] if content.scan else []
    return ", ".join(parts) + ". The table below has the same figures."
