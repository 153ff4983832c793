"""The data of the pages: store, machine, shipped study, built-in models and tasks, each cached.

Measured data is keyed by `store.version()`, so a rerun costs one small query until something
changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

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
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Split
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.samples import BASELINE_SUFFIX, Samples, read_samples
from paretoscope.trials.study import shipped_study
from paretoscope.trials.study_samples import shipped_samples
from paretoscope.trials.trial import LIVE, Status, TrialDocument
from paretoscope.workspace import Workspace

NEWEST = 250
"""Finished trials from which durations and effects of others are estimated."""


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
def _live(root: str, version: int) -> tuple[TrialRow, ...]:
    return tuple(_open(root).trials(statuses=LIVE))


def live_trials() -> list[TrialRow]:
    """Running and queued trials, in the order of execution."""
    return list(_live(str(workspace().root), version()))


@st.cache_resource(show_spinner=False, max_entries=16)
def _trials(root: str, ids: tuple[str, ...], version: int) -> tuple[TrialRow, ...]:
    return tuple(_open(root).trials(ids=ids)) if ids else ()


def trials(ids: Sequence[str]) -> tuple[TrialRow, ...]:
    """Those of the trials that exist, in the order of execution."""
    return _trials(str(workspace().root), tuple(ids), version())


@st.cache_resource(show_spinner=False, max_entries=4)
def _statuses(root: str, version: int) -> dict[Status, int]:
    return _open(root).statuses()


def statuses() -> dict[Status, int]:
    """The number of trials by status."""
    return _statuses(str(workspace().root), version())


@st.cache_resource(show_spinner=False, max_entries=32)
def _last_request(
    root: str, model: str | None, task: str | None, compressed: bool, version: int
) -> TrialRequest | None:
    return _open(root).last_request(model, task, compressed=compressed)


def last_request(
    model: str | None = None, task: str | None = None, *, compressed: bool = False
) -> TrialRequest | None:
    """The request that was queued last; `compressed` passes over baselines."""
    return _last_request(str(workspace().root), model, task, compressed, version())


@st.cache_resource(show_spinner=False, max_entries=4)
def _finished_since(root: str, since: datetime, version: int) -> int:
    return _open(root).finished_since(since)


def finished_since(since: datetime) -> int:
    """Number of trials that were measured after a time."""
    return _finished_since(str(workspace().root), since, version())


@st.cache_resource(show_spinner=False, max_entries=4)
def _ended(root: str, statuses: tuple[Status, ...], newest: int, version: int) -> list[TrialRow]:
    return _open(root).ended(*statuses, newest=newest)


def ended(*statuses: Status, newest: int) -> list[TrialRow]:
    """The `newest` trials that ended with one of these statuses, the last one first."""
    return _ended(str(workspace().root), statuses, newest, version())


@st.cache_resource(show_spinner=False, max_entries=16)
def _newest(
    root: str, last: int, model: str | None, machine_id: str | None
) -> tuple[TrialDocument, ...]:
    found = _open(root).newest_documents(NEWEST, model=model, machine_id=machine_id)
    return tuple(found)


def newest_documents(
    *, model: str | None = None, machine_id: str | None = None
) -> tuple[TrialDocument, ...]:
    """The last finished trials of a model or a machine, the oldest of them first."""
    root = str(workspace().root)
    return _newest(root, store().last_summary(), model, machine_id)


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


def samples(document: TrialDocument, *, demo: bool = False) -> Samples | None:
    """Predictions and raw latencies of a trial in this workspace, or of the shipped study.

    The two may have the same id. None where they were not kept; raises `StoreError`.
    """
    if demo:
        return shipped_samples(document.model, document.trial_id)
    return _samples(str(workspace().root), document.trial_id, version())


@st.cache_resource(show_spinner=False, max_entries=8)
def _examples(root: str, trial_id: str, version: int) -> Split:
    row = _open(root).trial(trial_id)
    model, task = catalog.resolve_request(row.request)
    return load_task(task, model.outputs).splits["validation"]


@st.cache_resource(show_spinner=False, max_entries=4)
def _demo_examples(model: str, task: str) -> Split:
    ref = resolve_model(model)
    data = resolve_task(task, architecture=ref.architecture)
    return load_task(data, ref.outputs).splits["validation"]


def examples(document: TrialDocument, *, demo: bool = False) -> Split:
    """The validation split of a trial; raises `ParetoscopeError`.

    The texts of the shipped study come from the package that contains its task.
    """
    if demo:
        return _demo_examples(document.model, document.task)
    trial_id = document.trial_id.removesuffix(BASELINE_SUFFIX)
    return _examples(str(workspace().root), trial_id, version())


def measuring() -> bool:
    """Whether a latency is being measured now, which other computations would disturb."""
    return any(row.progress and row.progress.stage == "latency" for row in live_trials())


def queue(
    requests: Sequence[TrialRequest], priority: int = 0, *, again: bool = False
) -> list[TrialRow]:
    """Queue trials and start the engine when it is not running; raises `ParetoscopeError`.

    A user's model is checked before its first trial. With `again` finished trials are repeated. A
    read-only dashboard queues nothing.
    """
    permissions.require()
    for model in {request.model for request in requests}:
        check_model(model)
    rows = [store().queue(request, priority, again=again) for request in requests]
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
    """Start the engine unless it runs; raises `ParetoscopeError`, also if this is read-only."""
    permissions.require()
    ensure_engine(workspace(), stays=True)
