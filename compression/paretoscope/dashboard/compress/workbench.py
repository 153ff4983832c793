"""The recipe form, its estimates, and the run of the recipe.

It is a fragment, so a slider redraws only this part of the page.
"""

from __future__ import annotations

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.compress import (
    actions,
    estimate_panel,
    requests,
    running,
)
from paretoscope.dashboard.compress.estimates import model_shape
from paretoscope.dashboard.compress.form import draw as form
from paretoscope.dashboard.compress.form.state import State
from paretoscope.dashboard.compress.form.to_recipe import to_recipe
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe

DEFAULT_LAYERS = 12
"""The range of the form when the shape of the model is unknown."""


@st.fragment
def draw(scope: Scope) -> None:
    try:
        shape = model_shape(scope.model)
    except ParetoscopeError as error:
        error_card(error)
        return
    left, right = st.columns([4, 7], gap="large")
    with left:
        state = form.draw(
            scope.model,
            shape.layers if shape else DEFAULT_LAYERS,
            decoder=data.architecture(scope.model) == "decoder",
        )
    with right:
        recipe = _recipe(state)
        if recipe is None:
            return
        progress = st.container()
        estimate_panel.draw(scope, shape, recipe, lambda: _act(scope, recipe, state))
    with progress:
        running.draw(scope)


def _recipe(state: State) -> Recipe | None:
    try:
        return to_recipe(state)
    except ParetoscopeError as error:
        error_card(error)
        return None


def _act(scope: Scope, recipe: Recipe, state: State) -> None:
    """The buttons; or the error that prevents a run."""
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        start = st.container(width="content")
        protocol, conditions = actions.measurement(scope)
    try:
        request = requests.request(scope, recipe, protocol, conditions)
    except ParetoscopeError as error:
        error_card(error)
        return
    with start:
        actions.run_button(request)
    with row:
        actions.sweep(state, request)
        actions.recipe_file(recipe)
    actions.expected_duration(scope, request)
    runs.notes(catalog.notes(request))
    running.already_measured(scope, request)
