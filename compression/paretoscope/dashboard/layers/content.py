"""What the page shows: bytes of every part, and the stored profile and scan, if there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from paretoscope.dashboard.compress.estimates import model_shape
from paretoscope.dashboard.parts import downloads
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.parts.recommended import baseline_of
from paretoscope.dashboard.shell import data, selection, url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.layers import results
from paretoscope.layers.profile import Profile
from paretoscope.layers.sensitivity import Sensitivity
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.part_bytes import PartBytes, part_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.resolve import resolve_task

ORIGINAL = "original"
MODEL = "ly_model"
"""Key of the picker of the compressed model."""


@dataclass(frozen=True)
class Content:
    """The parts of the model of the scope; `row` is the compressed model that is compared."""

    shape: ModelShape
    before: PartBytes
    row: Row | None
    after: PartBytes | None
    profile: Profile | None
    """That of the original."""
    shipped_profile: bool
    """Whether it is the demo study's."""
    profile_after: Profile | None
    scan: Sensitivity | None
    shipped_scan: bool

    @property
    def decoder(self) -> bool:
        return self.shape.architecture == "decoder"


def draw(here: Scope) -> Content | None:
    """The picker of the compressed model, and the content; None for a model of unknown shape."""
    try:
        shape = model_shape(here.model)
    except ParetoscopeError:
        shape = None
    row = _picker(here.rows())
    if shape is None:
        return None
    before = part_bytes(apply_recipe(shape, Recipe()))
    profile, shipped = _profile(here, None)
    after, after_shipped = _profile(here, row) if row else (None, False)
    # Times of two machines are never drawn on one axis.
    profile_after = after if after_shipped == shipped else None
    scan, shipped_scan = _scan(here)
    return Content(
        shape=shape,
        before=before,
        row=row,
        after=_after(shape, row),
        profile=profile,
        shipped_profile=shipped,
        profile_after=profile_after,
        scan=scan,
        shipped_scan=shipped_scan,
    )


def _picker(rows: Sequence[Row]) -> Row | None:
    """The compressed model; without a choice, the pick of the other pages or none."""
    others = {row.id: row for row in rows if not row.is_baseline and not row.is_reference}
    picked = [each for each in selection.picked([row.id for row in rows]) if each in others]

    def described(each: str) -> str:
        return title(others[each]) if each in others else "Original only"

    chosen = url_widgets.option(
        "Compare with",
        [ORIGINAL, *others],
        key=MODEL,
        default=picked[-1] if picked else ORIGINAL,
        format_func=described,
        disabled=not others,
        help="A measured model: its bytes and time are drawn over the original's."
        if others
        else "No compressed version of this model is measured under these conditions.",
        width=240,
    )
    return others.get(chosen)


def _after(shape: ModelShape, row: Row | None) -> PartBytes | None:
    if row is None:
        return None
    try:
        return part_bytes(apply_recipe(shape, row.summary.recipe))
    except ParetoscopeError:
        return None


def measured(here: Scope, row: Row | None) -> Row | None:
    """The row whose graph is profiled: the compressed model, else the baseline."""
    return row or baseline_of(here.rows())


def artifact_reason(here: Scope, row: Row | None) -> str:
    """Why the graph of a row cannot be profiled; empty when it can."""
    if row is None or here.demo:
        return "measure the baseline first, its graph is not on this disk"
    if downloads.folder(row) is None:
        return "the artefact of this model is not on this disk, make it first"
    return ""


def _profile(here: Scope, row: Row | None) -> tuple[Profile | None, bool]:
    """The profile of the workspace, else the shipped one; and whether it is shipped."""
    of = measured(here, row)
    record = of.document.artifact if of else None
    if of is not None and record is not None and not here.demo:
        sha, at = record.sha256.get("model.onnx", ""), here.conditions
        path = results.profile_path(data.workspace(), sha, at, data.this_machine().id)
        if found := results.read(path, Profile):
            return found, False
    recipe = row.summary.recipe if row else Recipe()
    found = results.read(results.shipped_profile(here.model, recipe.id), Profile)
    return found, found is not None


def _scan(here: Scope) -> tuple[Sensitivity | None, bool]:
    keys = _keys(here, data.version())
    own = results.sensitivity_path(data.workspace(), *keys) if keys else None
    if own and (found := results.read(own, Sensitivity)):
        return found, False
    found = results.read(results.shipped_sensitivity(here.model), Sensitivity)
    if found is None or found.task != here.task:
        return None, False
    return found, True


@st.cache_resource(show_spinner=False, ttl=60, max_entries=32)
def _keys(scope: Scope, version: int) -> tuple[str, str] | None:
    """Content keys of model and data; None when one of them cannot be read."""
    try:
        model = resolve_model(scope.model)
        task = resolve_task(scope.task, scope.options, architecture=model.architecture)
    except ParetoscopeError:
        return None
    return model.key, task.key
