"""Checks of a user's model: a folder (also one downloaded from the hub), or a GGUF file.

Only safetensors and GGUF are accepted, never a pickle. Loading the weights is in `models/`.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, cast

import safetensors

from paretoscope.errors import ModelError
from paretoscope.families.decoders import decoder_family, gguf_architectures, gguf_family
from paretoscope.families.positions import usable_positions
from paretoscope.families.traced import check_classifier_family
from paretoscope.keys import file_sha256
from paretoscope.sources.gguf import read_header

HEAD = "ForSequenceClassification"
DECODER_HEADS = ("ForCausalLM", "LMHeadModel")
PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
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
DECODER_FILES = ("generation_config.json", "chat_template.jinja")
"""Files of a language model that change its prompts or its generation, not its weights."""


def refused_file(path: Path) -> ModelError:
    """The error for a single file that is given as a model."""
    if path.suffix.lower() in PICKLES:
        return _pickle_error(path)
    return ModelError(
        f'"{path}" is a file, but a model is a folder with config.json, {WEIGHTS} and a tokenizer;'
        " give the folder."
    )


def _pickle_error(path: Path) -> ModelError:
    return ModelError(
        f'"{path}" is a pickle file, which can run code when it is opened; convert it to'
        " safetensors."
    )


def inspect_folder(folder: Path) -> dict[str, Any]:
    """Check the folder of a sequence classifier or a language model.

    Returns the fields of a `ModelRef` that follow from its content.

    Raises:
        ModelError: config, tokenizer or safetensors are missing or unreadable, or the head is not
        supported.
    """
    config = _read_json(folder / "config.json", folder)
    name = _architecture(config, folder)
    decoder = name.endswith(DECODER_HEADS)
    if decoder:
        decoder_family(str(config.get("model_type")))
    else:
        check_classifier_family(str(config.get("model_type")))
    files = weight_files(folder)
    for file in files:
        _check_header(file)
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise ModelError(
            f'The folder "{folder}" has no tokenizer; add the tokenizer.json of the model.'
        )
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    if decoder:
        return {
            "architecture": "decoder",
            "max_tokens": usable_positions(config),
            "about": f"{name}, a language model, {megabytes:,.3g} MB",
            "source": "your own model",
        }
    labels = _label_names(config, folder)
    return {
        "labels": None if all(re.fullmatch(r"LABEL_\d+", label) for label in labels) else labels,
        "classes": len(labels),
        "max_tokens": usable_positions(config),
        "about": f"{name}, {len(labels)} classes, {megabytes:,.3g} MB",
        "source": "your own model",
    }


def inspect_gguf(path: Path) -> dict[str, Any]:
    """Check the GGUF file of a language model; returns the same fields as `inspect_folder`."""
    header = read_header(path)
    family = str(header.get("general.architecture"))
    if gguf_family(family) is None:
        raise ModelError(
            f'"{path}" is a "{family}" model, which is not supported as GGUF; supported are'
            f" {', '.join(gguf_architectures())}."
        )
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


def weight_files(folder: Path) -> list[Path]:
    """`model.safetensors`, or all shards in its index."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        index = _read_json(folder / INDEX, folder)
        shards = [folder / str(name) for name in sorted(set(index.get("weight_map", {}).values()))]
        missing = [shard.name for shard in shards if not shard.is_file()]
        if missing or not shards:
            raise ModelError(
                f'"{folder / INDEX}" lists {missing[0] if missing else "no file"}, which is'
                " missing; copy or download the model again."
            )
        return shards
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in PICKLES and file.name != "training_args.bin":
            raise _pickle_error(file)
    raise ModelError(
        f'The folder "{folder}" has no weights; add {WEIGHTS}, converted if there is only a pickle.'
    )


def _read_json(path: Path, folder: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f'The folder "{folder}" has no {path.name}; give the folder of a transformers model.'
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(
            f'"{path}" cannot be read as JSON: {error}; copy or download the model again.'
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f'"{path}" must be a JSON object, but is a {type(content).__name__}; copy or download'
            " the model again."
        )
    return cast(dict[str, Any], content)


def _architecture(config: dict[str, Any], folder: Path) -> str:
    found = config.get("architectures")
    names = [str(name) for name in cast(list[Any], found)] if isinstance(found, list) else []
    heads = [name for name in names if name.endswith((HEAD, *DECODER_HEADS))]
    if heads:
        return heads[0]
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
        return tuple(f"LABEL_{index}" for index in range(int(config.get("num_labels", 2))))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f'The id2label in "{folder / "config.json"}" does not name the outputs 0, 1, 2, ...;'
            " correct it."
        ) from error


def _check_header(path: Path) -> None:
    """Read only the header, which fails for a truncated file."""
    untyped: Any = safetensors  # the package has no annotations
    try:
        with untyped.safe_open(str(path), framework="numpy") as file:
            file.keys()
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(
            f'"{path}" is not a complete safetensors file ({error}); copy or download it again.'
        ) from error


def folder_key(folder: Path) -> str:
    """16 hex digits of a hash over config, weights and tokenizer files of a checked folder."""
    files = [
        folder / "config.json",
        *weight_files(folder),
        *(folder / name for name in (*TOKENIZER_FILES, *DECODER_FILES)),
    ]
    lines = [f"{file.name} {file_sha256(file)}" for file in files if file.is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
