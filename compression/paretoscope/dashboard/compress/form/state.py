"""The values of the form in the session, and the recipe in the address.

The address always holds the recipe as JSON without defaults, so that a link shows the same form.
It is checked like a file when it is read.
"""

from __future__ import annotations

import json
from typing import Any, cast

import streamlit as st

from paretoscope.dashboard.compress.form.from_recipe import for_decoder, from_recipe
from paretoscope.dashboard.compress.form.slots import DEFAULTS, State, ordered, starts
from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.scope import MODEL_CHANGED
from paretoscope.errors import ParetoscopeError, RecipeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe

PREFIX = "form_"
RECIPE = "recipe"
"""Query parameter, and session state once the form has the recipe of the address."""
LONGEST = 4000
"""Characters of a recipe in an address; browsers and proxies refuse much longer ones."""
ERROR = "form_error"
"""Session state: why a recipe could not be shown, until the next one is."""


def key(name: str) -> dict[str, Any]:
    """Key and lifetime of a widget; values survive when another page is opened."""
    return {"key": PREFIX + name, "persist_state": "session"}


def value(name: str) -> Any:
    """The current value of a control."""
    return st.session_state[PREFIX + name]


def put(name: str, new: Any) -> None:
    """Set a control; only in a callback or before it is drawn."""
    st.session_state[PREFIX + name] = new


def begin(layers: int, *, decoder: bool) -> None:
    """Give every control a value that a model with this many layers supports."""
    changed = st.session_state.pop(MODEL_CHANGED, False)
    other_kind = st.session_state.get(f"{PREFIX}decoder", decoder) != decoder
    if f"{PREFIX}order" not in st.session_state or (changed and other_kind):
        _put_all(
            starts(decoder=decoder) | {"student_layers": usual_layers(layers, decoder=decoder)}
        )
    if RECIPE not in st.session_state and RECIPE in st.query_params:
        fill(linked, decoder=decoder)
    st.session_state[RECIPE] = True
    if value("student_layers") > layers:
        put("student_layers", usual_layers(layers, decoder=decoder))
    if decoder:
        _put_all(for_decoder(current()))
    elif other_kind:
        put("decoder", False)


def usual_layers(layers: int, *, decoder: bool) -> int:
    """Layers of a student to start with: half, and two thirds of a language model's.

    >>> usual_layers(6, decoder=False), usual_layers(30, decoder=True)
    (3, 20)
    """
    return max(1, layers * 2 // 3 if decoder else layers // 2)


def linked() -> Recipe:
    """The recipe in the address; raises `RecipeError`."""
    text = st.query_params[RECIPE]
    if len(text) > LONGEST:
        raise RecipeError(f"The recipe in the link has more than {LONGEST:,} characters.")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise RecipeError("The recipe in the link is not valid JSON.") from error
    return parse_recipe(content, where="In the recipe of the link")


def fill(recipe: Any, *, decoder: bool) -> None:
    """Show a recipe, or a function that reads one, in the form; an error is shown with it.

    Only in a callback or before the form is drawn.
    """
    st.session_state.pop(ERROR, None)
    try:
        found = cast(Recipe, recipe() if callable(recipe) else recipe)
        _put_all(from_recipe(found, decoder=decoder))
    except ParetoscopeError as error:
        st.session_state[ERROR] = str(error)


def current() -> State:
    """All values of the form."""
    return {name: st.session_state.get(PREFIX + name, start) for name, start in DEFAULTS.items()}


def move(name: str, by: int, shown: list[str]) -> None:
    """Callback: move a slot among the stages of the recipe `shown`."""
    place = shown.index(name) + by
    if 0 <= place < len(shown):
        shown = [each for each in shown if each != name]
        shown.insert(place, name)
        put("order", ordered(shown))


def write(recipe: Recipe) -> None:
    """Keep the recipe in the address."""
    url_widgets.write(RECIPE, compact(recipe))


def compact(recipe: Recipe) -> str:
    """The recipe as JSON for an address.

    >>> compact(Recipe())
    '{"stages":[]}'
    """
    content = json.loads(recipe.canonical_json())
    kept = {name: part for name, part in content.items() if (name, part) not in UNSAID}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


UNSAID = (("version", 1), ("seed", 0))
"""Fields with their defaults, which an address leaves out."""


def _put_all(state: State) -> None:
    for name, new in state.items():
        put(name, new)
