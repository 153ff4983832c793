"""Models, tasks and trial requests by name: the entry point of pages and commands.

`request` checks a model, a recipe and a task against each other before anything is queued. Models
are resolved in `sources/`, tasks in `tasks/`; whether a recipe applies to a model is decided in
`shape/compatibility.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from paretoscope.errors import ModelError, ParetoscopeError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.compatibility import check_fit
from paretoscope.sources.check import check_model
from paretoscope.sources.embedding_rows import check_embedding_rows
from paretoscope.sources.max_tokens import check_max_length
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS, resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions, TaskRef
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.request import NEW_TOKENS, Conditions, Protocol, TrialRequest
from paretoscope.workspace import Workspace

PROMPT_TOKENS = 128
"""Default length of the prompt for the latency of a decoder."""
MAX_PARALLEL = 1024
"""Most requests in a batch, and most threads, of a latency measurement."""

_Ref = TypeVar("_Ref", ModelRef, TaskRef)
_KINDS = {
    "classifier": "a classifier, which predicts a class for each text",
    "decoder": "a language model, which predicts the next token",
}


def models() -> list[ModelRef]:
    """The built-in models that are usable: carrier installed, adapter present."""
    return _usable(resolve_model, (*BUILTIN_MODELS, *BUILTIN_DECODERS))


def tasks() -> list[TaskRef]:
    """The built-in tasks whose carrier is installed."""
    return _usable(resolve_task, BUILTIN_TASKS)


def _usable(resolve: Callable[[str], _Ref], names: Iterable[str]) -> list[_Ref]:
    found: list[_Ref] = []
    for name in names:
        try:
            found.append(resolve(name))
        except ParetoscopeError:
            continue
    return found


def check(model: str, workspace: Workspace, announce: Callable[[], object] = lambda: None) -> None:
    """Load a user's model once in another process and check it; call this before queueing.

    The result is kept in the workspace. `announce` is called before a check that takes seconds.

    Raises:
        ModelError: the model cannot be used; a sentence for each of its problems.
    """
    if model not in BUILTIN_MODELS and model not in BUILTIN_DECODERS:
        check_model(resolve_model(model), workspace.checks, announce)


def request(
    model: str,
    recipe: Recipe,
    *,
    task: str | None = None,
    protocol: Protocol = "quick",
    conditions: Conditions | None = None,
    options: DataOptions = DEFAULT_OPTIONS,
) -> TrialRequest:
    """A trial request with content keys, whose model, recipe and task are checked.

    Raises:
        ParetoscopeError: the model, the task or the recipe cannot be used, or they do not fit each
        other; every error in the input is found here.
    """
    chosen = resolve_model(model)
    check_fit(chosen, recipe)
    conditions = conditions or default_conditions(chosen)
    _check_conditions(conditions, chosen, protocol)
    check_embedding_rows(chosen)
    check_max_length(options.max_length, chosen)
    data = _data_for(chosen, task, options)
    _check_texts(recipe, data, chosen)
    return TrialRequest(
        model=chosen.name,
        task=data.name,
        recipe=recipe,
        protocol=protocol,
        conditions=conditions,
        model_key=chosen.key,
        task_key=data.key,
        **options.model_copy(update={"unlabelled": data.options.unlabelled}).model_dump(),
    )


def resolve_request(wanted: TrialRequest) -> tuple[ModelRef, TaskRef]:
    """Model and data of a queued request; raises when either has changed since it was queued."""
    model = resolve_model(wanted.model)
    options = wanted.model_dump(include=set(DataOptions.model_fields))
    task = resolve_task(
        wanted.task, DataOptions.model_validate(options), architecture=model.architecture
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


def notes(wanted: TrialRequest) -> tuple[str, ...]:
    """What a reader of any result of a checked request has to know of its model and data."""
    model, data = resolve_request(wanted)
    about_data = load_task(data, model.outputs).notes if _is_read(data, model) else ()
    return (*model.notes, *about_data)


def _is_read(data: TaskRef, model: ModelRef) -> bool:
    """Whether the data has to be read before a trial: not that of a built-in model's own task."""
    return data.name != model.task or data.options.unlabelled is not None


