"""The buttons of a recipe: run, measurement settings, sweep and recipe file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.compress import recipe_file
from paretoscope.dashboard.compress.form.slots import State
from paretoscope.dashboard.compress.form.to_recipe import sweep as sweep_of
from paretoscope.dashboard.compress.request import Wanted, usual_conditions
from paretoscope.dashboard.compress.running import WATCHING
from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.shell import data, durations, measured, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import ScopeKey
from paretoscope.trials.format import duration_range, short_machine
from paretoscope.trials.request import Conditions, Protocol, TrialRequest
from paretoscope.trials.trial import LIVE

SPARSITIES = (0, 30, 50, 60, 70, 80, 90)
WIDTHS = {"32": "fp32", "8": "int8", "6": "6 bits", "4": "4 bits", "3": "3 bits", "2": "2 bits"}
PROTOCOLS: dict[Protocol, str] = {"quick": "quick", "standard": "standard"}
PROTOCOL_HELP = "Standard takes longer and narrows the intervals."
SWEEP_HELP = "One model per combination is queued."
NO_RECIPES = "Choose at least one sparsity and one number of bits."
RUN, SWEEP = "compress", "sweep"
"""Keys of the buttons."""
UNFINISHED = "The recipe is not complete."
RUNNING = "This recipe is queued or running."
DONE = "This recipe is measured here; use Measure again to repeat it."
HERE = "The run is measured on this machine ({machine}), not on the one shown above."


def draw(scope: Scope, wanted: Wanted) -> None:
    """The button with the expected duration, and why a run is not possible."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="actions"):
        _run_button(wanted)
        if wanted.request:
            st.caption(expected_duration(scope, wanted.request), width="content")
    if wanted.problem:
        error_card(wanted.problem)


def more(wanted: Wanted, state: State) -> None:
    """What else can be done with a recipe."""
    _sweep(state, wanted.request)
    recipe_file.draw(wanted.recipe, decoder=state["decoder"])


def where(scope: Scope) -> None:
    """That a run is measured here, where the page shows another machine."""
    if not scope.here:
        machine = short_machine(data.this_machine())
        st.caption(f":material/info: {HERE.format(machine=machine)}")


def _run_button(wanted: Wanted) -> None:
    """Always there; disabled with the reason when it cannot work."""
    trial, recipe = wanted.trial, wanted.recipe
    reason = wanted.problem
    if trial and trial.status in LIVE:
        reason = RUNNING
    elif trial and trial.status == "done":
        reason = DONE
    if permissions.button(
        "Measure the original" if recipe and not recipe.stages else "Compress and measure",
        type="primary",
        icon=":material/compress:",
        key=RUN,
        why_not=reason or ("" if wanted.request else UNFINISHED),
    ):
        queue([request for request in (wanted.request,) if request])


def measurement(scope: Scope, *, decoder: bool) -> tuple[Protocol, Conditions]:
    """Protocol and conditions of the run, in a popover."""
    at, cores = usual_conditions(scope), data.this_machine().cores
    with st.popover("Measurement", icon=":material/timer:", type="tertiary", key="measurement"):
        chosen = st.segmented_control(
            "Protocol",
            list(PROTOCOLS),
            default="quick",
            format_func=lambda name: PROTOCOLS[name],
            required=True,
            key="protocol",
            help=f"{glossary.sentence('Confidence interval')} {PROTOCOL_HELP}",
        )
        batch = st.number_input("Batch size", 1, 256, at.batch, key=f"batch_{at.batch}")
        sequence = st.number_input(
            "Prompt length (tokens)" if decoder else "Sequence length (tokens)",
            1,
            2048 if decoder else 512,
            at.sequence,
            key=f"sequence_{at.sequence}",
        )
        threads = st.number_input(
            "Threads", 1, cores, min(at.threads, cores), key=f"threads_{at.threads}"
        )
    protocol: Protocol = "standard" if chosen == "standard" else "quick"
    conditions = Conditions(batch=int(batch), sequence=int(sequence), threads=int(threads))
    return protocol, conditions


def _sweep(state: State, request: TrialRequest | None) -> None:
    """A popover that queues the recipe at several sparsities and bit widths."""
    with st.popover(
        "Sweep",
        icon=":material/grid_on:",
        type="tertiary",
        key="sweep_open",
        disabled=request is None,
    ):
        sparsities = st.pills(
            "Sparsity of single weights",
            SPARSITIES,
            selection_mode="multi",
            default=[0] if state["decoder"] else [0, 50, 70],
            format_func=lambda share: f"{share} %",
            key="sweep_sparsity",
            help=f"{glossary.sentence('Sparsity')} {SWEEP_HELP}",
        )
        names = WIDTHS | ({"8": "8 bits"} if state["decoder"] else {})
        widths = st.pills(
            "Bits per weight",
            list(WIDTHS),
            selection_mode="multi",
            default=["8", "4"],
            format_func=lambda width: names[width],
            key="sweep_bits",
            help=glossary.sentence("Bits per weight"),
        )
        recipes = _recipes(state, sparsities, widths) if request else []
        if permissions.button(
            f"Queue {len(recipes)} models",
            type="primary",
            icon=":material/playlist_add:",
            why_not="" if recipes else NO_RECIPES,
            key=SWEEP,
        ):
            queue([request.model_copy(update={"recipe": each}) for each in recipes if request])


def _recipes(state: State, sparsities: Sequence[int], widths: Sequence[str]) -> list[Recipe]:
    try:
        return sweep_of(state, sparsities, widths)
    except ParetoscopeError as error:
        error_card(error)
        return []


def expected_duration(scope: Scope, request: TrialRequest) -> str:
    """The duration as a range, and whether the original has to be measured too."""
    expected = durations.expected_run(scope.model, request.recipe, request.protocol)
    if expected is None:
        return durations.UNKNOWN
    key = ScopeKey(scope.model, scope.task, data.this_machine().id, request.conditions)
    known = bool(measured.table(key).rows) or not request.recipe.stages
    first = "" if known else ", the original once too"
    return f"{duration_range(*expected.range)}{first}"


def queue(requests: Sequence[TrialRequest], *, again: bool = False) -> None:
    """Queue trials, start the engine and watch them; an error is shown."""
    try:
        rows = data.queue(requests, again=again)
    except ParetoscopeError as error:
        error_card(error)
        return
    st.session_state[WATCHING] = [row.trial_id for row in rows]
    st.rerun()
