"""The Compress page's bench: the recipe on the left, what would happen on the right, and the run in
place.

The bench is a fragment, so a slider redraws it alone.
"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress import (
    estimate_panel,
    own_model_and_data,
    recipe_form,
    recipe_state,
)
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data, durations
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, address, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row, row_among
from paretoscope.trials.format import when
from paretoscope.trials.trial import LIVE, Conditions, Protocol, TrialRequest

SPARSITIES = (0, 30, 50, 60, 70, 80, 90)
WIDTHS = {32: "fp32", 8: "int8", 6: "6 bits", 4: "4 bits", 3: "3 bits", 2: "2 bits"}


@st.fragment
def draw(scope: Scope) -> None:
    table = scope.rows()
    try:
        shape = estimate_panel.model_shape(scope.model)
    except ParetoscopeError as error:
        error_card(error)
        return
    left, right = st.columns([4, 7], gap="large")
    with left:
        state = recipe_form.draw(
            scope.model,
            shape.layers if shape else 12,
            decoder=data.architecture(scope.model) == "decoder",
        )
    with right:
        recipe = _recipe(state)
    if recipe is None:
        return
    with right:
        progress = st.container()
        estimate_panel.draw(scope, table, shape, recipe, lambda: _act(scope, recipe, state, table))
    with progress:
        _running(scope)


def _recipe(state: recipe_state.State) -> Recipe | None:
    try:
        return recipe_state.to_recipe(state)
    except ParetoscopeError as error:
        error_card(error)
        return None


def _measuring(scope: Scope) -> tuple[Protocol, Conditions]:
    """Protocol and conditions of the run, out of sight until wanted."""
    at = scope.conditions if scope.here else default_conditions(scope.model)
    with st.popover("Measuring", icon=":material/timer:", type="tertiary"):
        protocols: dict[Protocol, str] = {
            "quick": "quick (seconds)",
            "standard": "standard (tighter intervals)",
        }
        chosen = st.segmented_control(
            "Protocol",
            list(protocols),
            default="quick",
            format_func=lambda p: protocols[p],
            required=True,
            key="protocol",
        )
        batch = st.number_input("Batch", 1, 256, at.batch, key=f"batch_{at.batch}")
        decoder = data.architecture(scope.model) == "decoder"
        sequence = st.number_input(
            "Tokens of the prompt" if decoder else "Tokens",
            4,
            2048 if decoder else 512,
            at.sequence,
            key=f"sequence_{at.sequence}",
        )
        threads = st.number_input(
            "Threads",
            1,
            data.this_machine().cores,
            min(at.threads, data.this_machine().cores),
            key=f"threads_{at.threads}",
        )
    protocol: Protocol = "standard" if chosen == "standard" else "quick"
    return protocol, Conditions(batch=int(batch), sequence=int(sequence), threads=int(threads))


def _act(scope: Scope, recipe: Recipe, state: recipe_state.State, table: list[Row]) -> None:
    """The button, how long it takes, what else can be done with the recipe; or a card that says why
    none of it can be.
    """
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        start = st.container(width="content")
        protocol, conditions = _measuring(scope)
    try:
        asked = own_model_and_data.request(scope, recipe, protocol, conditions)
    except ParetoscopeError as error:
        error_card(error)
        return
    label = "Compress and measure" if recipe.stages else "Measure the baseline"
    if start.button(label, type="primary", icon=":material/compress:", key="compress"):
        _queue([asked])
    with row:
        _sweep(state, asked)
        with st.popover("Recipe", icon=":material/description:", type="tertiary"):
            st.code(recipe.to_yaml(), language="yaml")
            name = f"{recipe.id}.yaml"
            st.download_button(
                "Save as YAML",
                recipe.to_yaml(),
                name,
                "application/yaml",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(f":material/schedule: {durations.beforehand(scope.model, recipe, asked.protocol)}")
    _already(scope, recipe, asked, table)


def _sweep(state: recipe_state.State, asked: TrialRequest) -> None:
    with st.popover("Sweep", icon=":material/grid_on:", type="tertiary"):
        st.markdown(
            "This recipe at every sparsity of single weights and every bit width, sharing what can"
            " be shared."
        )
        first = [0] if state["decoder"] else [0, 50, 70]
        sparsities = st.pills(
            "Sparsity",
            SPARSITIES,
            selection_mode="multi",
            default=first,
            format_func=lambda s: f"{s} %",
            key="sweep_sparsity",
        )
        words = WIDTHS | ({8: "8 bits"} if state["decoder"] else {})
        widths = st.pills(
            "Bits",
            list(WIDTHS),
            selection_mode="multi",
            default=[8, 4],
            format_func=lambda w: words[w],
            key="sweep_bits",
        )
        recipes = recipe_state.sweep(state, sparsities, widths)
        if st.button(
            f"Queue {len(recipes)} models",
            type="primary",
            icon=":material/playlist_add:",
            disabled=not recipes,
            key="sweep",
        ):
            _queue([asked.model_copy(update={"recipe": recipe}) for recipe in recipes])


def _queue(requests: list[TrialRequest]) -> None:
    try:
        rows = data.queue(requests)
    except ParetoscopeError as error:
        error_card(error)
        return
    st.session_state["watching"] = [row.trial_id for row in rows]
    st.rerun()


def _already(scope: Scope, recipe: Recipe, asked: TrialRequest | None, table: list[Row]) -> None:
    """One line when this very recipe was measured, on this machine or in the study on the screen."""
    if asked and asked.trial_id in st.session_state.get("watching", []):
        return
    here = next(
        (
            document
            for document in data.documents()
            if asked and document.trial_id == asked.trial_id
        ),
        None,
    )
    shown = next((row for row in table if row.document.recipe_id == recipe.id), None)
    row = Row(here) if here else shown
    if row is None:
        return
    where = "here" if here else "in the points below"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/check_circle: Already measured {where}, {when(row.document)}.",
            width="content",
        )
        place = address(row.document, demo=scope.demo and not here)
        st.page_link(
            "pages/explore.py", label="Open", icon=":material/scatter_plot:", query_params=place
        )


def _running(scope: Scope) -> None:
    """What was started from this page, in place: progress while it runs, then the result beside the
    baseline.
    """
    ids = st.session_state.get("watching", [])
    mine = [
        row
        for row in data.trials()
        if row.trial_id in ids or (row.status == "running" and row.request.model == scope.model)
    ]
    if mine:
        st.fragment(_live, run_every=runs.POLL_SECONDS if runs.watched(mine) else None)(
            scope, [row.trial_id for row in mine]
        )


def _live(scope: Scope, ids: list[str]) -> None:
    rows = [row for row in data.trials() if row.trial_id in ids]
    going = [row for row in rows if row.status in LIVE]
    queued = [row for row in data.trials() if row.status == "queued"]
    for row in [
        *(row for row in going if row.status == "running"),
        *(row for row in going if row.status == "queued"),
    ][:3]:
        runs.live(row, place="bench", ahead=queued.index(row) if row in queued else 0)
    if len(going) > 3:
        st.page_link(
            "pages/jobs.py", label=f"{len(going) - 3} more in Jobs", icon=":material/list_alt:"
        )
    for row in rows:
        if row.status in ("failed", "cancelled"):
            runs.failed(row, place="bench")
    done = [row for row in rows if row.document and row.status == "done"]
    for row in done[-1:]:
        if row.document:
            runs.result(scope, row_among(row.document, data.documents()), _close)


def _close() -> None:
    """Away with the results; what still runs or waits stays."""
    watching = st.session_state.get("watching", [])
    st.session_state["watching"] = [
        row.trial_id for row in data.trials() if row.trial_id in watching and row.status in LIVE
    ]
    st.rerun()
