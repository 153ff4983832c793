"""The button that measures the baseline and a few quick recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_names
from paretoscope.trials.format import listed

Content = tuple[dict[str, object], ...]
FIRST_RECIPES: Content = (
    {"stages": []},
    {"stages": [{"kind": "quantize"}]},
    {"stages": [{"kind": "quantize", "scheme": "int8-static"}]},
    {"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}]},
    {"stages": [{"kind": "prune-structure", "target": "ffn", "ratio": 0.25}, {"kind": "quantize"}]},
)
"""The baseline and four recipes without training, for a classifier."""
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


def measure_button(scope: Scope, *, width: Literal["content", "stretch"] = "content") -> None:
    """Queue the first recipes on a click."""
    decoder = data.architecture(scope.model) == "decoder"
    content = FIRST_DECODER_RECIPES if decoder else FIRST_RECIPES
    recipes: list[Recipe] = [parse_recipe(each) for each in content]
    if permissions.button(
        f"Measure here (about {DECODER_MINUTES if decoder else MINUTES} min)",
        icon=":material/timer:",
        help=f"Makes and measures {listed(short_names(recipes))}.",
        key=KEY,
        width=width,
    ):
        _queue(scope, recipes)


def _queue(scope: Scope, recipes: Sequence[Recipe]) -> None:
    conditions = default_conditions(scope.model)
    try:
        with st.spinner("Adding to the queue"):
            data.queue(
                [
                    request(scope.model, recipe, task=scope.task, conditions=conditions)
                    for recipe in recipes
                ]
            )
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()
