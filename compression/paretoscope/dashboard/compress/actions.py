"""The buttons of a recipe: run, measurement settings, sweep and recipe file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.compress.form.state import State
from paretoscope.dashboard.compress.form.to_recipe import sweep as sweep_of
from paretoscope.dashboard.compress.running import WATCHING
from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.shell import data, durations, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.request import Conditions, Protocol, TrialRequest

SPARSITIES = (0, 30, 50, 60, 70, 80, 90)
WIDTHS = {32: "fp32", 8: "int8", 6: "6 bits", 4: "4 bits", 3: "3 bits", 2: "2 bits"}
PROTOCOLS: dict[Protocol, str] = {"quick": "quick", "standard": "standard"}
PROTOCOL_HELP = "Standard takes longer and narrows the intervals."
SWEEP_HELP = "One model per combination is queued."
NO_RECIPES = "Choose at least one sparsity and one number of bits."
RUN, SWEEP = "compress", "sweep"
"""Keys of the buttons."""


def run_button(request: TrialRequest) -> None:
    label = "Compress and measure" if request.recipe.stages else "Measure the baseline"
    if permissions.button(label, type="primary", icon=":material/compress:", key=RUN):
        _queue([request])


def measurement(scope: Scope) -> tuple[Protocol, Conditions]:
    """Protocol and conditions of the run, in a popover."""
    at = scope.conditions if scope.here else default_conditions(scope.model)
    decoder = data.architecture(scope.model) == "decoder"
    cores = data.this_machine().cores
    with st.popover("Measurement", icon=":material/timer:", type="tertiary"):
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


def sweep(state: State, request: TrialRequest) -> None:
    """A popover that queues the recipe at several sparsities and bit widths."""
    with st.popover("Sweep", icon=":material/grid_on:", type="tertiary"):
        sparsities = st.pills(
            "Sparsity of single weights",
            SPARSITIES,
            selection_mode="multi",
            default=[0] if state["decoder"] else [0, 50, 70],
            format_func=lambda share: f"{share} %",
            key="sweep_sparsity",
            help=f"{glossary.sentence('Sparsity')} {SWEEP_HELP}",
        )
        names = WIDTHS | ({8: "8 bits"} if state["decoder"] else {})
        widths = st.pills(
            "Bits per weight",
            list(WIDTHS),
            selection_mode="multi",
            default=[8, 4],
            format_func=lambda width: names[width],
            key="sweep_bits",
            help=glossary.sentence("Bits per weight"),
        )
        recipes = sweep_of(state, sparsities, widths)
        if permissions.button(
            f"Queue {len(recipes)} models",
            type="primary",
            icon=":material/playlist_add:",
            why_not="" if recipes else NO_RECIPES,
            key=SWEEP,
        ):
            _queue([request.model_copy(update={"recipe": recipe}) for recipe in recipes])


def recipe_file(recipe: Recipe) -> None:
    """A popover with the recipe as YAML."""
    with st.popover(
        "Recipe", icon=":material/description:", type="tertiary", help=glossary.sentence("Recipe")
    ):
        st.code(recipe.to_yaml(), language="yaml")
        st.download_button(
            "Download YAML",
            recipe.to_yaml(),
            f"{recipe.id}.yaml",
            "application/yaml",
            on_click="ignore",
            icon=":material/download:",
        )


def expected_duration(scope: Scope, request: TrialRequest) -> None:
    expected = durations.expected_duration(scope.model, request.recipe, request.protocol)
    st.caption(f":material/schedule: {expected}")


def _queue(requests: Sequence[TrialRequest]) -> None:
    try:
        rows = data.queue(requests)
    except ParetoscopeError as error:
        error_card(error)
        return
    st.session_state[WATCHING] = [row.trial_id for row in rows]
    st.rerun()
