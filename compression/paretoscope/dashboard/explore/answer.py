"""The answer of Explore: one sentence, the recommended model, and up to two alternatives."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from paretoscope.dashboard.explore import limits
from paretoscope.dashboard.explore.result import Result
from paretoscope.dashboard.parts import downloads, plain_answer, test_summary
from paretoscope.dashboard.parts.stage_chips import chips
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.limits import MaxDrop, Relaxation
from paretoscope.impact import per_year
from paretoscope.report.alternatives import Alternative, alternatives
from paretoscope.report.plain_answer import KEEP, quality_line, sentence
from paretoscope.report.tables.table import Row

RECOMMENDED = "Recommended"
PICK, WRONG, WHY = "pick_best", "what_it_gets_wrong", "why"
LOOSEN = "loosen"
NO_MODEL = "No model meets every limit."


def draw(scope: Scope, result: Result, table: Mapping[str, Row], basis: str) -> None:
    """Sentence and cards; without a feasible model, the buttons that loosen the limits.

    `basis` is the beginning of the reasons: objectives and limits.
    """
    best = table.get(result.advice.best or "")
    if best is None:
        _nothing_feasible(result, table)
        return
    st.markdown(f"### {headline(best)}")
    others = alternatives(result.found, result.advice, table)
    places = st.columns([7, *(5 for _ in others)], gap="small") if others else [st.container()]
    with places[0], st.container(border=True, height="stretch", gap="xsmall"):
        _recommended(scope, result, table, best, basis)
    for place, other in zip(places[1:], others, strict=True):
        with place, st.container(border=True, height="stretch", gap="xsmall"):
            _alternative(other)


def headline(best: Row) -> str:
    """The answer in a sentence that needs no knowledge of the project."""
    return KEEP if best.is_baseline else sentence(best)


def _recommended(
    scope: Scope, result: Result, table: Mapping[str, Row], best: Row, basis: str
) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(f":blue-badge[{RECOMMENDED}] **{best.short_name}**", width="content")
        with st.popover("Why?", type="tertiary", key=WHY, on_change="rerun") as why:
            if why.open:
                st.markdown(reasons(result, table, basis))
    st.markdown(quality_line(best))
    st.markdown(f"{plain_answer.time_line(best)} &emsp; {plain_answer.size_line(best)}")
    st.markdown(chips(best.summary.recipe))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        downloads.model(scope, best, key="best", primary=True)
        if not best.is_baseline:
            _wrong(best, table)
            _year(best)


def reasons(result: Result, table: Mapping[str, Row], basis: str) -> str:
    """Why this model: objectives, limits, models left, runner-up, smallest, nearest limit."""
    left = f"{len(result.advice.feasible)} of {len(table)} models are within the limits"
    return f"{basis}: {left}. {test_summary.why(result.advice, table)}"


def _wrong(best: Row, table: Mapping[str, Row]) -> None:
    """To Compare, with the baseline and this model."""
    lost = best.document.paired.lost if best.document.paired else 0
    baseline = [each.id for each in table.values() if each.is_baseline]
    prose = best.document.paired is not None and best.document.paired.change is not None
    label = "Compare with the original" if prose else f"What it gets wrong: {lost}"
    if st.button(label, icon=":material/rule:", type="tertiary", key=WRONG):
        selection.write([*baseline, best.id])
        st.switch_page("pages/compare.py", query_params=selection.query())


def _year(best: Row) -> None:
    """To Impact, with what a year saves as the help."""
    try:
        words = per_year(best).words
    except ParetoscopeError:
        return
    st.page_link(
        "pages/impact.py",
        label="Per year",
        icon=":material/savings:",
        help=f"{words[0].upper()}{words[1:]}.",
        query_params={**selection.query(), "pick": best.id},
    )


def _alternative(other: Alternative) -> None:
    row = other.row
    _heading(other.title, row)
    st.markdown(quality_line(row))
    st.markdown(f"{plain_answer.time_line(row)}  \n{plain_answer.size_line(row)}")
    picked = row.id in st.session_state.get(selection.PICKS, [])
    st.button(
        "Picked" if picked else "Pick",
        icon=":material/push_pin:",
        type="tertiary",
        key=f"pick_{other.title}",
        on_click=selection.toggle,
        args=(row.id,),
        help="Marks it in the plots and adds it to Compare.",
    )


def _heading(title: str, row: Row) -> None:
    st.markdown(f":gray[{title}]  \n**{row.short_name}**")


def _nothing_feasible(result: Result, table: Mapping[str, Row]) -> None:
    """What comes closest, and a button for each limit that it exceeds."""
    advice = result.advice
    st.markdown(f"### {NO_MODEL if advice.closest else test_summary.NO_MODEL}")
    with st.container(border=True):
        if advice.closest is None:
            st.markdown(advice.why)
            return
        st.markdown(f"**{table[advice.closest].short_name}** comes closest.")
        with st.container(horizontal=True):
            for number, needed in enumerate(advice.too_tight):
                st.button(
                    in_words(needed),
                    icon=":material/open_in_full:",
                    key=f"{LOOSEN}_{number}",
                    on_click=limits.loosen,
                    args=(needed,),
                )


def in_words(needed: Relaxation) -> str:
    """The label of a button that loosens a limit: "Allow size ≤ 10.4 MB"."""
    text = needed.limit.in_words(needed.bound)
    return f"Allow {text[0].lower()}{text[1:]}" if isinstance(needed.limit, MaxDrop) else text
