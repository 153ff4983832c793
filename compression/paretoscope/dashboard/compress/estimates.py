"""What is known of a recipe before it runs: bytes, estimates and possible gains on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.shape.apply_recipe import AppliedRecipe, apply_recipe, expected_bytes
from paretoscope.shape.bytes import SizeEstimate
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.advice import Advice, advice
from paretoscope.whatif.estimate import Estimate, Under, expected


@dataclass(frozen=True)
class Estimates:
    """A recipe with its bytes and estimates; None where unknown."""

    recipe: Recipe
    shape: ModelShape | None
    applied: AppliedRecipe | None = None
    size: SizeEstimate | None = None
    numbers: Estimate | None = None

    @property
    def measured(self) -> str | None:
        """The id of the trial that measured this recipe."""
        return self.numbers.measured if self.numbers else None

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


def estimates(scope: Scope, shape: ModelShape | None, recipe: Recipe) -> Estimates:
    """The estimates for a recipe; empty for one that does not fit, which the button reports."""
    if shape is None:
        return Estimates(recipe, None)
    try:
        applied = apply_recipe(shape, recipe)
        size = applied.size
        numbers = _expected(scope, recipe.canonical_json(), data.version(), applied)
    except ParetoscopeError:
        return Estimates(recipe, shape)
    return Estimates(recipe, shape, applied, size, numbers)


@st.cache_data(show_spinner=False, max_entries=256)
def _expected(scope: Scope, recipe_json: str, version: int, _applied: AppliedRecipe) -> Estimate:
    """From the points of the scope; workspace and demo study add their ratios to each other."""
    measured = scope.table.by_recipe.get(_applied.recipe.id)
    points, elsewhere = _documents(scope.model, measured), data.demo_documents()
    if scope.demo:
        points, elsewhere = elsewhere, points
    return expected(
        points,
        _applied,
        elsewhere=elsewhere,
        task=scope.task,
        under=Under(scope.machine, scope.conditions, scope.table.reference),
    )


def _documents(model: str, measured: Row | None) -> Sequence[TrialDocument]:
    """The newest documents of all models and of this one, and the measurement of the recipe."""
    own = data.newest_documents(model=model)
    found = {each.trial_id: each for each in (*data.newest_documents(), *own)}
    if measured and not measured.id.endswith(BASELINE_SUFFIX):
        found[measured.id] = measured.document
    return list(found.values())


def possible_gains(scope: Scope, found: Estimates) -> Sequence[Advice]:
    """For each stage whether it can reduce size or latency on this machine."""
    if found.shape is not None and found.applied is None:
        return ()
    return advice(found.recipe, data.this_machine().flags, scope.conditions, found.applied)
