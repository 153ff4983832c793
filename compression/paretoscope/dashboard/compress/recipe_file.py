"""The recipe as YAML: shown, downloaded, and read from a pasted or uploaded file."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form import state as form
from paretoscope.dashboard.parts import glossary
from paretoscope.errors import RecipeError
from paretoscope.recipes.file import recipe_from_text
from paretoscope.recipes.recipe import Recipe

OPEN, TEXT, UPLOAD, LOAD = "yaml_open", "yaml_text", "yaml_upload", "yaml_load"
"""Keys of the popover and of its controls."""
PLACEHOLDER = "stages:\n  - kind: quantize"


def draw(recipe: Recipe | None, *, decoder: bool) -> None:
    """A popover; its content is drawn while it is open."""
    with st.popover(
        "YAML",
        icon=":material/description:",
        type="tertiary",
        help=glossary.sentence("Recipe"),
        key=OPEN,
        on_change="rerun",
    ) as opened:
        if opened.open:
            if recipe is not None:
                _show(recipe)
            _load(decoder=decoder)


def _show(recipe: Recipe) -> None:
    text = recipe.to_yaml()
    st.code(text, language="yaml")
    st.download_button(
        "Download YAML",
        text,
        f"{recipe.id}.yaml",
        "application/yaml",
        on_click="ignore",
        icon=":material/download:",
        key="yaml_download",
    )


def _load(*, decoder: bool) -> None:
    st.text_area("Paste a recipe", key=TEXT, placeholder=PLACEHOLDER, height=110)
    st.file_uploader("Or a recipe file", type=["yaml", "yml", "json"], key=UPLOAD)
    st.button(
        "Show in the form",
        icon=":material/input:",
        key=LOAD,
        on_click=_read,
        kwargs={"decoder": decoder},
        disabled=not (st.session_state.get(TEXT) or st.session_state.get(UPLOAD)),
    )


def _read(*, decoder: bool) -> None:
    """Callback: fill the form; an error is shown above the rows."""
    form.fill(_recipe, decoder=decoder)


def _recipe() -> Recipe:
    """The uploaded recipe, else the pasted one; raises `RecipeError`."""
    file = st.session_state.get(UPLOAD)
    if file is None:
        return recipe_from_text(st.session_state.get(TEXT, ""), "pasted recipe")
    try:
        text = file.getvalue().decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(f'The recipe file "{file.name}" is not UTF-8 text.') from error
    return recipe_from_text(text, f'recipe file "{file.name}"')
