"""The button that measures the baseline and a few quick recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError, RecipeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_names
from paretoscope.recipes.stages.reference import LABELS
from paretoscope.shape.compatibility import check_fit
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.format import listed

Content = tuple[dict[str, object], ...]
FIRST_RECIPES: Content = (
    {"stages": []},
    {"stages": [{"kind": "quantize"}]},
    {"stages": [{"kind": "quantize", "scheme": "int8-static"}]},
    {"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}]},
    {"stages": [{"kind": "prune-structure", "target": "ffn", "ratio": 0.25}, {"kind": "quantize"}]},
    *({"stages": [{"kind": "reference", "features": features}]} for features in LABELS),
)
"""The baseline, four recipes without training and the reference points, for a classifier."""
FIRST_DECODER_RECIPES: Content = (
    {"stages": []},
    *(
        {"stages": [{"kind": "quantize", "scheme": "weight-only", **bits}]}
        for bits in ({"bits": 8}, {"bits": 4, "zero_point": "real"})
    ),
)
"""Likewise for a language model, where each takes minutes."""
MINUTES, DECODER_MINUTES = 3, 10
KEY = "measure_here"


def measure_button(
    scope: Scope,
    *,
    label: str = "Measure here",
    primary: bool = False,
    width: Literal["content", "stretch"] = "content",
) -> None:
    """Queue the first recipes on a click."""
    decoder = data.architecture(scope.model) == "decoder"
    recipes = _recipes(scope.model, decoder=decoder)
    if permissions.button(
        f"{label} (about {DECODER_MINUTES if decoder else MINUTES} min)",
        icon=":material/timer:",
        help=f"Makes and measures {listed(short_names(recipes))}.",
        key=KEY,
        type="primary" if primary else "secondary",
        width=width,
    ):
        _queue(scope, recipes)


def in_full(scope: Scope) -> str:
    """The label of the button that says what is measured."""
    decoder = data.architecture(scope.model) == "decoder"
    return f"Measure the baseline and {len(_recipes(scope.model, decoder=decoder)) - 1} recipes"


@st.cache_resource(show_spinner=False, ttl=300, max_entries=32)
def _recipes(model: str, *, decoder: bool) -> list[Recipe]:
    """The first recipes that apply to the model; the baseline always does."""
    content = FIRST_DECODER_RECIPES if decoder else FIRST_RECIPES
    return [recipe for each in content if _applies(model, recipe := parse_recipe(each))]


def _applies(model: str, recipe: Recipe) -> bool:
    try:
        check_fit(resolve_model(model), recipe)
    except RecipeError:
        return False
    except ParetoscopeError:
        return True  # queueing it says what is wrong with the model
    return True


def _queue(scope: Scope, recipes: Sequence[Recipe]) -> None:
    conditions = default_conditions(scope.model)
    try:
        with st.spinner("Adding to the queue"):
            data.queue(
                [
                    request(
                        scope.model,
                        recipe,
                        task=scope.task,
                        conditions=conditions,
                        options=scope.options.model_copy(update={"unlabelled": None}),
                    )
                    for recipe in recipes
                ]
            )
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()
