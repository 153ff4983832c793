"""What is known of a recipe before it runs: bytes, quality and speed with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope, conditions_key
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.shape.apply_recipe import AppliedRecipe, apply_recipe, expected_bytes
from paretoscope.shape.bytes import SizeEstimate
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.comparable import About
from paretoscope.whatif.estimate import Estimate, Estimator

Identity = tuple[str, str, str, str]
"""Model, task, machine and conditions: the key of what is cached for a scope."""


def identity(scope: Scope) -> Identity:
    return scope.model, scope.task, scope.machine_key, conditions_key(scope.conditions)


@dataclass(frozen=True)
class Figures:
    """A recipe with its bytes and estimates; None where unknown.

    `measured` is the row of the scope that measured it; `numbers` stay estimates, made without it.
    """

    recipe: Recipe
    shape: ModelShape | None
    applied: AppliedRecipe | None = None
    size: SizeEstimate | None = None
    numbers: Estimate | None = None
    measured: Row | None = None

    @property
    def baseline_bytes(self) -> float | None:
        """The size of the uncompressed model."""
        return expected_bytes(self.shape, Recipe()).total_bytes if self.shape else None


@st.cache_resource(show_spinner=False, ttl=60, max_entries=32)
def model_shape(model: str) -> ModelShape | None:
    """The shape of the model; None for an unknown family.

    Raises `ParetoscopeError` when the model does not exist.
    """
    ref = resolve_model(model)
    try:
        return read_shape(ref)
    except ParetoscopeError:
        return None


def figures(scope: Scope, shape: ModelShape | None, recipe: Recipe) -> Figures:
    """The figures of a recipe; empty for one that does not fit, which the button reports."""
    return _figures(identity(scope), data.version(), recipe.id, scope, shape, recipe)


@st.cache_resource(show_spinner=False, ttl=60, max_entries=512)
def _figures(
    of: Identity,
    version: int,
    recipe_id: str,
    _scope: Scope,
    _shape: ModelShape | None,
    _recipe: Recipe,
) -> Figures:
    measured = _scope.table.by_recipe.get(recipe_id)
    if _shape is None:
        return Figures(_recipe, None, measured=measured)
    try:
        applied = apply_recipe(_shape, _recipe)
        size = applied.size
    except ParetoscopeError:
        return Figures(_recipe, _shape, measured=measured)
    without = recipe_id if measured and _recipe.stages else ""
    numbers = _estimator(of, version, without, _scope, _shape).expected(applied)
    return Figures(_recipe, _shape, applied, size, numbers, measured)


@st.cache_resource(show_spinner=False, max_entries=12)
def _estimator(
    of: Identity,
    version: int,
    without: str,
    _scope: Scope,
    _shape: ModelShape,
) -> Estimator:
    """From the points of the scope; workspace and demo study add their ratios to each other.

    `without` is a recipe that is left out, so that its measurement can be compared.
    """
    del of, version  # the key of the cache
    points, elsewhere = _documents(_scope), data.demo_documents()
    if _scope.demo:
        points, elsewhere = elsewhere, points
    about = About(_shape, _scope.task, _scope.machine, _scope.conditions, _scope.axes)
    kept = [document for document in points if document.recipe_id != without]
    others = [document for document in elsewhere if document.recipe_id != without]
    return Estimator(about, kept, others)


def _documents(scope: Scope) -> tuple[TrialDocument, ...]:
    """The newest documents of all models and of this one."""
    own = data.newest_documents(model=scope.model)
    return tuple({each.trial_id: each for each in (*data.newest_documents(), *own)}.values())
