"""The page of a recipe: goal, stages, figures, plot, actions, and its run.

It is a fragment, so a slider redraws only this part of the page.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.compress import (
    actions,
    goal,
    headline,
    plot,
    result,
    running,
    stage_costs,
)
from paretoscope.dashboard.compress.estimates import figures, model_shape
from paretoscope.dashboard.compress.form import rows as form
from paretoscope.dashboard.compress.form.slots import State
from paretoscope.dashboard.compress.form.state import begin, write
from paretoscope.dashboard.compress.form.to_recipe import to_recipe
from paretoscope.dashboard.compress.request import Wanted, wanted
from paretoscope.dashboard.compress.style import STYLE
from paretoscope.dashboard.compress.verdicts import verdicts
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.shape import ModelShape

DEFAULT_LAYERS = 12
"""The range of the form when the shape of the model is unknown."""
UNLIKE = "No similar recipe is measured, so these estimates are uncertain."


@st.fragment
def draw(scope: Scope) -> None:
    try:
        shape = model_shape(scope.model)
    except ParetoscopeError as error:
        error_card(error)
        return
    st.html(STYLE)
    decoder = data.architecture(scope.model) == "decoder"
    layers = shape.layers if shape else DEFAULT_LAYERS
    begin(layers, decoder=decoder)
    goal.draw(scope, shape, decoder=decoder)
    left, right = st.columns([9, 10], gap="medium")
    with left:
        state = form.draw(layers, partial(verdicts, scope, shape), decoder=decoder)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="more"):
            form.more(decoder=decoder)
            protocol, conditions = actions.measurement(scope, decoder=decoder)
            rest = st.container(horizontal=True, gap="xsmall", width="content")
    recipe = _recipe(state)
    whole = isinstance(recipe, Recipe)
    found = wanted(scope, recipe, protocol, conditions) if whole else Wanted(None, None, recipe)
    with rest:
        actions.more(found, state)
    with right:
        if whole:
            write(recipe)
            goal.why(recipe)
            _recipe_panel(scope, shape, found, recipe)
        else:
            actions.draw(scope, found)


def _recipe(state: State) -> Recipe | str:
    """The recipe of the form, or why there is none."""
    try:
        return to_recipe(state)
    except ParetoscopeError as error:
        return str(error)


def _recipe_panel(scope: Scope, shape: ModelShape | None, found: Wanted, recipe: Recipe) -> None:
    known = figures(scope, shape, recipe)
    headline.draw(scope, known)
    actions.draw(scope, found)
    running.draw(scope, found)
    if known.measured:
        result.actions(scope, found, known.measured)
    running.finished(scope, found)
    plot.draw(scope, known)
    actions.where(scope)
    if known.measured:
        result.notes(scope, known.measured)
    elif known.numbers and known.numbers.unlike:
        st.caption(f":material/warning: {UNLIKE}")
    stage_costs.draw(scope, shape, recipe)
    if found.request:
        runs.notes(catalog.notes(found.request))
