"""Models and tasks by name: the built-in ones, a person's own folder or hub id, a person's own
file.

Resolving a name checks that it can be used and gives it a key made of its content. Loading weights
is `models/`'s, reading data `tasks/load.py`'s; what makes a folder of weights acceptable is in
`sources/folder.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from paretoscope.errors import ModelError, ParetoscopeError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS, resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.trial import Conditions, Protocol, TrialRequest

PROMPT_TOKENS = 128
"""Tokens of the prompt that a decoder is timed with, until others are asked for."""
MOST_AT_ONCE = 1024
"""Requests in a batch, and threads, that a latency may be taken with: far above use, far below what
ends a machine.
"""


_Ref = TypeVar("_Ref", ModelRef, TaskRef)


def models() -> list[ModelRef]:
    """The built-in models that are ready: carrier installed, adapter present."""
    return _ready(resolve_model, (*BUILTIN_MODELS, *BUILTIN_DECODERS))


def tasks() -> list[TaskRef]:
    """The built-in tasks whose carrier is installed."""
    return _ready(resolve_task, BUILTIN_TASKS)


def _ready(resolve: Callable[[str], _Ref], names: Iterable[str]) -> list[_Ref]:
    found: list[_Ref] = []
    for name in names:
        try:
            found.append(resolve(name))
        except ParetoscopeError:
            continue
    return found


def check_task(task: TaskRef, model: ModelRef) -> None:
    """Raise `TaskError` when a task is for another kind of model."""
    if task.architecture == model.architecture:
        return
    fitting = [
        name
        for name, builtin in BUILTIN_TASKS.items()
        if bool(builtin.labels) == (model.architecture == "classifier")
    ]
    kinds = {
        "classifier": "a classifier, which gives a text a class",
        "decoder": "a language model, which continues text",
    }
    raise TaskError(
        f'The task "{task.name}" is for {kinds[task.architecture]}, but "{model.name}" is'
        f" {kinds[model.architecture]}; "
        f"choose one of {', '.join(fitting)} or give a data file."
    )


def request(
    model: str,
    recipe: Recipe,
    *,
    task: str | None = None,
    protocol: Protocol = "quick",
    conditions: Conditions | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    unlabelled: str | None = None,
) -> TrialRequest:
    """A request whose model and task exist and fit each other, with their content keys filled in.

    Everything that bad input can do wrong is found here, before anything is queued.
    """
    # both build on this file
    from paretoscope.shape.compatibility import check_fit
    from paretoscope.tasks.load import load_task

    chosen = resolve_model(model)
    check_fit(chosen, recipe)
    conditions = conditions or default_conditions(chosen)
    _check_conditions(conditions, chosen)
    name = task or chosen.task
    if name is None:
        raise TaskError(
            f'The model "{model}" has no task of its own; name one ({", ".join(BUILTIN_TASKS)}) or'
            " give a data file with --task."
        )
    data = resolve_task(
        name,
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        unlabelled=unlabelled,
        architecture=chosen.architecture,
    )
    check_task(data, chosen)
    if data.name != chosen.task or unlabelled is not None:
        load_task(data, chosen.outputs)
    _check_texts(recipe, data, chosen)
    return TrialRequest(
        model=chosen.name,
        task=data.name,
        recipe=recipe,
        protocol=protocol,
        conditions=conditions,
        model_key=chosen.key,
        task_key=data.key,
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        unlabelled=data.unlabelled,
    )


def _check_texts(recipe: Recipe, data: TaskRef, model: ModelRef) -> None:
    """Raise `TaskError` when a recipe learns from unlabelled texts and the task has none."""
    from paretoscope.tasks.load import load_task  # builds on this file

    if recipe.learns_from_unlabelled and not len(load_task(data, model.outputs).unlabelled):
        raise TaskError(
            f'The recipe learns from unlabelled texts, but the task "{data.name}" has none; '
            "give a file of texts with --unlabelled, or leave unlabelled out of the recipe."
        )


def default_conditions(model: ModelRef) -> Conditions:
    """Those that are usual: a short text for a classifier, a prompt for a decoder, within what the
    model takes.
    """
    usual = (
        Conditions() if model.architecture == "classifier" else Conditions(sequence=PROMPT_TOKENS)
    )
    return usual.model_copy(
        update={"sequence": min(usual.sequence, model.max_tokens or usual.sequence)}
    )


def _check_conditions(at: Conditions, model: ModelRef) -> None:
    """Latency is never taken at what the model or a machine cannot do; raises `ParetoscopeError`."""
    for what, given, most in (
        ("batch", at.batch, MOST_AT_ONCE),
        ("threads", at.threads, MOST_AT_ONCE),
        ("sequence", at.sequence, model.max_tokens),
    ):
        if given < 1 or given > (most or given):
            of = f' of "{model.name}"' if what == "sequence" else ""
            raise ParetoscopeError(
                f"The {what} of the latency{of} must be from 1 to {most}, but got {given}; choose"
                " another."
            )


def resolve_request(wanted: TrialRequest) -> tuple[ModelRef, TaskRef]:
    """The model and data of a queued request; raises when either has changed since it was queued."""
    model = resolve_model(wanted.model)
    task = resolve_task(
        wanted.task,
        text_column=wanted.text_column,
        label_column=wanted.label_column,
        encoding=wanted.encoding,
        unlabelled=wanted.unlabelled,
        architecture=model.architecture,
    )
    if wanted.model_key and model.key != wanted.model_key:
        raise ModelError(
            f'The model "{wanted.model}" has changed since this trial was queued; start it again.'
        )
    if wanted.task_key and task.key != wanted.task_key:
        raise TaskError(
            f'The data "{wanted.task}" has changed since this trial was queued; start it again.'
        )
    return model, task


def describe_model(ref: ModelRef) -> dict[str, Any]:
    """What the `models` command prints about one model."""
    return ref.model_dump(
        include={
            "name",
            "kind",
            "architecture",
            "task",
            "labels",
            "classes",
            "about",
            "source",
            "key",
            "revision",
        },
        mode="json",
    )
