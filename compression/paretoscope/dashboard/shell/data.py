"""The data of the pages: store, machine, shipped study, built-in models and tasks, each cached.

Measured data is keyed by `store.version()`, so a rerun costs one small query until something
changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import streamlit as st

from paretoscope import catalog
from paretoscope import library as own
from paretoscope.dashboard.shell import permissions
from paretoscope.dashboard.shell.page_store import PageStore
from paretoscope.engine.client import ensure_engine
from paretoscope.errors import ParetoscopeError
from paretoscope.families.family import ArchitectureName
from paretoscope.machine import Machine, fingerprint
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import TrialRow
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.splits import Split
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.samples import BASELINE_SUFFIX, Samples, read_samples
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import LIVE, TrialDocument
from paretoscope.workspace import Workspace


@st.cache_resource(show_spinner=False)
def _open(root: str) -> PageStore:
    return PageStore.open(Workspace.at(root))


def workspace() -> Workspace:
    return Workspace.at()


def store() -> PageStore:
    return _open(str(workspace().root))


def version() -> int:
    return store().version()


@st.cache_resource(show_spinner=False, max_entries=4)
def _documents(root: str, version: int) -> tuple[TrialDocument, ...]:
    """Cached as a resource: documents are frozen, so sessions may share them without copies."""
    return tuple(_open(root).documents())


def documents() -> tuple[TrialDocument, ...]:
    """Every trial measured in this workspace, oldest first."""
    return _documents(str(workspace().root), version())


@st.cache_resource(show_spinner=False, max_entries=4)
def _all_trials(root: str, version: int) -> tuple[TrialRow, ...]:
    return tuple(_open(root).trials())


def trials() -> tuple[TrialRow, ...]:
    """Every trial of this workspace, in the order of execution."""
    return _all_trials(str(workspace().root), version())


def live_trials() -> list[TrialRow]:
    return [row for row in trials() if row.status in LIVE]


@st.cache_resource(show_spinner=False)
def demo_documents() -> tuple[TrialDocument, ...]:
    """The shipped study; empty when its file cannot be read, so that the page opens."""
    try:
        return tuple(shipped_study())
    except ParetoscopeError:
        return ()


def library() -> tuple[own.Entry, ...]:
    """Models and data files that were added to the workspace; empty when the list is damaged."""
    try:
        return own.entries(workspace())
    except ParetoscopeError:
        return ()


def this_machine() -> Machine:
    return fingerprint()


@st.cache_resource(show_spinner=False, ttl=300)
def builtin_models() -> tuple[ModelRef, ...]:
    return tuple(catalog.models())


@st.cache_resource(show_spinner=False, ttl=300)
def builtin_tasks() -> tuple[TaskRef, ...]:
    return tuple(catalog.tasks())


@st.cache_resource(show_spinner=False, ttl=60, max_entries=32)
def architecture(model: str) -> ArchitectureName:
    """The kind of model; a missing one counts as a classifier, and its first use reports it."""
    try:
        return resolve_model(model).architecture
    except ParetoscopeError:
        return "classifier"


@st.cache_resource(show_spinner=False, max_entries=24)
def _samples(root: str, trial_id: str, version: int) -> Samples | None:
    return read_samples(Workspace.at(root), trial_id)


def samples(trial_id: str) -> Samples | None:
    """Predictions and raw latencies of a trial in this workspace; raises `StoreError`."""
    return _samples(str(workspace().root), trial_id, version())


@st.cache_resource(show_spinner=False, max_entries=8)
def _examples(root: str, trial_id: str, version: int) -> Split:
    row = _open(root).trial(trial_id)
    model, task = catalog.resolve_request(row.request)
    return load_task(task, model.outputs).splits["validation"]


def examples(trial_id: str) -> Split:
    """The validation split of a trial in this workspace; raises `ParetoscopeError`."""
    return _examples(str(workspace().root), trial_id.removesuffix(BASELINE_SUFFIX), version())


def measuring() -> bool:
    """Whether a latency is being measured now, which other computations would disturb."""
    return any(row.progress and row.progress.stage == "latency" for row in live_trials())


def queue(requests: Sequence[TrialRequest], priority: int = 0) -> list[TrialRow]:
    """Queue trials and start the engine when it is not running; raises `ParetoscopeError`.

    A user's model is checked before its first trial. A read-only dashboard queues nothing.
    """
    permissions.require()
    for model in {request.model for request in requests}:
        check_model(model)
    rows = [store().queue(request, priority) for request in requests]
    start_engine()
    return rows


def check_model(model: str) -> None:
    """Check a user's model, with a spinner while it takes seconds; raises `ModelError`."""
    permissions.require()
    with contextlib.ExitStack() as stack:
        catalog.check(
            model, workspace(), lambda: stack.enter_context(st.spinner("Checking the model"))
        )


def start_engine() -> None:
    """Start the engine, unless it runs; raises `ParetoscopeError` in a read-only dashboard."""
    permissions.require()
    ensure_engine(workspace(), stays=True)
