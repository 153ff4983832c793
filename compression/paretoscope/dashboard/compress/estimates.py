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
from paretoscope.whatif.comparable import About
from paretoscope.whatif.estimate import Estimate, Estimator


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
    measured = next((row for row in scope.rows() if row.document.recipe_id == recipe.id), None)
    if shape is None:
        return Figures(recipe, None, measured=measured)
    try:
        applied = apply_recipe(shape, recipe)
        size = applied.size
    except ParetoscopeError:
        return Figures(recipe, shape, measured=measured)
    without = recipe.id if measured and recipe.stages else ""
    numbers = _estimator(_key(scope), data.version(), without, scope, shape).expected(applied)
    return Figures(recipe, shape, applied, size, numbers, measured)


def _key(scope: Scope) -> tuple[str, str, str, str]:
    return scope.model, scope.task, scope.machine_key, conditions_key(scope.conditions)


@st.cache_resource(show_spinner=False, max_entries=12)
def _estimator(
    identity: tuple[str, str, str, str],
    version: int,
    without: str,
    _scope: Scope,
    _shape: ModelShape,
) -> Estimator:
    """From the points of the scope; workspace and demo study add their ratios to each other.

    `without` is a recipe that is left out, so that its measurement can be compared.
    """
    del identity, version  # the key of the cache
    points, elsewhere = data.documents(), data.demo_documents()
    if _scope.demo:
        points, elsewhere = elsewhere, points
    about = About(_shape, _scope.task, _scope.machine, _scope.conditions, _scope.axes)
    kept = [document for document in points if document.recipe_id != without]
    others = [document for document in elsewhere if document.recipe_id != without]
    return Estimator(about, kept, others)
