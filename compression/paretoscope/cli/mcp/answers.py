"""What the tools answer where the command of the same name does something else.

`run` returns at once, `status` reads any trials, a front is shortened, and `export` writes only
into permitted folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretoscope import catalog
from paretoscope.cli import queue, reading, text
from paretoscope.cli.export import copy_artifact
from paretoscope.cli.finding import trial_with_artifact
from paretoscope.cli.requests import FrontierRequest, JobsRequest
from paretoscope.cli.verbs import Answer
from paretoscope.engine.client import ensure_engine
from paretoscope.errors import ArtifactError
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import LIVE
from paretoscope.workspace import Workspace

EXPORTS = "exports"
"""Folder of the workspace for exported artefacts."""


def recipe_of(given: dict[str, Any] | str | None) -> Recipe:
    """A recipe from its fields, from a file or a shipped name; None is the baseline."""
    if isinstance(given, str):
        return load_recipe(given)
    return parse_recipe(given, where="In recipe")


def queue_trial(request: TrialRequest, workspace: Workspace) -> Answer:
    """Queue a checked request and start the engine; a stored trial is not run again."""
    catalog.check(request.model, workspace)
    store = Store.open(workspace)
    try:
        row = store.queue(request)
        (job,) = [text.job_json(each) for each in store.jobs() if each.trial_id == row.trial_id]
    finally:
        store.close()
    if row.status in LIVE:
        ensure_engine(workspace)
    noted = list(catalog.notes(request))
    words = f"Trial {row.trial_id} is {row.status}: {request.recipe.in_words()}."
    return Answer(job | {"notes": noted}, "\n".join([words, *noted]))


def status_answer(trials: Sequence[str] | None, workspace: Workspace) -> Answer:
    """The named trials with their results, else all without."""
    store = Store.open(workspace)
    try:
        named = [store.find(start) for start in trials or ()]
        wanted = {row.trial_id: row for row in named}
        jobs = [text.job_json(job) for job in store.jobs() if not trials or job.trial_id in wanted]
        for job in jobs:
            if row := wanted.get(job["trial_id"]):
                job["document"] = row.document.to_json() if row.document else None
        state = store.engine()
        words = _in_words(named) if trials else queue.jobs(JobsRequest(), workspace).words()
    finally:
        store.close()
    return Answer({"trials": jobs, "engine_alive": bool(state and state.alive)}, words)


def _in_words(rows: Sequence[TrialRow]) -> str:
    live = [row for row in rows if row.status in LIVE]
    return text.jobs(live, [row for row in rows if row.status not in LIVE], 0)


def front_answer(request: FrontierRequest, everything: bool, workspace: Workspace) -> Answer:
    """The front of a model; without `everything` only the trials that a decision is about.

    These are the front, the recommendation with its runner-up, and the baseline.
    """
    answer = reading.frontier(request, workspace)
    content = answer.json()
    advised = content["recommendation"]
    kept = {*content["on_front"], advised["trial_id"], advised["runner_up"]}
    shown = [
        trial
        for trial in content["trials"]
        if everything or trial["trial_id"] in kept or not trial["recipe"]["stages"]
    ]
    omitted = len(content["trials"]) - len(shown)
    return Answer(content | {"trials": shown, "omitted": omitted}, answer.words())


def export_answer(trial: str, to: str | None, workspace: Workspace) -> Answer:
    """Copy an artefact below the workspace's folder of exports or the current folder."""
    store = Store.open(workspace)
    try:
        row = trial_with_artifact(store, trial)
    finally:
        store.close()
    target = copy_artifact(row, workspace, permitted(to or row.trial_id, workspace))
    return Answer({"path": str(target)}, str(target))


def permitted(to: str, workspace: Workspace) -> Path:
    """The path to write to, relative to the folder of exports; links are followed before the check.

    Raises `ArtifactError` for one that is neither below that folder nor below the current one.
    """
    exports, here = workspace.root / EXPORTS, Path.cwd().resolve()
    target = (exports / Path(to).expanduser()).resolve()
    roots = [exports.resolve(), *([here] if here.parent != here else [])]
    if not any(root in target.parents for root in roots):
        raise ArtifactError(
            f'The model cannot be exported to "{to}": only folders below "{exports}" and below the'
            f' current folder "{here}" are permitted; give a name without a path.'
        )
    if workspace.root in target.parents and exports.resolve() not in target.parents:
        raise ArtifactError(
            f'The model cannot be exported to "{to}", which is a folder of the engine; give a name'
            " without a path."
        )
    return target
