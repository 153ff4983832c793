"""The scope of all pages: one model and task, measured on one machine under one set of conditions.

Measurements of two machines are two scopes, so they never share an axis. The pickers are in
`shell/header.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.shell import data, measured
from paretoscope.dashboard.shell.measured import Table
from paretoscope.errors import ParetoscopeError
from paretoscope.machine import Machine
from paretoscope.report.tables.table import Row, rows
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import ScopeKey
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.trials.axes import Axes
from paretoscope.trials.format import elsewhere
from paretoscope.trials.request import Conditions
from paretoscope.trials.summary import Trial

MODEL_CHANGED = "model_changed"
"""Session state: the model changed, so form values that depend on its architecture are reset."""
OVERRIDE = "anew"
"""Query parameter of an internal link: the link overrides the session (`layout.apply_link`)."""


@dataclass(frozen=True)
class Scope:
    """The measurements on the page; `demo` marks those of the shipped study.

    The shipped study is a scope of its own even when it comes from an equal machine.
    """

    model: str
    task: str
    machine: Machine
    conditions: Conditions
    axes: Axes
    demo: bool
    options: DataOptions = DEFAULT_OPTIONS
    """How the data file of the task is read."""

    @property
    def key(self) -> ScopeKey:
        return ScopeKey(self.model, self.task, self.machine.id, self.conditions)

    @property
    def table(self) -> Table:
        """The rows of the scope, and their points as columns."""
        return measured.table(self.key, demo=self.demo)

    def rows(self) -> list[Row]:
        return self.table.rows

    def representatives(self) -> dict[str, str]:
        """By trial id the id of the row that shows its recipe, which may be another trial's."""
        return self.table.representatives

    def ghosts(self) -> list[Row]:
        """On this machine, the rows of the demo study for recipes that are not measured here.

        Their times are estimates: the baseline's time here, over the speed-up of the study.
        """
        return _ghosts(self, data.version()) if self.here else []

    @property
    def here(self) -> bool:
        """Whether the points were measured in this workspace and on this machine."""
        return not self.demo and self.machine.id == data.this_machine().id

    @property
    def where(self) -> str:
        """The machine in words: "this machine (2 cores, VNNI)"."""
        vnni = ", VNNI" if any("vnni" in flag for flag in self.machine.flags) else ""
        name = "this machine" if self.here else self.elsewhere
        return f"{name} ({self.machine.cores} cores{vnni})"

    @property
    def elsewhere(self) -> str:
        return elsewhere(self.machine, data.this_machine())

    @property
    def machine_key(self) -> str:
        """The value of the query parameter `machine`."""
        return machine_key(self.machine, demo=self.demo)


def current() -> Scope:
    """The scope that app.py picked in this run."""
    return st.session_state["scope"]


@st.cache_resource(show_spinner=False, max_entries=16)
def _ghosts(scope: Scope, version: int) -> list[Row]:
    table = scope.table
    study = [
        document
        for document in data.demo_documents()
        if (document.model, document.task) == (scope.model, scope.task)
    ]
    # Times are the baseline's here over the study's speed-up.
    return [
        replace(row, reference=table.reference) if table.rows else row
        for row in rows(study)
        if row.summary.recipe_id not in table.by_recipe
    ]


def address(trial: Trial, *, demo: bool = False) -> list[tuple[str, str]]:
    """The query of Explore with the scope of a trial, and its point picked."""
    machine, at = trial.machine, trial.measured_under[1]
    query = [
        ("model", trial.model),
        ("task", trial.task),
        ("pick", trial.trial_id),
        (OVERRIDE, "1"),
    ]
    query += [("machine", machine_key(machine, demo=demo))] if machine else []
    return [*query, ("at", conditions_key(at))] if at else query


def machine_key(machine: Machine, *, demo: bool) -> str:
    """A machine in a query; that of the shipped study has a prefix."""
    return f"demo-{machine.id}" if demo else machine.id


def conditions_key(at: Conditions) -> str:
    """Conditions in a query.

    >>> conditions_key(Conditions(batch=1, sequence=32, threads=2))
    '1-32-2'
    """
    return f"{at.batch}-{at.sequence}-{at.threads}"


def default_conditions(model: str) -> Conditions:
    """The conditions of a new run on this machine."""
    threads = {"threads": min(2, data.this_machine().cores)}
    try:
        return catalog.default_conditions(resolve_model(model)).model_copy(update=threads)
    except ParetoscopeError:
        return Conditions(**threads)
