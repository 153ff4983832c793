"""The pickers of the scope in the sidebar: model, task, machine and conditions."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.shell import data, machines, url_widgets
from paretoscope.dashboard.shell.machines import MeasuredOn, measured_on
from paretoscope.dashboard.shell.scope import (
    MODEL_CHANGED,
    Scope,
    conditions_key,
    default_conditions,
)
from paretoscope.errors import ParetoscopeError
from paretoscope.sources.resolve import BUILTIN_MODELS
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.axes import Axes, axes
from paretoscope.trials.format import short
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import TrialDocument

MACHINE_HELP = "Measurements of different machines are never plotted on the same axes."


def pick() -> Scope:
    """Draw the pickers and return their scope. Called once a run, by app.py."""
    everything = (*data.documents(), *data.demo_documents())
    model = url_widgets.option(
        "Model", _models(everything), key="model", format_func=short, on_change=_model_changed
    )
    if about := next((ref.about for ref in data.builtin_models() if ref.name == model), ""):
        st.caption(f"{about}.")
    task = url_widgets.option("Task", _tasks(model, everything), key="task", format_func=short)
    chosen = _pick_machine({each.key: each for each in measured_on(model, task)})
    conditions = _pick_conditions(model, chosen)
    shown = _axes(model, task, chosen)
    return Scope(model, task, chosen.machine, conditions, shown, chosen.demo)


def _axes(model: str, task: str, chosen: MeasuredOn) -> Axes:
    """The axes of the measurements, else those that model and task will have."""
    if chosen.documents:
        return chosen.documents[-1].axes
    try:
        architecture = data.architecture(model)
        metric = resolve_task(task, architecture=architecture).metric
        return axes(metric, generates=architecture == "decoder")
    except ParetoscopeError:
        return axes()


def _model_changed() -> None:
    """Callback: another model starts with its own task and form."""
    st.session_state.pop("task", None)
    if "task" in st.query_params:
        del st.query_params["task"]
    st.session_state[MODEL_CHANGED] = True


def _models(documents: tuple[TrialDocument, ...]) -> list[str]:
    """Built-in models, then those that were measured, queued, entered or linked."""
    entered: list[str] = st.session_state.get("own_models", [])
    names = [
        *(ref.name for ref in data.builtin_models()),
        *(document.model for document in documents),
        *(row.request.model for row in data.live_trials()),
        *entered,
        *st.query_params.get_all("model")[:1],
    ]
    return list(dict.fromkeys(names)) or list(BUILTIN_MODELS)


def _tasks(model: str, documents: tuple[TrialDocument, ...]) -> list[str]:
    """The model's own task, then those that were measured, entered, built in or linked."""
    architecture = data.architecture(model)
    entered: list[str] = st.session_state.get("own_tasks", [])
    names = [
        *(ref.task for ref in data.builtin_models() if ref.name == model and ref.task),
        *(document.task for document in documents if document.model == model),
        *entered,
        *(row.request.task for row in data.live_trials() if row.request.model == model),
        *(ref.name for ref in data.builtin_tasks() if ref.architecture == architecture),
        *st.query_params.get_all("task")[:1],
    ]
    return list(dict.fromkeys(names))


def _pick_machine(found: dict[str, MeasuredOn]) -> MeasuredOn:
    """This machine once it has measurements, until a person chooses another."""
    first = next((each.key for each in found.values() if each.documents), next(iter(found)))
    if not st.session_state.get(machines.CHOSEN) and "machine" not in st.query_params:
        st.session_state["machine"] = first

    def title(key: str) -> str:
        return found[key].in_words()

    key = url_widgets.option(
        "Measured on",
        list(found),
        key="machine",
        default=first,
        format_func=title,
        on_change=machines.chosen,
        help=MACHINE_HELP,
    )
    return found[key]


def _pick_conditions(model: str, chosen: MeasuredOn) -> Conditions:
    """The most frequent conditions first."""
    measured = [at for document in chosen.documents if (at := document.measured_under[1])]
    found = {conditions_key(at): at for at in (default_conditions(model), *measured)}
    options = sorted(found, key=lambda key: (-measured.count(found[key]), key))

    def title(key: str) -> str:
        return found[key].in_words()

    return found[url_widgets.option("Conditions", options, key="at", format_func=title)]
