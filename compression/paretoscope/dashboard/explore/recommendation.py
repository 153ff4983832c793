"""The recommendation card, the legend of the plots, and the models that cannot be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.explore.model_table import Result
from paretoscope.dashboard.parts import downloads, glossary, test_summary
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.figures.tradeoff import Overlay, State, Tradeoff
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric

KNEE = (
    "The knee is computed for the two metrics of its plot, the recommendation for all objectives."
)
HINT = "The line is the front of the two metrics shown. Click a point to pick it."
PICK = "pick_best"


def draw(scope: Scope, result: Result, table: Mapping[str, Row], total: int, basis: str) -> None:
    """The recommended model of `total`, its figures, actions and reasons.

    `basis` is the beginning of the reasons: objectives and limits.
    """
    advice = result.advice
    best = table.get(advice.best or "")
    with st.container(border=True):
        st.markdown(f"### {test_summary.headline(advice, table)}", help=best.name if best else None)
        if best:
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.markdown(test_summary.figures(best), width="content")
                with st.container(horizontal=True, vertical_alignment="center", width="content"):
                    downloads.artifact(scope, best, key="best", primary=True)
                    _pick_button([each for each in (advice.best, advice.runner_up) if each])
        counted = models_left(len(advice.feasible), total)
        st.caption(f"{basis}: {counted}. {test_summary.why(advice, table)}")


def models_left(feasible: int, total: int) -> str:
    return f"{feasible} of {total} models are within the limits"


def _pick_button(ids: Sequence[str]) -> None:
    both = len(ids) > 1
    st.button(
        "Pick both" if both else "Pick",
        icon=":material/push_pin:",
        type="tertiary",
        on_click=selection.add,
        args=(ids,),
        key=PICK,
        help="Adds it and the runner-up to the picked models."
        if both
        else "Adds it to the picked models.",
    )


def states(result: Result) -> dict[str, State]:
    """The state of each point; a limit counts before everything else."""
    found, advice = result
    near, on_front = set(found.statistically_on_front), set(found.on_front)

    def state(trial_id: str) -> State:
        if trial_id in found.references:
            return "near"  # readable, and no part of the front
        if trial_id not in advice.feasible:
            return "excluded"
        if trial_id in on_front:
            return "front"
        return "near" if trial_id in near else "dominated"

    return {trial_id: state(trial_id) for trial_id in found.points}


def overlay(result: Result, bounds: Mapping[str, float], picked: Sequence[str]) -> Overlay:
    """What the plots show on top of the measured points."""
    return Overlay(states(result), bounds, picked, result.advice.best)


def legend(result: Result, shown: Sequence[Tradeoff], picked: Sequence[str]) -> None:
    """How many points have each state, and what the knee is."""
    notes = [f"{counts(result, picked)}."]
    best = result.advice.best
    drawn = [info.knee for info in shown if info.knee in {each.id for each in info.markers}]
    other = any(knee != best for knee in drawn)
    if other:
        notes.append(KNEE)
    st.caption(f"{' '.join(notes)} {HINT}", help=glossary.sentence("Knee") if other else None)


def counts(result: Result, picked: Sequence[str]) -> str:
    """ "10 on the Pareto front · 36 statistically indistinguishable from it".

    Picked points are left out where they are drawn in full color.
    """
    highlighted = {"near", "dominated"}
    number = Counter(
        state
        for trial_id, state in states(result).items()
        if trial_id not in result.found.references
        and (trial_id not in picked or state not in highlighted)
    )
    words: dict[State, str] = {
        "front": "on the Pareto front",
        "near": "statistically indistinguishable from it",
        "dominated": "dominated",
        "excluded": "outside your limits",
    }
    return " · ".join(f"{number[state]} {text}" for state, text in words.items() if number[state])


def not_comparable(shown: Sequence[Tradeoff], result: Result, table: Mapping[str, Row]) -> None:
    """The models that lack an objective or a metric of a plot, with what is missing."""
    missing: dict[str, list[str]] = {
        trial_id: [metric(key).label.lower() for key in keys]
        for trial_id, keys in result.found.not_comparable.items()
    }
    for info in shown:
        for trial_id in info.missing:
            names = missing.setdefault(trial_id, [])
            values = table[trial_id].values
            for of in (info.x, info.y):
                if values.get(of.key) is None and of.label.lower() not in names:
                    names.append(of.label.lower())
    if missing:
        with st.expander(f"{len(missing)} not comparable"):
            for trial_id, names in missing.items():
                st.markdown(f"- {table[trial_id].short_name}: no {', '.join(names)}")
