"""The commands `run`, `sweep` and `references`: models are made and measured."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from paretoscope import catalog
from paretoscope.api.compress import measure
from paretoscope.cli import text
from paretoscope.cli.frontier import swept
from paretoscope.cli.progress import checking, show_notes, wait_for
from paretoscope.cli.requests import MeasureRequest, RunRequest, SweepRequest
from paretoscope.cli.source import trials_alike
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError, RecipeError
from paretoscope.frontier.normalize import comparable
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages.reference import LABELS
from paretoscope.report.tables.chain import before, steps
from paretoscope.report.tables.table import Row, row_among, rows
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace

NO_BITS = 32
"""In --bits: weights stay float32."""


def run(request: RunRequest, workspace: Workspace) -> Answer:
    """One recipe, with --each-stage every prefix of it too."""
    recipe = Recipe() if request.recipe is None else load_recipe(request.recipe)
    if request.unlabelled and not recipe.learns_from_unlabelled:
        raise RecipeError(
            "--unlabelled needs a recipe with `unlabelled: true` in a stage that has a teacher; add"
            " that, or leave out --unlabelled."
        )
    prefixes = [before(recipe, count) for count in range(len(recipe.stages))]
    recipes = [*(prefixes if request.each_stage else []), recipe]
    requests = [_trial(request, each) for each in recipes]
    catalog.check(request.model, workspace, checking)
    show_notes(catalog.notes(requests[0]))
    *_, document = measure(requests, workspace, wait_for, again=request.again)
    if document.status != "done":
        reason = document.error or "the engine gave no reason."
        raise ParetoscopeError(f"Trial {document.trial_id} {document.status}: {reason}")
    store = Store.open(workspace)
    others = comparable(document, trials_alike(store, [document.trial_id]))
    row = row_among(document, others)
    found = steps(row, rows(others, store.document))
    content = document.to_json() | {"stages": [step.to_json() for step in found]}
    chain = [text.steps(found)] if len(recipe.stages) > 1 else []
    return Answer(content, "\n\n".join([text.result(row), *chain]))


def sweep(request: SweepRequest, workspace: Workspace) -> Answer:
    """Every combination of sparsity and bits."""
    return _several(request, workspace, _grid_of(request), again=request.again)


def references(request: MeasureRequest, workspace: Workspace) -> Answer:
    """Both reference points."""
    stages = ({"kind": "reference", "features": features} for features in LABELS)
    return _several(request, workspace, [parse_recipe({"stages": [stage]}) for stage in stages])


def _several(
    request: MeasureRequest,
    workspace: Workspace,
    recipes: Sequence[Recipe],
    *,
    again: bool = False,
) -> Answer:
    requests = [_trial(request, recipe) for recipe in recipes]
    catalog.check(request.model, workspace, checking)
    show_notes(catalog.notes(requests[0]) if requests else ())
    documents = measure(requests, workspace, wait_for, again=again)
    others = trials_alike(Store.open(workspace), [document.trial_id for document in documents])
    table = [
        row_among(document, others) if document.status == "done" else Row(document)
        for document in documents
    ]
    content = {"trials": [document.to_json() for document in documents]}
    return Answer(content, swept(table), _unfinished(documents))


def grid(
    sparsities: str,
    bits: str,
    what: str = "weights",
    retrain_epochs: float = 0.0,
    seed: int = 0,
    *,
    eight: str = "int8-dynamic",
) -> list[Recipe]:
    """Every combination of the two lists, each recipe once; `eight` is the scheme of 8 bits.

    >>> [recipe.in_words() for recipe in grid("0,.5", "32,8,4")][:4]
    ['fp32 baseline', 'int8 dynamic', 'weights 4 bit', 'magnitude 50 %']
    """
    retrained = {"retrain_epochs": retrain_epochs}
    # Epochs out of range are refused even when nothing is pruned.
    parse_recipe({"stages": [{"kind": "prune-weights"} | retrained]}, where="In the sweep")
    recipes: list[Recipe] = []
    for sparsity, width in itertools.product(
        _numbers(sparsities, "--sparsity", "0,0.5"), _numbers(bits, "--bits", "32,8,4")
    ):
        pruned = [stage | retrained for stage in _pruning(what, sparsity)]
        content = {"seed": seed, "stages": [*pruned, *_quantizing(width, eight)]}
        where = f"In the sweep at sparsity {sparsity:g} and bits {width:g}"
        recipes.append(parse_recipe(content, where=where))
    return list({recipe.id: recipe for recipe in recipes}.values())


def _grid_of(request: SweepRequest) -> list[Recipe]:
    decoder = resolve_model(request.model).architecture == "decoder"
    return grid(
        request.sparsity,
        request.bits,
        request.what,
        request.retrain_epochs,
        request.seed,
        eight="weight-only" if decoder else "int8-dynamic",
    )


def _pruning(what: str, sparsity: float) -> list[dict[str, Any]]:
    if sparsity == 0:
        return []
    if what == "weights":
        return [{"kind": "prune-weights", "sparsity": sparsity}]
    return [{"kind": "prune-structure", "target": what, "ratio": sparsity}]


def _quantizing(width: float, eight: str) -> list[dict[str, Any]]:
    if width == NO_BITS:
        return []
    if width == 8:
        return [{"kind": "quantize", "scheme": eight}]
    return [{"kind": "quantize", "scheme": "weight-only", "bits": width}]


def _numbers(given: str, option: str, example: str) -> list[float]:
    try:
        return [float(part) for part in given.split(",")]
    except ValueError as error:
        raise RecipeError(
            f'{option} must be numbers separated by commas, such as {example}, but got "{given}".'
        ) from error


def _trial(given: MeasureRequest, recipe: Recipe) -> TrialRequest:
    return catalog.request(
        given.model,
        recipe,
        task=given.task,
        protocol=given.protocol,
        conditions=given.conditions,
        options=given.options,
    )


def _unfinished(documents: Sequence[TrialDocument]) -> str:
    """Why a sweep failed; empty when every trial has a result."""
    ended = [document for document in documents if document.status != "done"]
    if not ended:
        return ""
    return (
        f"{len(ended)} of {len(documents)} trials have no result; the first is"
        f" {ended[0].trial_id}: {ended[0].error}"
    )
