"""The goal of a compression: how small, and what it may lose; presets with their figures."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from paretoscope.dashboard.compress import candidates, suggestion
from paretoscope.dashboard.compress.candidates import Preset, megabytes
from paretoscope.dashboard.compress.estimates import Identity, figures, identity
from paretoscope.dashboard.compress.form import state as form
from paretoscope.dashboard.shell import data, url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.axes import DROP_POINTS
from paretoscope.trials.metrics import metric

SIZE, LOSS = "goal_mb", "goal_loss"
"""Names in the address, and keys of the widgets."""
TYPED = "goal_mb_typed"
SUGGESTED = "suggested"
"""Session state: id of the suggested recipe, and why."""
LAST = "My last"
UNKNOWN_SIZE = "The size of this model family is not known before it is measured."
NOTHING = "No suggestion for this model; choose the stages yourself."
MOST_LOSS = 10.0


def draw(scope: Scope, shape: ModelShape | None, *, decoder: bool) -> None:
    """Two sliders with the button that suggests a recipe, and the presets."""
    whole = expected_bytes(shape, Recipe()).total_bytes / 1e6 if shape else None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="goal"):
        size = _size(whole)
        loss = _loss(scope)
        st.button(
            "Suggest a recipe",
            icon=":material/auto_awesome:",
            key="suggest",
            disabled=whole is None,
            help=UNKNOWN_SIZE if whole is None else None,
            on_click=_suggest,
            args=(scope, shape, size, loss),
            kwargs={"decoder": decoder},
        )
    _presets(scope, shape, decoder=decoder)
    if error := st.session_state.get(form.ERROR):
        st.warning(error, icon=":material/info:")


def _size(whole: float | None) -> float:
    """The size limit in MB: a slider and a number that can be typed, always equal."""
    most = max(1.0, round(whole or 100.0, 1))
    step = 0.1 if most < 200 else 1.0
    usual = min(most, max(1.0, float(round(most / 9))))
    with st.container(horizontal=True, vertical_alignment="bottom", width=360, gap="small"):
        found = url_widgets.slider(
            "Size at most (MB)",
            (0.1, most),
            key=SIZE,
            step=step,
            default=usual,
            format="%g MB",
            disabled=whole is None,
            width="stretch",
        )
        st.session_state[TYPED] = found
        st.number_input(
            "Size at most, typed (MB)",
            0.1,
            most,
            step=step,
            format="%g",
            key=TYPED,
            disabled=whole is None,
            label_visibility="collapsed",
            width=110,
            on_change=_typed,
        )
    return found


def _typed() -> None:
    """Callback: the slider follows the typed number."""
    st.session_state[SIZE] = st.session_state[TYPED]


def _loss(scope: Scope) -> float:
    relative = metric(scope.axes.quality).relative
    unit = "%% perplexity" if relative else "points"
    return url_widgets.slider(
        "May lose",
        (0.0, MOST_LOSS),
        key=LOSS,
        step=0.1,
        default=DROP_POINTS,
        format=f"%.1f {unit}",
        width=220,
        help="Against the original on the validation split.",
    )


def _suggest(
    scope: Scope, shape: ModelShape | None, size: float, loss: float, *, decoder: bool
) -> None:
    """Callback: fill the form with the best recipe within the limits."""
    found = suggestion.suggest(scope, shape, size * 1e6, loss / 100, decoder=decoder)
    if found is None:
        st.session_state[SUGGESTED] = ("", NOTHING)
        return
    form.fill(found.recipe, decoder=decoder)
    st.session_state[SUGGESTED] = (found.recipe.id, found.why)


def why(recipe: Recipe) -> None:
    """Why the recipe was suggested, while it is the one in the form."""
    suggested, text = st.session_state.get(SUGGESTED, ("", ""))
    if text and suggested in ("", recipe.id):
        st.caption(f":material/auto_awesome: {text}")


def _presets(scope: Scope, shape: ModelShape | None, *, decoder: bool) -> None:
    found = _found(identity(scope), data.version(), lambda: _all(scope, shape, decoder=decoder))
    with st.container(horizontal=True, gap="small", key="presets"):
        for preset in found:
            st.button(
                f"{preset.name} :gray[{preset.figures}]".replace(" :gray[]", ""),
                key=f"preset_{preset.name}",
                help=preset.recipe.in_words(),
                on_click=form.fill,
                args=(preset.recipe,),
                kwargs={"decoder": decoder},
            )


@st.cache_resource(show_spinner=False, max_entries=12)
def _found(of: Identity, version: int, _presets: Callable[[], list[Preset]]) -> list[Preset]:
    del of, version  # the key of the cache
    return _presets()


def _all(scope: Scope, shape: ModelShape | None, *, decoder: bool) -> list[Preset]:
    found = candidates.presets(scope, shape, decoder=decoder)
    if last := data.last_request(scope.model, compressed=True):
        found.append(Preset(LAST, last.recipe, _figures(scope, shape, last.recipe)))
    return found


def _figures(scope: Scope, shape: ModelShape | None, recipe: Recipe) -> str:
    found = figures(scope, shape, recipe)
    if found.measured:
        size = megabytes(found.measured.point.value("size_bytes"))
        return f"{size} {candidates.short_change(found.measured)}"
    if found.size is None:
        return ""
    change = candidates.estimated_change(scope, found)
    return f"{megabytes(found.size.total_bytes)} {f'about {change}' if change else ''}".strip()
