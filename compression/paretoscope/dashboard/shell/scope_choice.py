"""The scope of this run: from the session, else from the address, else from what was measured.

No widget is drawn here; the pickers in `shell/header.py` write the session values under the same
names. The address always holds the whole scope, so that a link shows the same view later and
elsewhere. A link only selects among what the workspace and the catalogue have: a model or a task
that they do not have is named in `missing`, and is neither fetched nor read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import streamlit as st
from pydantic import ValidationError

from paretoscope.dashboard.shell import data, measured, url_widgets
from paretoscope.dashboard.shell.machines import MeasuredOn, measured_on
from paretoscope.dashboard.shell.scope import (
    MODEL_CHANGED,
    Scope,
    conditions_key,
    default_conditions,
)
from paretoscope.errors import ParetoscopeError
from paretoscope.sources.resolve import BUILTIN_MODELS
from paretoscope.store.store import MeasuredScope
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.axes import Axes, axes
from paretoscope.trials.request import DATA_FIELDS, Conditions

MISSING = "link_missing"
"""Session state: what the link of this visit names and the workspace does not have."""
OPTIONS = "data"
"""Query parameter with the options of a data file, as JSON without defaults."""


def resolve() -> Scope:
    """The scope of this run; its keys are written to session and address."""
    models = model_names()
    model = _choose("model", models)
    tasks = task_names(model)
    task = _choose("task", tasks)
    found = {each.key: each for each in measured_on(model, task)}
    chosen = found[_choose("machine", list(found), default=_first_machine(found))]
    at = conditions(model, chosen)
    key = _choose("at", list(at))
    options = _options(model, task)
    return Scope(
        model, task, chosen.machine, at[key], _axes(model, task, chosen), chosen.demo, options
    )


def _choose(key: str, options: Sequence[str], default: str | None = None) -> str:
    """The session's value, else the address's, else the default; written to both."""
    first = options[0] if default is None else default
    linked = st.query_params.get(key)
    if key not in st.session_state and linked is not None and linked not in options:
        st.session_state.setdefault(MISSING, {})[key] = linked
    value = st.session_state.get(key, linked)
    value = value if value in options else first
    st.session_state[key] = value
    if st.query_params.get_all(key) != [value]:
        st.query_params[key] = value
    return value


def model_names() -> list[str]:
    """Built-in models, then those of the library, and those that were measured or queued."""
    names = [
        *(ref.name for ref in data.builtin_models()),
        *(entry.name for entry in data.library() if entry.kind == "model"),
        *(each.example.model for each in _measured()),
        *(row.request.model for row in data.live_trials()),
    ]
    return list(dict.fromkeys(names)) or list(BUILTIN_MODELS)


def task_names(model: str) -> list[str]:
    """The model's own task, then those measured, added or built in."""
    architecture = data.architecture(model)
    added = [entry for entry in data.library() if entry.kind == "data"]
    names = [
        *(ref.task for ref in data.builtin_models() if ref.name == model and ref.task),
        *(entry.name for entry in reversed(added) if entry.model == model),
        *(each.example.task for each in _measured() if each.example.model == model),
        *(row.request.task for row in data.live_trials() if row.request.model == model),
        *(entry.name for entry in added if entry.model is None),
        *(ref.name for ref in data.builtin_tasks() if ref.architecture == architecture),
    ]
    return list(dict.fromkeys(names))


def _measured() -> tuple[MeasuredScope, ...]:
    return (*measured.scopes(), *measured.scopes(demo=True))


def model_changed() -> None:
    """Callback of the model picker: another model starts with its own task and form."""
    for key in ("task", "machine", "at"):
        st.session_state.pop(key, None)
        url_widgets.forget(key)
    url_widgets.forget(OPTIONS)
    st.session_state[MODEL_CHANGED] = True


def select(model: str, task: str) -> None:
    """Make a model and a task the scope; called from a callback, before the pickers are drawn."""
    model_changed()
    st.session_state["model"], st.session_state["task"] = model, task


def task_changed() -> None:
    """Callback of the task picker."""
    for key in ("machine", "at"):
        st.session_state.pop(key, None)
        url_widgets.forget(key)
    url_widgets.forget(OPTIONS)


def _first_machine(found: dict[str, MeasuredOn]) -> str:
    """This machine once it has measurements, else the first one that has."""
    return next((each.key for each in found.values() if each.scopes), next(iter(found)))


def conditions(model: str, chosen: MeasuredOn) -> dict[str, Conditions]:
    """By key the measured conditions and the default ones, the most frequent first."""
    counted = [*chosen.under(), (0, default_conditions(model))]
    ordered = sorted(counted, key=lambda each: (-each[0], conditions_key(each[1])))
    return {conditions_key(at): at for _, at in ordered}


def _axes(model: str, task: str, chosen: MeasuredOn) -> Axes:
    """The axes of the measurements, else those that model and task will have."""
    if chosen.scopes:
        return chosen.scopes[-1].example.axes
    try:
        architecture = data.architecture(model)
        metric = resolve_task(task, architecture=architecture).metric
        return axes(metric, generates=architecture == "decoder")
    except ParetoscopeError:
        return axes()


def _options(model: str, task: str) -> DataOptions:
    """How the data file is read: by the address, else as in the library, else as measured last.

    A file of unlabelled texts is that of the library: an address cannot name one.
    """
    added = _added_options(model, task)
    more = {"unlabelled": added.unlabelled if added else None}
    if task in BUILTIN_TASKS:
        url_widgets.forget(OPTIONS)
        return DEFAULT_OPTIONS.model_copy(update=more)
    ways: tuple[Callable[[], DataOptions | None], ...] = (
        lambda: _linked_options(st.query_params.get(OPTIONS)),
        lambda: added,
        lambda: _measured_options(model, task),
    )
    found = next((options for way in ways if (options := way())), DEFAULT_OPTIONS)
    url_widgets.write(OPTIONS, _compact(found))
    return found.model_copy(update=more) if added else found


def _linked_options(text: str | None) -> DataOptions | None:
    """The options in an address; a further file cannot be named there."""
    try:
        found = DataOptions.model_validate(json.loads(text)) if text else None
    except (ValueError, ValidationError):
        return None
    return found.model_copy(update={"unlabelled": None}) if found else None


def _added_options(model: str, task: str) -> DataOptions | None:
    added = [entry for entry in data.library() if entry.kind == "data" and entry.name == task]
    exact = [entry for entry in added if entry.model in (model, None)]
    return exact[-1].options if exact else None


def _measured_options(model: str, task: str) -> DataOptions | None:
    """Those of the newest trial; the order of labels is the model's, so it needs the same model."""
    same = data.last_request(model, task)
    request = same or data.last_request(None, task)
    if request is None:
        return None
    newest = request.model_dump(include=set(DATA_FIELDS))
    return DataOptions.model_validate(newest if same else {**newest, "labels": None})


def _compact(options: DataOptions) -> str:
    """The options that are not the default, as JSON; empty without any."""
    kept = options.model_dump(mode="json", exclude_defaults=True, exclude={"unlabelled"})
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False) if kept else ""
