"""The scope: which model, task, machine and conditions every page is about. It lives in the sidebar
and in the URL.

Measurements of two machines are two scopes, so they cannot meet on an axis.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.shell import data, url_widgets
from paretoscope.errors import ParetoscopeError
from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row, rows
from paretoscope.sources.resolve import BUILTIN_MODELS, resolve_model
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.axes import Axes, axes
from paretoscope.trials.format import elsewhere, plain, short
from paretoscope.trials.trial import Conditions, TrialDocument

MODEL_CHANGED = "model_changed"
"""Session state: another model was picked since the recipe form was drawn, so settings that depend
on its architecture start anew.
"""


@dataclass(frozen=True)
class Scope:
    """What is looked at: one model and task, measured on one machine under one set of conditions."""

    model: str
    task: str
    machine: Machine
    conditions: Conditions
    axes: Axes
    demo: bool
    """Whether the points come from the shipped study; those stay apart even from points of an equal
    machine.
    """

    def rows(self) -> list[Row]:
        return _rows(self, data.version())

    def instead(self) -> dict[str, str]:
        """By trial the row that stands for it: of a recipe that was measured more than once there
        is one.
        """
        shown = {row.document.recipe_id: row.id for row in self.rows()}
        return {document.trial_id: shown[document.recipe_id] for document in _documents(self)}

    @property
    def here(self) -> bool:
        """Whether the points were measured in this workspace on the machine that this page runs on."""
        return not self.demo and self.machine.id == data.this_machine().id

    @property
    def where(self) -> str:
        vnni = ", VNNI" if any("vnni" in flag for flag in self.machine.flags) else ""
        return (
            f"{'this machine' if self.here else self.elsewhere} ({self.machine.cores} cores{vnni})"
        )

    @property
    def elsewhere(self) -> str:
        return elsewhere(self.machine, data.this_machine())


@st.cache_resource(show_spinner=False, max_entries=16)
def _rows(scope: Scope, version: int) -> list[Row]:
    return rows(_documents(scope))


def _documents(scope: Scope) -> list[TrialDocument]:
    source = data.demo_documents() if scope.demo else data.documents()
    return [document for document in source if _in_scope(document, scope)]


def _in_scope(document: TrialDocument, scope: Scope) -> bool:
    return (document.model, document.task, document.measured_under) == (
        scope.model,
        scope.task,
        (scope.machine.id, scope.conditions),
    )


ANEW = "anew"
"""In the query of a link within the page: what it says counts, whatever the session has chosen
(`frame.followed`).
"""


def address(document: TrialDocument, *, demo: bool = False) -> list[tuple[str, str]]:
    """The query that leads to a trial on the curves: its model, its machine and its conditions, and
    the point picked.
    """
    machine, at = document.machine, document.measured_under[1]
    found = [
        ("model", document.model),
        ("task", document.task),
        ("pick", document.trial_id),
        (ANEW, "1"),
    ]
    found += [("machine", f"demo-{machine.id}" if demo else machine.id)] if machine else []
    return [*found, ("at", _spelt(at))] if at else found


def default_conditions(model: str) -> Conditions:
    threads = min(2, data.this_machine().cores)
    try:
        return catalog.default_conditions(resolve_model(model)).model_copy(
            update={"threads": threads}
        )
    except ParetoscopeError:
        return Conditions(threads=threads)


def pick() -> Scope:
    """Draw the pickers and return what they say. Called once a run, by app.py."""
    everything = (*data.documents(), *data.demo_documents())
    model = url_widgets.option(
        "Model", _models(everything), key="model", format_func=short, on_change=_model_was_chosen
    )
    if about := next((ref.about for ref in data.builtin_models() if ref.name == model), ""):
        st.caption(f"{about}.")
    task = url_widgets.option("Task", _tasks(model, everything), key="task", format_func=short)
    places = {place.id: place for place in _places(model, task)}
    place = _pick_place(places)
    return Scope(
        model,
        task,
        place.machine,
        _pick_conditions(model, place),
        _axes(model, task, place),
        place.demo,
    )


def _axes(model: str, task: str, place: Place) -> Axes:
    """Those of what was measured, else what its model and task will be measured by."""
    if place.documents:
        return place.documents[-1].axes
    try:
        architecture = data.architecture(model)
        return axes(
            resolve_task(task, architecture=architecture).metric,
            generates=architecture == "decoder",
        )
    except ParetoscopeError:
        return axes()


def _model_was_chosen() -> None:
    """Another model starts with its own task and form."""
    st.session_state.pop("task", None)
    if "task" in st.query_params:
        del st.query_params["task"]
    st.session_state[MODEL_CHANGED] = True


def current() -> Scope:
    """The scope that app.py picked in this run."""
    return st.session_state["scope"]


def _models(documents: tuple[TrialDocument, ...]) -> list[str]:
    """Built-in models first, then whatever was measured, queued, typed here or named by the link."""
    own = [
        *(d.model for d in documents),
        *(row.request.model for row in data.live_trials()),
        *st.session_state.get("own_models", []),
    ]
    named = st.query_params.get_all("model")[:1]
    return list(
        dict.fromkeys([*(ref.name for ref in data.builtin_models()), *own, *named])
    ) or list(BUILTIN_MODELS)


def _tasks(model: str, documents: tuple[TrialDocument, ...]) -> list[str]:
    """The model's own task first."""
    known = [ref.task for ref in data.builtin_models() if ref.name == model and ref.task]
    architecture = data.architecture(model)
    measured = [document.task for document in documents if document.model == model]
    typed = [
        *st.session_state.get("own_tasks", []),
        *(row.request.task for row in data.live_trials() if row.request.model == model),
    ]
    named = st.query_params.get_all("task")[:1]
    return list(
        dict.fromkeys(
            [
                *known,
                *measured,
                *typed,
                *(ref.name for ref in data.builtin_tasks() if ref.architecture == architecture),
                *named,
            ]
        )
    )


