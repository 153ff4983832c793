"""The commands `models` and `tasks`: what can be chosen."""

from __future__ import annotations

from pathlib import Path

from paretoscope import catalog
from paretoscope.cli import text
from paretoscope.cli.requests import ModelsRequest, TasksRequest
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.tasks.load import describe_task, export_split, load_task
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.resolve import resolve_task
from paretoscope.workspace import Workspace


def models(request: ModelsRequest, workspace: Workspace) -> Answer:
    """The built-in models that are installed."""
    found = [catalog.describe_model(ref) for ref in catalog.models()]
    return Answer({"models": found}, text.models(found))


def tasks(request: TasksRequest, workspace: Workspace) -> Answer:
    """The built-in tasks, one task in detail, or one of its splits as a file."""
    if request.task is None:
        return _all_tasks(request)
    ref = resolve_task(request.task, request.options)
    if not request.split and not request.to:
        described = describe_task(ref)
        return Answer(described, text.task(described))
    if not request.split or not request.to:
        raise ParetoscopeError(
            "--split and --to must be given together, such as --split test --to test.jsonl."
        )
    return _exported(ref, request.split, Path(request.to).absolute())


def _all_tasks(request: TasksRequest) -> Answer:
    if request.split or request.to:
        raise ParetoscopeError(
            "--split and --to need a task, such as `paretoscope tasks trec --split test --to"
            " test.jsonl`."
        )
    found = [
        ref.model_dump(mode="json", include={"name", "about", "source", "key"})
        for ref in catalog.tasks()
    ]
    return Answer({"tasks": found}, text.tasks(found))


def _exported(ref: TaskRef, split: str, to: Path) -> Answer:
    task = load_task(ref)
    count = export_split(task, split, to)
    content = {"path": str(to), "examples": count, "sha256": task.splits[split].sha256}
    return Answer(content, f"{count} examples written to {to}")
