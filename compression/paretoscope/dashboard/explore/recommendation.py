"""The recommendation card, what the marks mean, and which points could not be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts import downloads, test_summary
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.front import Frontier
from paretoscope.frontier.recommend import Recommendation
from paretoscope.report.figures.tradeoff import Overlay, State, Tradeoff
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric


def draw(
    scope: Scope, advice: Recommendation, table: Mapping[str, Row], count: int, judged: str
) -> None:
    """The answer: by what it is `judged`, which one, what it costs and brings, why, and what can be
    done with it.
    """
    best = table.get(advice.best or "")
    with st.container(border=True):
        st.markdown(f"### {test_summary.headline(advice, table)}")
        if best:
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.markdown(test_summary.figures(best), width="content")
                with st.container(horizontal=True, vertical_alignment="center", width="content"):
                    downloads.artifact(scope, best, key="best", primary=True)
                    _pick_button([id for id in (advice.best, advice.runner_up) if id])
        st.caption(
            f"{judged}: {len(advice.feasible)} of {count} models left."
            f" {test_summary.why(advice, table)}"
        )


def _pick_button(ids: Sequence[str]) -> None:
    label = "Pick both" if len(ids) > 1 else "Pick"
    about = (
        "Ring it and the runner-up on the curves, to compare them."
        if len(ids) > 1
        else "Ring it on the curves."
    )
    st.button(
        label,
        icon=":material/push_pin:",
        type="tertiary",
        on_click=_pick,
        args=(list(ids),),
        key="pick_best",
        help=about,
    )


def _pick(ids: list[str]) -> None:
    selection.write([*st.session_state.get("picks", []), *ids])


def states(found: Frontier, advice: Recommendation) -> dict[str, State]:
    """How each point is drawn: out of the limits before anything else, then on the front, near it,
    or dominated.
    """
    near = set(found.statistically_on_front)
    drawn: dict[str, State] = {}
    for id in found.points:
        if id not in advice.feasible:
            drawn[id] = "excluded"
        elif id in found.on_front:
            drawn[id] = "front"
        else:
            drawn[id] = "near" if id in near else "dominated"
    return drawn


def overlay(
    found: Frontier, advice: Recommendation, bounds: Mapping[str, float], picked: Sequence[str]
) -> Overlay:
    """What the plots show on top of the measured points."""
    return Overlay(states(found, advice), bounds, picked, advice.best)


def legend(
    found: Frontier, advice: Recommendation, shown: Sequence[Tradeoff], picked: Sequence[str]
) -> None:
    """The marks in words, as far as there are any: how many are on the front of all objectives,
    near it, beaten, and outside the limits.
    """
    names = ", ".join(objective.metric.label.lower() for objective in found.objectives)
    full = {"near", "dominated"}  # drawn in full colour once picked
    drawn = Counter(
        state
        for id, state in states(found, advice).items()
        if id not in picked or state not in full
    )
    said = {
        "front": f"Solid: {drawn['front']} that no other beats in {names}.",
        "near": f"Lighter: {drawn['near']} whose intervals overlap that front.",
        "dominated": f"Faint: {drawn['dominated']} beaten.",
        "excluded": f"Hollow: {drawn['excluded']} outside the limits (shaded).",
    }
    marks = [words for state, words in said.items() if drawn[state]]
    if any(
        info.knee in {marker.id for marker in info.markers} and info.knee != advice.best
        for info in shown
    ):
        marks.append(
            "The knee is of the two metrics of its plot, the recommendation by all that *Better"
            " means* names."
        )
    st.caption(
        f"{' '.join(marks)} The line is the front of the two metrics on display. Click a point to"
        " pick it."
    )


def not_comparable(shown: Sequence[Tradeoff], found: Frontier, table: Mapping[str, Row]) -> None:
    """Points that lack a metric on display or an objective, listed so that they are not lost."""
    lacking: dict[str, list[str]] = {
        id: [metric(key).label.lower() for key in keys] for id, keys in found.not_comparable.items()
    }
    for info in shown:
        for id in info.missing:
            words = lacking.setdefault(id, [])
            words += [
                of.label.lower()
                for of in (info.x, info.y)
                if table[id].values.get(of.key) is None and of.label.lower() not in words
            ]
    if lacking:
        with st.expander(f"{len(lacking)} not comparable"):
            for id, words in lacking.items():
                st.markdown(f"- {table[id].name}: no {', '.join(words)}")
