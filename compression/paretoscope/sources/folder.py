"""Checks of a user's model: a folder (also one downloaded from the hub), or a GGUF file.

Only safetensors and GGUF are accepted, never a pickle. Loading the weights is in `models/`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from paretoscope.errors import ModelError
from paretoscope.families.decoders import decoder_family, gguf_architectures, gguf_family
from paretoscope.families.positions import usable_positions
from paretoscope.families.traced import check_classifier_family, classifier_notes
from paretoscope.keys import file_sha256
from paretoscope.sources import folder_problems, gguf_problems
from paretoscope.sources.files import (
    PICKLES,
    WEIGHTS,
    StoredTensor,
    pickle_error,
    read_json,
    stored_tensors,
    weight_files,
)
from paretoscope.sources.gguf import read_header
from paretoscope.sources.max_tokens import text_limit
from paretoscope.sources.other_formats import check_adapter, hint

HEAD = "ForSequenceClassification"
DECODER_HEADS = ("ForCausalLM", "LMHeadModel")
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
)
TOKENIZER_FILES = (
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
READ_BY = "tokenizer as in transformers"
"""Part of a folder's key: models were once prepared from tokenizer.json without its settings."""
DECODER_FILES = ("generation_config.json", "chat_template.jinja")
"""Files of a language model that change its prompts or its generation, not its weights."""


def refused_file(path: Path) -> ModelError:
    """The error for a single file that is given as a model."""
    if path.suffix.lower() in PICKLES:
        return pickle_error(path)
    return ModelError(
        f'"{path}" is a file, but a model is a folder with config.json, {WEIGHTS} and a tokenizer;'
        " give the folder."
    )


def inspect_folder(folder: Path) -> dict[str, Any]:
    """Check the folder of a sequence classifier or a language model.

    Returns the fields of a `ModelRef` that follow from its content.

    Raises:
        ModelError: config, tokenizer or safetensors are missing or unreadable, or the head is not
        supported.
    """
    check_adapter(folder)
    if not (folder / "config.json").is_file() and (known := hint(folder)):
        raise known
    config = read_json(folder / "config.json")
    name = _architecture(config, folder)
    decoder = name.endswith(DECODER_HEADS)
    if decoder:
        decoder_family(str(config.get("model_type")))
    else:
        check_classifier_family(str(config.get("model_type")))
    files = _weight_files(folder)
    tensors = stored_tensors(files)
    if found := folder_problems.problems(folder, config, tensors, decoder=decoder):
        raise ModelError(" ".join(found))
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise ModelError(
            f'The folder "{folder}" has no tokenizer; add the tokenizer.json of the model.'
        )
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    precision = _precision(tensors)
    size = f"{megabytes:,.3g} MB" + (f" of {precision}" if precision else "")
    common = {
        "max_tokens": usable_positions(config),
        "notes": (
            *(() if precision is None else (_precision_note(precision),)),
            *(() if decoder else classifier_notes(str(config.get("model_type")))),
        ),
        "source": "your own model",
    }
    if decoder:
        about = f"{name}, a language model, {size}"
        return {"architecture": "decoder", "about": about, **common}
    labels = _label_names(config, folder)
    return {
        "labels": None if labels == _unnamed(len(labels)) else labels,
        "classes": len(labels),
        "about": f"{name}, {len(labels)} classes, {size}",
        **common,
        "max_tokens": text_limit(usable_positions(config), folder),
    }


def _weight_files(folder: Path) -> list[Path]:
    """`weight_files`, with a hint for a folder of another format."""
    try:
        return weight_files(folder)
    except ModelError as error:
        raise hint(folder) or error from error


_PRECISIONS = {"F16": "float16", "BF16": "bfloat16", "F64": "float64"}


def _precision(tensors: Mapping[str, StoredTensor]) -> str | None:
    """The type of most weights; None for float32.

    >>> _precision({"a": StoredTensor("BF16", (4, 4)), "b": StoredTensor("F32", (4,))})
    'bfloat16'
    """
    counts: dict[str, int] = {}
    for dtype, shape in tensors.values():
        counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
    return _PRECISIONS.get(max(counts, key=lambda dtype: counts[dtype], default="F32"))


def _precision_note(precision: str) -> str:
    change = "half" if precision == "float64" else "twice"
    return (
        f"Weights are stored as {precision}; the baseline is their float32 copy, {change} the size"
        " on disk."
    )


def inspect_gguf(path: Path) -> dict[str, Any]:
    """Check the GGUF file of a language model; returns the same fields as `inspect_folder`."""
    header = read_header(path)
    family = str(header.get("general.architecture"))
    if gguf_family(family) is None:
        raise ModelError(
            f'"{path}" is a "{family}" model, which is not supported as GGUF; supported are'
            f" {', '.join(gguf_architectures())}."
        )
    if found := gguf_problems.problems(path):
        raise ModelError(" ".join(found))
    tokens = header.get(f"{family}.context_length")
    title = header.get("general.name") or path.stem
    return {
        "architecture": "decoder",
        "max_tokens": tokens if isinstance(tokens, int) and tokens > 0 else None,
        "about": (
            f"{title}, a {family} language model, {path.stat().st_size / 1e6:,.3g} MB of GGUF,"
            " de-quantized to fp32"
        ),
        "source": "your own model",
    }


def _architecture(config: dict[str, Any], folder: Path) -> str:
    found = config.get("architectures")
    names = [str(name) for name in cast(list[Any], found)] if isinstance(found, list) else []
    heads = [name for name in names if name.endswith((HEAD, *DECODER_HEADS))]
    if heads:
        return heads[0]
    if known := hint(folder):
        raise known
    what = f"a {names[0]}" if names else "a model without architectures in config.json"
    raise ModelError(
        f'The folder "{folder}" contains {what}, but a classification or language modeling head is'
        f" needed; give a ...{HEAD} or a ...{DECODER_HEADS[0]}."
    )


def _label_names(config: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Names of the outputs in order; without id2label there are `num_labels`, by default 2."""
    table = config.get("id2label")
    try:
        if isinstance(table, dict) and table:
            by_index = {
                int(index): str(name) for index, name in cast(dict[str, Any], table).items()
            }
            return tuple(by_index[index] for index in range(len(by_index)))
        return _unnamed(int(config.get("num_labels", 2)))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f'The id2label in "{folder / "config.json"}" does not name the outputs 0, 1, 2, ...;'
            " correct it."
        ) from error


def _unnamed(count: int) -> tuple[str, ...]:
    """The names that `transformers` gives to outputs without names."""
    return tuple(f"LABEL_{index}" for index in range(count))


def folder_key(folder: Path) -> str:
    """16 hex digits of a hash over config, weights and tokenizer files of a checked folder."""
    files = [
        folder / "config.json",
        *weight_files(folder),
        *(folder / name for name in (*TOKENIZER_FILES, *DECODER_FILES)),
    ]
    lines = [f"{file.name} {file_sha256(file)}" for file in files if file.is_file()]
    lines.append(READ_BY)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
