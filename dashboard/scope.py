"""The scope: which model, task, machine and conditions every page is about. It lives in the sidebar and in the URL.

Measurements of two machines are two scopes, so they cannot meet on an axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from compression.catalog import BUILTIN_MODELS
from compression.report.table import Row, plain, rows
from compression.trial import Conditions, Machine, TrialDocument
from dashboard import data, linked


@dataclass(frozen=True)
class Scope:
    """What is looked at. `here` says whether `machine` is the one that this page runs on."""

    model: str
    task: str
    machine: Machine
    conditions: Conditions
    here: bool
    demo: bool
    """Whether the points come from the shipped study."""

    def rows(self) -> list[Row]:
        return _rows(self, data.version())

    @property
    def where(self) -> str:
        vnni = ", VNNI" if any("vnni" in flag for flag in self.machine.flags) else ""
        return f"{'this' if self.here else 'another'} machine ({self.machine.cores} cores{vnni})"


@st.cache_resource(show_spinner=False, max_entries=16)
def _rows(scope: Scope, version: int) -> list[Row]:
    source = data.demo_documents() if scope.demo else data.documents()
    return rows(document for document in source if _in_scope(document, scope))


def _in_scope(document: TrialDocument, scope: Scope) -> bool:
    return (
        (document.model, document.task) == (scope.model, scope.task)
        and document.machine is not None
        and document.machine.id == scope.machine.id
        and _conditions(document) == scope.conditions
    )


def _conditions(document: TrialDocument) -> Conditions:
    at = document.latency
    return Conditions(batch=at.batch, sequence=at.sequence, threads=at.threads) if at else Conditions()


def default_conditions() -> Conditions:
    return Conditions(threads=min(2, data.this_machine().cores))


def pick() -> Scope:
    """Draw the pickers and return what they say. Called once a run, by app.py."""
    everything = (*data.documents(), *data.demo_documents())
    model = linked.option("Model", _models(everything), key="model", format_func=short)
    task = linked.option("Task", _tasks(model, everything), key="task", format_func=short)
    mine = [document for document in everything if (document.model, document.task) == (model, task)]
    machine, demo = _machine(mine)
    conditions = _pick_conditions([document for document in mine if document.machine and document.machine.id == machine.id])
    return Scope(model, task, machine, conditions, here=machine.id == data.this_machine().id, demo=demo)


def current() -> Scope:
    """The scope that app.py picked in this run."""
    return st.session_state["scope"]


def short(name: str) -> str:
    """A path by its last part, a name as it is.

    >>> short("/home/me/models/my-bert"), short("org/model")
    ('my-bert', 'org/model')
    """
    return name.rstrip("/").rsplit("/", 1)[-1] if name.startswith(("/", "~", ".")) else name


def _models(documents: tuple[TrialDocument, ...]) -> list[str]:
    """Built-in models first, then whatever was measured, queued, typed here or named by the link."""
    own = [*(d.model for d in documents), *(row.request.model for row in data.live_trials()), *st.session_state.get("own_models", [])]
    linked = st.query_params.get("model")
    return list(dict.fromkeys([*(ref.name for ref in data.builtin_models()), *own, *([linked] if linked else [])])) or list(BUILTIN_MODELS)


def _tasks(model: str, documents: tuple[TrialDocument, ...]) -> list[str]:
    """The model's own task first."""
    known = [BUILTIN_MODELS[model][0]] if model in BUILTIN_MODELS else []
    measured = [document.task for document in documents if document.model == model]
    typed = [*st.session_state.get("own_tasks", []), *(row.request.task for row in data.live_trials() if row.request.model == model)]
    linked = st.query_params.get("task")
    return list(dict.fromkeys([*known, *measured, *typed, *(ref.name for ref in data.builtin_tasks()), *([linked] if linked else [])]))


def _machine(mine: list[TrialDocument]) -> tuple[Machine, bool]:
    """The machine to look at: this one as soon as it has measured something, until somebody picks another."""
    here = data.this_machine()
    found = {document.machine.id: document.machine for document in reversed(mine) if document.machine}
    options = [here.id, *(id for id in found if id != here.id)]
    labels = {here.id: f"This machine, {here.cores} cores", **{id: _named(found[id], mine) for id in options[1:]}}
    preferred = here.id if here.id in found or len(options) == 1 else options[1]
    if not st.session_state.get("machine_chosen") and "machine" not in st.query_params:
        st.session_state["machine"] = preferred
    id = linked.option(
        "Measured on",
        options,
        key="machine",
        default=preferred,
        format_func=lambda id: labels.get(id, id),
        on_change=_machine_was_chosen,
        help="Measurements of different machines are never drawn on the same axes.",
    )
    machine = here if id == here.id else found[id]
    return machine, bool(mine) and id != here.id and id in {d.machine.id for d in data.demo_documents() if d.machine}


def _machine_was_chosen() -> None:
    st.session_state["machine_chosen"] = True


def _named(machine: Machine, mine: list[TrialDocument]) -> str:
    days = [document.measured_at for document in mine if document.machine and document.machine.id == machine.id and document.measured_at]
    return plain(machine.in_words()) + (f", {max(days):%d %b %Y}" if days else "")


def _pick_conditions(measured: list[TrialDocument]) -> Conditions:
    found = {_spelt(at): at for at in (default_conditions(), *(_conditions(document) for document in measured))}
    used = [_spelt(_conditions(document)) for document in measured]
    options = sorted(found, key=lambda spelt: (-used.count(spelt), spelt))
    spelt = linked.option("Conditions", options, key="at", format_func=lambda spelt: found[spelt].in_words())
    return found[spelt]


def _spelt(at: Conditions) -> str:
    return f"{at.batch}-{at.sequence}-{at.threads}"
