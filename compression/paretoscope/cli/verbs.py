"""What each command does: the same calls that the pages make, then text or JSON on stdout.

Imports are inside the verbs where they cost time. How results are worded is `cli/text.py`'s.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretoscope import catalog
from paretoscope.cli import text as cli_text
from paretoscope.cli.progress import finished
from paretoscope.cli.source import beside, measured_trials
from paretoscope.errors import ArtifactError, ParetoscopeError, RecipeError, StoreError
from paretoscope.frontier.normalize import alike
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.chain import before, steps
from paretoscope.report.tables.table import Row, row_among, rows
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store, TrialRow, unfinished
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials import axes
from paretoscope.trials.trial import LIVE, Conditions, TrialDocument, TrialRequest
from paretoscope.workspace import Workspace

# --- what can be picked ---------------------------------------------------------------------------


def models(given: Namespace, _workspace: Workspace) -> None:
    found = [catalog.describe_model(ref) for ref in catalog.models()]
    _say(given, {"models": found}, cli_text.models(found))


def tasks(given: Namespace, _workspace: Workspace) -> None:
    if given.task is None:
        if given.split or given.to:
            raise ParetoscopeError(
                "--split and --to need a task; name it, such as `paretoscope tasks trec --split"
                " test --to test.jsonl`."
            )
        found = [
            ref.model_dump(mode="json", include={"name", "about", "source", "key"})
            for ref in catalog.tasks()
        ]
        _say(given, {"tasks": found}, cli_text.tasks(found))
        return
    from paretoscope.tasks.load import describe_task, export_split, load_task

    ref = resolve_task(given.task, _data_options(given))
    if not given.split and not given.to:
        described = describe_task(ref)
        _say(given, described, cli_text.task(described))
        return
    if not given.split or not given.to:
        raise ParetoscopeError(
            "--split and --to go together; give both, such as --split test --to test.jsonl."
        )
    task, to = load_task(ref), Path(given.to).absolute()
    count = export_split(task, given.split, to)
    split = task.splits[given.split]
    _say(
        given,
        {"path": str(to), "examples": count, "sha256": split.sha256},
        f"{count} examples in {to}",
    )


# --- compressing and measuring --------------------------------------------------------------------


def run(given: Namespace, workspace: Workspace) -> None:
    recipe = Recipe() if given.recipe is None else load_recipe(given.recipe)
    if given.unlabelled and not recipe.learns_from_unlabelled:
        raise RecipeError(
            "--unlabelled is for a recipe with `unlabelled: true` in a stage that has a teacher;"
            " add that, or leave the file out."
        )
    between = (
        [before(recipe, count) for count in range(len(recipe.stages))] if given.each_stage else []
    )
    *_, document = _measured(given, workspace, [*between, recipe])
    if document.status != "done":
        raise ParetoscopeError(
            f"Trial {document.trial_id} {document.status}:"
            f" {document.error or 'no reason was given.'}"
        )
    others = alike(document, beside(Store.open(workspace), [document.trial_id]))
    row = row_among(document, others)
    found = steps(row, rows(others))
    text = cli_text.result(row) + (f"\n\n{cli_text.steps(found)}" if len(found) > 2 else "")
    _say(given, document.to_json() | {"stages": [step.to_json() for step in found]}, text)


def sweep(given: Namespace, workspace: Workspace) -> None:
    decoder = resolve_model(given.model).architecture == "decoder"
    recipes = grid(
        given.sparsity,
        given.bits,
        given.what,
        given.retrain_epochs,
        given.seed,
        eight="weight-only" if decoder else "int8-dynamic",
    )
    documents = _measured(given, workspace, recipes)
    from paretoscope.cli.frontier import swept

    others = beside(Store.open(workspace), [document.trial_id for document in documents])
    table = [
        row_among(document, others) if document.status == "done" else Row(document)
        for document in documents
    ]
    _say(given, {"trials": [document.to_json() for document in documents]}, swept(table))
    ended = [document for document in documents if document.status != "done"]
    if ended:
        raise ParetoscopeError(
            f"{len(ended)} of {len(documents)} trials have no result, the first,"
            f" {ended[0].trial_id}: {ended[0].error}"
        )


def grid(
    sparsities: str,
    bits: str,
    what: str = "weights",
    retrain_epochs: float = 0.0,
    seed: int = 0,
    *,
    eight: str = "int8-dynamic",
) -> list[Recipe]:
    """Every combination of the two lists, each recipe once; `eight` is the scheme that 8 bits mean.

    >>> [recipe.in_words() for recipe in grid("0,.5", "32,8,4")][:4]
    ['fp32 baseline', 'int8 dynamic', 'weights 4 bit', 'magnitude 50 %']
    """
    recipes: list[Recipe] = []
    retrained = {"retrain_epochs": retrain_epochs}
    parse_recipe(
        {"stages": [{"kind": "prune-weights"} | retrained]}, where="In the sweep"
    )  # wrong even when nothing is pruned
    for sparsity, width in itertools.product(
        _numbers(sparsities, "--sparsity", "0,0.5"), _numbers(bits, "--bits", "32,8,4")
    ):
        stages: list[dict[str, Any]] = []
        if sparsity != 0:
            pruned = (
                {"kind": "prune-weights", "sparsity": sparsity}
                if what == "weights"
                else {"kind": "prune-structure", "target": what}
            )
            stages.append(pruned | retrained | ({} if what == "weights" else {"ratio": sparsity}))
        if width == 8:
            stages.append({"kind": "quantize", "scheme": eight})
        elif width != 32:
            stages.append({"kind": "quantize", "scheme": "weight-only", "bits": width})
        where = f"In the sweep at sparsity {sparsity:g} and bits {width:g}"
        recipes.append(parse_recipe({"seed": seed, "stages": stages}, where=where))
    return list({recipe.id: recipe for recipe in recipes}.values())


def _numbers(text: str, option: str, example: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise RecipeError(
            f"{option} must be numbers with commas between them, such as {example}, but got"
            f' "{text}".'
        ) from error


def _measured(
    given: Namespace, workspace: Workspace, recipes: Sequence[Recipe]
) -> list[TrialDocument]:
    """The documents of all recipes, from the store or, for those that are not there yet, from the
    engine.
    """
    requests = [
        _request(given, recipe) for recipe in recipes
    ]  # all are checked before any is queued
    store = Store.open(workspace)
    try:
        rows = [store.queue(request, again=given.again) for request in requests]
        if any(row.status in LIVE for row in rows):
            rows = finished(store, workspace, [row.trial_id for row in rows])
        return [row.document or unfinished(row) for row in rows]
    finally:
        store.close()


def _request(given: Namespace, recipe: Recipe) -> TrialRequest:
    chosen = {
        name: getattr(given, name)
        for name in ("batch", "sequence", "threads")
        if getattr(given, name) is not None
    }
    return catalog.request(
        given.model,
        recipe,
        task=given.task,
        protocol=given.protocol,
        conditions=Conditions(**chosen) if chosen else None,
        options=_data_options(given),
    )


def _data_options(given: Namespace) -> DataOptions:
    return DataOptions(
        text_column=given.text_column,
        label_column=given.label_column,
        encoding=given.encoding,
        unlabelled=getattr(given, "unlabelled", None),
    )


# --- the queue and the engine ---------------------------------------------------------------------


def cancel(given: Namespace, workspace: Workspace) -> None:
    store = Store.open(workspace)
    ids = [
        store.find(start).trial_id for start in given.trials
    ]  # all must exist before any is cancelled
    rows = [store.request_cancel(trial_id) for trial_id in dict.fromkeys(ids)]
    found = [
        {"trial_id": row.trial_id, "status": row.status, "cancel_requested": row.cancel_requested}
        for row in rows
    ]
    _say(given, {"trials": found}, "\n".join(cli_text.cancelled(row) for row in rows))


def jobs(given: Namespace, workspace: Workspace) -> None:
    rows = Store.open(workspace).trials()
    _say(given, {"trials": [cli_text.job_json(row) for row in rows]}, cli_text.jobs(rows))


def engine(given: Namespace, workspace: Workspace) -> None:
    if given.action is None:
        from paretoscope.engine.supervisor import run_engine, write_log

        write_log()
        run_engine(workspace, stays=not given.ends_when_idle, function=given.trial_function)
        sys.stderr.flush()
        os._exit(0)  # everything is written down, and Dask's own end of a process may take long
    from paretoscope.engine.client import stop_engine

    if given.action == "stop":
        stopped = stop_engine(workspace)
        _say(
            given,
            {"stopped": stopped},
            "The engine has ended." if stopped else "No engine was running.",
        )
        return
    store = Store.open(workspace)
    state, waiting = store.engine(), [row.status for row in store.trials(statuses=LIVE)]
    alive = state is not None and state.alive
    found = {
        "alive": alive,
        "pid": state.pid if state and alive else None,
        "host": state.host if state and alive else None,
    }
    found |= {
        "stays": bool(state and alive and state.stays),
        "running": waiting.count("running"),
        "queued": waiting.count("queued"),
    }
    _say(given, found, cli_text.engine(found))


def ui(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.cli.ui import serve

    serve(workspace, host=given.host, port=given.port, headless=given.headless)


def data(given: Namespace, _workspace: Workspace) -> None:
    from paretoscope.cli.data import install, listed

    if given.action == "install":
        requirements = install()
        _say(given, {"packages": requirements}, f"Installed {', '.join(requirements)}.")
        return
    packages = listed()
    _say(given, {"packages": packages}, cli_text.data(packages))


# --- what was measured ----------------------------------------------------------------------------


def frontier(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.cli.frontier import frontier_document, judged_objectives
    from paretoscope.frontier.points import objectives

    objectives(
        *(key for key in (given.x, given.y) if key)
    )  # a metric that there is not is said first
    judged_objectives(given, axes.Axes())
    documents, source = measured_trials(workspace, given.model, given.task, study=given.study)
    found = frontier_document(documents, given, source)
    _say(given, found.to_json(), found.in_words())


def compare(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.cli.compare import comparison_document

    found = comparison_document(workspace, given.trials)
    _say(given, found.to_json(), found.in_words())


def report(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.report.html import write_report

    to = Path(given.to).absolute()
    documents, source = measured_trials(workspace, given.model, given.task, study=given.study)
    try:
        write_report(documents, to)
    except OSError as error:
        raise ArtifactError(
            f'The report cannot be written to "{to}": {error.strerror or error}; choose another'
            " place."
        ) from error
    text = "\n".join(
        [f"A report of {len(documents)} trials is in {to}", *source.in_words(len(documents))]
    )
    _say(given, {"path": str(to), "trials": len(documents), "source": source.name}, text)


def _with_artifact(store: Store, start: str) -> TrialRow:
    """A trial of the workspace; raises `StoreError`, or `ArtifactError` for one of the shipped
    study, which has numbers alone.
    """
    from paretoscope.cli.export import shipped_only

    try:
        return store.find(start)
    except StoreError:
        if (shipped := shipped_only(start)) is not None:
            raise shipped from None
        raise


def keep(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.engine.held_out import keep as judge_on_test

    store = Store.open(workspace)
    ids = [
        _with_artifact(store, start).trial_id for start in given.trials
    ]  # all must exist before any is judged
    documents = [judge_on_test(workspace, store, trial_id) for trial_id in dict.fromkeys(ids)]
    others = beside(store, ids)
    text = "\n".join(cli_text.result(row_among(document, others)) for document in documents)
    _say(given, {"trials": [document.to_json() for document in documents]}, text)


def export(given: Namespace, workspace: Workspace) -> None:
    from paretoscope.cli.export import copy_artifact

    to = copy_artifact(
        _with_artifact(Store.open(workspace), given.trial), workspace, Path(given.to)
    )
    _say(
        given,
        {"path": str(to)},
        f"{to} runs anywhere: python {to / 'run.py'}" if to.is_dir() else str(to),
    )


def _say(given: Namespace, content: dict[str, Any], text: str) -> None:
    print(
        json.dumps(content, indent=2 if os.isatty(1) else None, ensure_ascii=False)
        if given.json
        else text
    )