def default_conditions(model: ModelRef) -> Conditions:
    """A short text for a classifier, a prompt for a decoder, within the model's `max_tokens`.

    A prompt leaves room for the new tokens of every protocol, or of the shortest if the context is
    small. It does not depend on the protocol, so that both are measured under one condition.
    """
    usual = Conditions()
    if model.architecture == "decoder":
        usual = Conditions(sequence=PROMPT_TOKENS)
    if model.max_tokens is None:
        return usual
    longest = model.max_tokens
    if model.architecture == "decoder":
        most = max(NEW_TOKENS.values())
        longest -= most if longest >= 2 * most else min(NEW_TOKENS.values())
    return usual.model_copy(update={"sequence": max(1, min(usual.sequence, longest))})


def check_task(task: TaskRef, model: ModelRef) -> None:
    """Raise `TaskError` when a task is for the other kind of model."""
    if task.architecture == model.architecture:
        return
    suitable = [
        name
        for name, builtin in BUILTIN_TASKS.items()
        if bool(builtin.labels) == (model.architecture == "classifier")
    ]
    raise TaskError(
        f'The task "{task.name}" is for {_KINDS[task.architecture]}, but "{model.name}" is'
        f" {_KINDS[model.architecture]}; choose one of {', '.join(suitable)} or give a data file."
    )


def _data_for(model: ModelRef, task: str | None, options: DataOptions) -> TaskRef:
    """The task `task`, else the model's default task, checked against the model."""
    name = task or model.task
    if name is None:
        raise TaskError(
            f'The model "{model.name}" has no default task; name one'
            f" ({', '.join(BUILTIN_TASKS)}) or give a data file with --task."
        )
    data = resolve_task(name, options, architecture=model.architecture)
    check_task(data, model)
    if _is_read(data, model):
        load_task(data, model.outputs)
    return data


def _check_texts(recipe: Recipe, data: TaskRef, model: ModelRef) -> None:
    """Raise `TaskError` when a recipe needs unlabelled texts and the task has none."""
    if recipe.learns_from_unlabelled and not len(load_task(data, model.outputs).unlabelled):
        raise TaskError(
            f'The recipe trains on unlabelled texts, but the task "{data.name}" has none; give a'
            " file of texts with --unlabelled, or remove unlabelled from the recipe."
        )


def _check_conditions(at: Conditions, model: ModelRef, protocol: Protocol) -> None:
    """Raise `ParetoscopeError` for a latency that the model or a machine cannot be measured at."""
    new = NEW_TOKENS[protocol] if model.architecture == "decoder" else 0
    longest = None if model.max_tokens is None else model.max_tokens - new
    if longest is not None and longest < 1:
        raise ParetoscopeError(
            f'"{model.name}" has a context of {model.max_tokens} tokens, but the {protocol}'
            f" protocol measures a prompt and {new} new tokens; choose another protocol or model."
        )
    for what, value, most in (
        ("batch size", at.batch, MAX_PARALLEL),
        ("number of threads", at.threads, MAX_PARALLEL),
        ("sequence length", at.sequence, longest),
    ):
        if value < 1 or value > (most or value):
            limits = f"from 1 to {most}" if most else "at least 1"
            if new and most == longest:
                limits += f", because {new} new tokens follow within the context"
            raise ParetoscopeError(
                f'The {what} for the latency of "{model.name}" is {value}, but must be {limits};'
                " choose another."
            )


def describe_model(ref: ModelRef) -> dict[str, Any]:
    """The output of `paretoscope models` for one model."""
    fields = "name kind architecture task labels classes about source key revision"
    return ref.model_dump(include=set(fields.split()), mode="json")
