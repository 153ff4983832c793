"""What was measured: the trials of a scope as rows and points, and which scopes there are.

Rows are kept in the page process. When something changes, only the summaries that are new since
then are read; while no trial of the scope ends, its rows and points stay the same values.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

import numpy as np
import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.frontier.columns import Points
from paretoscope.frontier.normalize import AS_TAKEN, Reference
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Load, Row, rows
from paretoscope.store.store import MeasuredScope, ScopeKey, Store
from paretoscope.trials.request import Conditions
from paretoscope.trials.summary import Summary, Trial, summary
from paretoscope.trials.trial import TrialDocument


class Table:
    """The rows of a scope, and what a page derives from all of them."""

    def __init__(self, summaries: Sequence[Summary], load: Load) -> None:
        self._summaries = summaries
        self.rows = rows(summaries, load)

    @cached_property
    def points(self) -> Points:
        """The points of all rows under their short names."""
        return Points(row.named_point for row in self.rows)

    @property
    def reference(self) -> Reference:
        """What the rows are normalized to."""
        return self.rows[0].reference if self.rows else AS_TAKEN

    @cached_property
    def by_id(self) -> dict[str, Row]:
        return {row.id: row for row in self.rows}

    @cached_property
    def by_recipe(self) -> dict[str, Row]:
        return {row.summary.recipe_id: row for row in self.rows}

    @cached_property
    def representatives(self) -> dict[str, str]:
        """By trial id the id of the row that shows its recipe, which may be another trial's."""
        shown = {recipe_id: row.id for recipe_id, row in self.by_recipe.items()}
        return {each.trial_id: shown[each.recipe_id] for each in self._summaries}

    def points_of(self, some: Sequence[Row]) -> Points:
        """The points of some of the rows, in the order of the table; columns are not read again."""
        if len(some) == len(self.rows):
            return self.points
        kept = {row.id for row in some}
        return self.points.where(np.array([each in kept for each in self.points.ids], bool))


class _Kept:
    """The table of a scope of the workspace, brought up to date when the store has changed."""

    def __init__(self, store: Store, key: ScopeKey) -> None:
        self._store, self._key = store, key
        self._lock = threading.Lock()
        self._last, self._version = 0, -1
        self._found: dict[str, tuple[datetime, Summary]] = {}
        self._table = Table((), store.document)

    def table(self, version: int) -> Table:
        with self._lock:
            if version != self._version:
                self._read()
                self._version = version
            return self._table

    def _read(self) -> None:
        changes = self._store.summaries(self._key, after=self._last)
        self._last = changes.last
        removed = [each for each in changes.removed if self._found.pop(each, None)]
        self._found |= {each.trial_id: (at, each) for at, each in changes.found}
        if changes.found or removed:
            ordered = sorted(self._found.values(), key=lambda each: (each[0], each[1].trial_id))
            self._table = Table([each for _, each in ordered], self._store.document)


@st.cache_resource(show_spinner=False, max_entries=16)
def _kept(
    root: str, model: str, task: str, machine_id: str | None, at: tuple[int, int, int] | None
) -> _Kept:
    conditions = Conditions(batch=at[0], sequence=at[1], threads=at[2]) if at else None
    return _Kept(data.store(), ScopeKey(model, task, machine_id, conditions))


@st.cache_resource(show_spinner=False)
def _demo() -> dict[ScopeKey, Table]:
    """The tables of the shipped study by scope."""
    by_id = {document.trial_id: document for document in data.demo_documents()}
    found: dict[ScopeKey, list[Summary]] = {}
    for document in by_id.values():
        found.setdefault(key_of(document), []).append(summary(document))
    return {key: Table(each, by_id.__getitem__) for key, each in found.items()}


def key_of(trial: Trial) -> ScopeKey:
    return ScopeKey(trial.model, trial.task, *trial.measured_under)


def table(key: ScopeKey, *, demo: bool = False) -> Table:
    """The trials of a scope of the workspace, or of the shipped study."""
    if demo:
        return _demo().get(key) or Table((), data.store().document)
    at = key.conditions
    numbers = (at.batch, at.sequence, at.threads) if at else None
    root = str(data.workspace().root)
    return _kept(root, key.model, key.task, key.machine_id, numbers).table(data.version())


def row_of(document: TrialDocument) -> Row:
    """The row of a trial of the workspace, normalized with the others of its scope."""
    found = table(key_of(document))
    if row := found.by_id.get(document.trial_id):
        return row
    shown = found.by_recipe.get(document.recipe_id)
    return Row(document, shown.reference, shown.short_name) if shown else Row(document)


@st.cache_resource(show_spinner=False, max_entries=4)
def _scopes(root: str, version: int) -> tuple[MeasuredScope, ...]:
    return tuple(data.store().scopes())


def scopes(*, demo: bool = False) -> tuple[MeasuredScope, ...]:
    """The scopes that were measured, counted, that of the newest trial last."""
    if demo:
        return _demo_scopes()
    return _scopes(str(data.workspace().root), data.version())


@st.cache_resource(show_spinner=False)
def _demo_scopes() -> tuple[MeasuredScope, ...]:
    return tuple(_counted(data.demo_documents()))


def _counted(documents: Iterable[TrialDocument]) -> Iterable[MeasuredScope]:
    found: dict[ScopeKey, list[TrialDocument]] = {}
    for document in documents:
        found.setdefault(key_of(document), []).append(document)
    for each in found.values():
        recipes = {document.recipe_id for document in each} | {Recipe().id}
        dates = [document.measured_at for document in each if document.measured_at]
        newest = max(dates, default=None)
        yield MeasuredScope(len(each), len(recipes), newest, summary(each[-1]))
