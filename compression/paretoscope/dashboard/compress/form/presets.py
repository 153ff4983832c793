"""Presets that fill the recipe form: shipped recipes and the last one of the model."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from paretoscope.dashboard.compress.form.from_recipe import from_recipe
from paretoscope.dashboard.compress.form.widgets import put
from paretoscope.dashboard.shell import data
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.workspace import SHIPPED

PRESETS = {
    "gentle": "int8-embedding-4.yaml",
    "balanced": "student-ffn-int8.yaml",
    "tiny": "tiny.yaml",
}
DECODER_PRESETS = {
    "gentle": "weight-only-4-real.yaml",
    "balanced": "smollm2-sixth.yaml",
    "tiny": "smollm2-eighth.yaml",
}
"""Shipped recipes of the presets, of a classifier and of a language model."""
LAST = "last recipe"
ERROR = "preset_error"


def draw(model: str, *, decoder: bool) -> None:
    shipped = DECODER_PRESETS if decoder else PRESETS
    st.pills(
        "Preset",
        [*shipped, *([LAST] if _last(model) else [])],
        format_func=str.capitalize,
        key="preset",
        on_change=_chosen,
        args=(model, shipped),
        label_visibility="collapsed",
    )
    if ERROR in st.session_state:
        st.warning(st.session_state.pop(ERROR), icon=":material/info:")


def _chosen(model: str, shipped: Mapping[str, str]) -> None:
    """Callback: fill the form and deselect the preset."""
    name = st.session_state.get("preset")
    st.session_state["preset"] = None
    if not name:
        return
    try:
        recipe = _last(model) if name == LAST else load_recipe(SHIPPED / "recipes" / shipped[name])
        if recipe is not None:
            fill(recipe)
    except ParetoscopeError as error:
        st.session_state[ERROR] = str(error)


def fill(recipe: Recipe) -> None:
    """Set the form to a recipe; raises `RecipeError` when it has no control for a part of it.

    Only in a callback or before the form is drawn.
    """
    for name, value in from_recipe(recipe).items():
        put(name, value)


def _last(model: str) -> Recipe | None:
    """The recipe that was queued last for this model, other than the baseline."""
    last = data.last_request(model, compressed=True)
    return last.recipe if last else None
