"""Compressing and measuring a model from Python.

Trials are queued in the store and run by the engine, as those of the command line and the
dashboard are. What a trial measures is `engine/pipeline.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from paretoscope import catalog
from paretoscope.api.trial_result import TrialResult
from paretoscope.engine.client import ensure_engine, wait
from paretoscope.errors import EngineError
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import Store, TrialRow, unfinished
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import Protocol, TrialRequest
from paretoscope.trials.trial import LIVE, TrialDocument
from paretoscope.workspace import Workspace

Wait = Callable[[Store, Sequence[str]], list[TrialRow]]
"""Waits until the trials with these ids have ended."""


def compress(
    model: str,
    recipe: Recipe | str | Path,
    task: str | None = None,
    *,
    protocol: Protocol = "quick",
    workspace: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> TrialResult:
    """Compress a model, measure it against its baseline, and return the result.

    `model` is a built-in name, a folder or a hub id; `recipe` a `Recipe` or the path of a recipe
    file; `task` a built-in task or a data file, by default the model's own. The result is stored in
    the workspace: the same call returns it at once. `progress` is called whenever the trial
    advances. Raises `ParetoscopeError` when an argument cannot be used or the trial fails.

    A first model::

        int8 = compress("minilm-trec", Recipe.model_validate({"stages": [{"kind": "quantize"}]}))
        int8.quality.value, int8.speedup.value  # accuracy, times as fast as the baseline
        int8.folder  # the ONNX model with its tokenizer and run.py
        int8.figure(x="size_bytes")  # it and the original, as a plotly figure

    Recipes from files, and the front of everything that was measured::

        student = compress("minilm-trec", "data/recipes/student-int8.yaml", progress=print)
        found = frontier("minilm-trec", objectives=["quality", "size_bytes"])
        [found.points[trial].name for trial in found.on_front]
    """
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    request = catalog.request(model, chosen, task=task, protocol=protocol)
    at = Workspace.at(workspace)
    catalog.check(model, at)

    def wait_for_one(store: Store, ids: Sequence[str]) -> list[TrialRow]:
        ensure_engine(at)
        return wait(store, ids, lambda rows: _report(rows, progress))

    [document] = measure([request], at, wait_for_one)
    if document.status != "done":
        raise EngineError(f"Trial {document.trial_id} {document.status}: {document.error}")
    return TrialResult.of(document, at.root)


def measure(
    requests: Sequence[TrialRequest], workspace: Workspace, wait_for: Wait, *, again: bool = False
) -> list[TrialDocument]:
    """The documents of all requests: stored ones at once, the others from the engine.

    `again` measures stored trials once more. `wait_for` is called when something is left to do.
    """
    store = Store.open(workspace)
    try:
        rows = [store.queue(request, again=again) for request in requests]
        if any(row.status in LIVE for row in rows):
            rows = wait_for(store, [row.trial_id for row in rows])
        return [row.document or unfinished(row) for row in rows]
    finally:
        store.close()


def _report(rows: Sequence[TrialRow], progress: Callable[[Progress], None] | None) -> None:
    for row in rows:
        if progress and row.progress and row.status in LIVE:
            progress(row.progress)
