"""The measured models that the page draws on: those of the scope, and those of the demo study."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from paretoscope.dashboard.shell.machines import MeasuredOn, measured_on
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.dashboard.shell.scope_choice import conditions
from paretoscope.report.tables.table import Row

ENOUGH = 6
"""With so many measured models of its own, a scope needs no help from the demo study."""


class Evidence(NamedTuple):
    """Measured models of one machine; `where` names it in words, empty for the scope's own."""

    rows: list[Row]
    where: str = ""

    @property
    def baseline(self) -> Row | None:
        return next((row for row in self.rows if row.document.is_baseline), None)


def study(scope: Scope) -> Evidence:
    """The demo study's models of this model and task; none for a scope of the study itself."""
    if scope.demo:
        return Evidence([])
    shipped = [each for each in measured_on(scope.model, scope.task) if each.demo]
    chosen = max(shipped, key=lambda each: each.count, default=None)
    if chosen is None or not chosen.documents:
        return Evidence([])
    return Evidence(_rows(scope, chosen), "demo machine")


def _rows(scope: Scope, chosen: MeasuredOn) -> list[Row]:
    at = next(iter(conditions(scope.model, chosen).values()))
    return replace(scope, machine=chosen.machine, conditions=at, demo=True).rows()


def ranked(scope: Scope) -> Evidence:
    """The models to choose from: the scope's own when they are enough, else the demo study's."""
    own = Evidence(scope.rows())
    if len(own.rows) > ENOUGH:
        return own
    shipped = study(scope)
    return shipped if len(shipped.rows) > len(own.rows) else own
