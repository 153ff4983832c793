"""The first line of a page that is about measured models, and what stands there while there are
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from paretoscope.catalog import request
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Place, Scope, default_conditions, go, other_side
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import machine_in_words, short, when

FIRST_LOOK: tuple[dict[str, object], ...] = (
    {"stages": []},
    {"stages": [{"kind": "quantize"}]},
    {"stages": [{"kind": "quantize", "scheme": "int8-static"}]},
    {"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}]},
    {"stages": [{"kind": "prune-structure", "target": "ffn", "ratio": 0.25}, {"kind": "quantize"}]},
)
"""The baseline and four recipes without training: what a machine can say of a classifier within
minutes.
"""
FIRST_LOOK_OF_DECODERS: tuple[dict[str, object], ...] = (
    {"stages": []},
    *(
        {"stages": [{"kind": "quantize", "scheme": "weight-only", **bits}]}
        for bits in ({"bits": 8}, {"bits": 4, "zero_point": "real"})
    ),
)
"""Of a language model, each of which takes some minutes."""


def header(scope: Scope, table: Sequence[Row]) -> DeltaGenerator:
    """What is on the screen, in a line; returns the place for `link`, which is known only when the
    page has been drawn.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(f"## {short(scope.model)} on {short(scope.task)}", width="content")
        with st.popover("Copy link", icon=":material/link:", type="tertiary"):
            share = st.container()
    if table and not scope.demo:
        st.caption(
            f"{_models(len(table))} measured on {scope.where} · {scope.conditions.in_words()}"
        )
    whose_points(scope)
    return share


def whose_points(scope: Scope) -> None:
    """A line when the points on the screen are the shipped ones, or few beside those; with the way
    to the others.
    """
    table = scope.rows()
    if scope.demo and table:
        _from_elsewhere(scope, table)
    elif there := other_side(scope):
        _few_here(scope, table, there)


def link(share: DeltaGenerator, scope: Scope) -> None:
    """The address that restores the view, with the scope spelt out: what is default here may not be
    elsewhere.
    """
    at = scope.conditions
    place = f"demo-{scope.machine.id}" if scope.demo else scope.machine.id
    spelt = {
        "model": scope.model,
        "task": scope.task,
        "machine": place,
        "at": f"{at.batch}-{at.sequence}-{at.threads}",
    }
    chosen = {key: st.query_params.get_all(key) for key in st.query_params}
    with share:
        st.caption("This link opens the same models, axes, limits and picks.")
        st.code(
            f"{st.context.url or ''}?{urlencode({**spelt, **chosen}, doseq=True)}",
            language=None,
            wrap_lines=True,
        )


def _from_elsewhere(scope: Scope, table: Sequence[Row]) -> None:
    """Shipped points say whose they are, and how to get one's own."""
    newest = max(
        table,
        key=lambda row: row.document.measured_at.isoformat() if row.document.measured_at else "",
    )
    waiting = [row for row in data.live_trials() if row.request.model == scope.model]
    text, way = st.columns([5, 2], vertical_alignment="center")
    text.caption(
        f":material/info: A demo study of {_models(len(table))} from **{scope.elsewhere}**:"
        f" {machine_in_words(newest.document)}, {when(newest.document)} ·"
        f" {scope.conditions.in_words()}. What is measured here gets axes of its own."
    )
    own = other_side(scope)
    with way:
        if own:
            label = f"Back to this machine ({_models(own.count)})"
            st.button(
                label,
                icon=":material/undo:",
                on_click=go,
                args=(own.id,),
                width="stretch",
                key="other_side",
            )
        if waiting:
            st.page_link(
                "pages/jobs.py",
                label=f"Measuring here: {len(waiting)} to go",
                icon=":material/autorenew:",
            )
        elif not own:
            measure_here(scope, width="stretch")


def _few_here(scope: Scope, table: Sequence[Row], there: Place) -> None:
    """The shipped points are one click away, not gone."""
    text, way = st.columns([5, 2], vertical_alignment="center")
    so_far = (
        f"{_models(len(table))} of this machine so far" if table else "None of this machine so far"
    )
    text.caption(
        f":material/info: {so_far}. The demo study has {there.count}:"
        f" {there.in_words().removeprefix('Demo: ')}."
    )
    with way:
        st.button(
            "Show the demo study",
            icon=":material/scatter_plot:",
            on_click=go,
            args=(there.id,),
            width="stretch",
            key="other_side",
        )


def _models(count: int) -> str:
    return f"{count} model{'' if count == 1 else 's'}"


def nothing_measured(scope: Scope) -> None:
    """No point at all: the one button that changes that."""
    with st.container(border=True):
        waiting = [row for row in data.live_trials() if row.request.model == scope.model]
        if waiting:
            st.markdown(f"### The first of {len(waiting)} models is on its way")
            st.page_link("pages/jobs.py", label="Watch it in Jobs", icon=":material/autorenew:")
            return
        st.markdown(
            f"### Nothing of {short(scope.model)} on {short(scope.task)} has been measured here yet"
        )
        st.markdown("Start with the baseline and a few quick recipes, or make one of your own.")
        with st.container(horizontal=True):
            measure_here(scope)
            st.page_link("pages/compress.py", label="Make a recipe", icon=":material/compress:")


def measure_here(scope: Scope, *, width: Literal["content", "stretch"] = "content") -> None:
    """The button that queues a first look, and the card when that cannot be."""
    decoder = data.architecture(scope.model) == "decoder"
    minutes = 10 if decoder else 3
    recipes: list[Recipe] = [
        parse_recipe(content) for content in (FIRST_LOOK_OF_DECODERS if decoder else FIRST_LOOK)
    ]
    makes = f"Makes and measures {', '.join(recipe.in_words() for recipe in recipes)}."
    if not st.button(
        f"Measure it here (about {minutes} min)",
        icon=":material/timer:",
        help=makes,
        key="measure_here",
        width=width,
    ):
        return
    try:
        with st.spinner("Queueing"):
            data.queue(
                [
                    request(
                        scope.model,
                        recipe,
                        task=scope.task,
                        conditions=default_conditions(scope.model),
                    )
                    for recipe in recipes
                ]
            )
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()