@dataclass(frozen=True)
class Place:
    """A machine whose measurements may share axes, under the name that the link has for it."""

    id: str
    machine: Machine
    demo: bool
    documents: tuple[TrialDocument, ...]

    @property
    def count(self) -> int:
        """How many models its curves open on: those under the conditions that most were measured
        under, with the baseline that came along.
        """
        under = Counter(document.measured_under[1] for document in self.documents)
        most = max(under, key=lambda at: under[at], default=None)
        return len(
            {
                Recipe().id,
                *(
                    document.recipe_id
                    for document in self.documents
                    if document.measured_under[1] == most
                ),
            }
        )

    def in_words(self) -> str:
        here = data.this_machine()
        if not self.demo and self.machine.id == here.id:
            return f"This machine, {here.cores} cores"
        days = [document.measured_at for document in self.documents if document.measured_at]
        return (
            ("Demo: " if self.demo else "")
            + plain(self.machine.in_words())
            + (f", {max(days):%d %b %Y}" if days else "")
        )


def _places(model: str, task: str) -> list[Place]:
    """This machine first, then others of this workspace, then the shipped study's."""
    here = data.this_machine()
    found: list[Place] = []
    for demo, source in ((False, data.documents()), (True, data.demo_documents())):
        mine = [
            document
            for document in source
            if (document.model, document.task) == (model, task) and document.machine
        ]
        machines = {
            document.machine.id: document.machine for document in mine if document.machine
        } | ({} if demo else {here.id: here})
        for id, machine in sorted(machines.items(), key=lambda item: item[0] != here.id):
            documents = tuple(
                document for document in mine if document.machine and document.machine.id == id
            )
            found.append(Place(f"demo-{id}" if demo else id, machine, demo, documents))
    return found


FEW = 6
"""Own models below which a page points to the shipped ones."""


def other_side(scope: Scope) -> Place | None:
    """From the few models of this machine to the shipped study, and from there back; None where
    there is nothing to go to.
    """
    places = _places(scope.model, scope.task)
    own = next(
        place for place in places if not place.demo and place.machine.id == data.this_machine().id
    )
    if scope.demo:
        return own if own.documents else None
    return (
        next((place for place in places if place.demo), None)
        if scope.here and own.count < FEW
        else None
    )


def go(place: str) -> None:
    """Callback: look at the measurements of another place, as if it had been picked in the sidebar."""
    st.session_state["machine"] = place
    _machine_was_chosen()


def _pick_place(places: dict[str, Place]) -> Place:
    """This machine as soon as it has measured something, until somebody picks another."""
    first = next((place.id for place in places.values() if place.documents), next(iter(places)))
    if not st.session_state.get("machine_chosen") and "machine" not in st.query_params:
        st.session_state["machine"] = first
    id = url_widgets.option(
        "Measured on",
        list(places),
        key="machine",
        default=first,
        format_func=lambda id: places[id].in_words(),
        on_change=_machine_was_chosen,
        help="Measurements of different machines are never drawn on the same axes.",
    )
    return places[id]


def _machine_was_chosen() -> None:
    st.session_state["machine_chosen"] = True


def _pick_conditions(model: str, place: Place) -> Conditions:
    """Those under which most was measured first."""
    measured = [at for document in place.documents if (at := document.measured_under[1])]
    found = {_spelt(at): at for at in (default_conditions(model), *measured)}
    options = sorted(found, key=lambda spelt: (-measured.count(found[spelt]), spelt))
    return found[
        url_widgets.option(
            "Conditions", options, key="at", format_func=lambda spelt: found[spelt].in_words()
        )
    ]


def _spelt(at: Conditions) -> str:
    return f"{at.batch}-{at.sequence}-{at.threads}"
