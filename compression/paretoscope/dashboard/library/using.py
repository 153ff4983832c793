"""Use what was brought: add it to the library and make it the scope of all pages."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.library import brought
from paretoscope.dashboard.library.wording import without_folder
from paretoscope.dashboard.shell import data, permissions, scope_choice
from paretoscope.errors import ParetoscopeError
from paretoscope.library import Entry, add
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.tasks.splits import SPLITS
from paretoscope.trials.request import TrialRequest

BUTTON = "bring_use"
LABEL = "Use this model and data"


def button(model: str, task: str | None, options: DataOptions | None, why_not: str) -> None:
    """The primary button; it is disabled, with the reason, until model and data can be used."""
    permissions.button(
        LABEL,
        key=BUTTON,
        type="primary",
        icon=":material/check:",
        why_not=why_not,
        act=lambda: use(model, task or "", options or DEFAULT_OPTIONS),
    )
    if why_not:
        st.caption(f":material/info: {why_not}")


def use(model: str, task: str, options: DataOptions) -> None:
    """Callback: check both together and make them the scope; an error changes nothing."""
    try:
        permissions.require()
        request = catalog.request(model, Recipe(), task=task, options=options)
        catalog.check(request.model, data.workspace())
        _add(request, options)
    except ParetoscopeError as error:
        brought.report_error("use", without_folder(str(error)))
        return
    brought.clear()
    st.session_state[brought.USED] = (request.model, request.task)
    scope_choice.select(request.model, request.task)


def _add(request: TrialRequest, options: DataOptions) -> None:
    """List what is not built in; unlabelled texts of a built-in task are listed under its name."""
    now, model, task = datetime.now(UTC), request.model, request.task
    if model not in BUILTIN_MODELS and model not in BUILTIN_DECODERS:
        add(data.workspace(), Entry(kind="model", name=model, added_at=now))
    if task not in BUILTIN_TASKS or options.unlabelled:
        ref, read = catalog.resolve_request(request)
        found = load_task(read, ref.outputs)
        entry = Entry(
            kind="data",
            name=task,
            model=model,
            options=options,
            texts=sum(len(found.splits[split]) for split in SPLITS),
            labels=found.labels,
            added_at=now,
        )
        add(data.workspace(), entry)
