"""The longest text of a model: its positions, or `model_max_length` of its tokenizer if lower.

This is the length to which `tokenizer(text, truncation=True)` of transformers truncates.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from paretoscope.errors import ModelError, TaskError
from paretoscope.sources.ref import ModelRef

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
UNLIMITED = 1_000_000
"""A `model_max_length` from this on means that the tokenizer has no limit; usual is 1e30."""
USUAL_SPECIAL_TOKENS = 2


def text_limit(positions: int | None, folder: Path) -> int | None:
    """Most tokens of a classifier's text: `positions`, or the tokenizer's limit if lower.

    None: neither limits it. Raises `ModelError` when tokenizer_config.json cannot be read or its
    limit is not a positive number.
    """
    limits = [limit for limit in (positions, tokenizer_limit(folder)) if limit is not None]
    return min(limits, default=None)


def tokenizer_limit(folder: Path) -> int | None:
    """`model_max_length` in tokenizer_config.json, None if it has no usable limit."""
    path = folder / TOKENIZER_CONFIG
    config = tokenizer_config(folder)
    limit = config.get("model_max_length", config.get("max_len"))
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or limit < 1:
        raise ModelError(
            f'model_max_length in "{path}" is {limit!r}, but must be a positive number of tokens;'
            " correct it."
        )
    return int(limit) if limit < UNLIMITED else None


def tokenizer_config(folder: Path) -> dict[str, Any]:
    """The content of tokenizer_config.json, empty if there is none; raises `ModelError`."""
    return read_object(folder / TOKENIZER_CONFIG)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, empty if there is no such file; raises `ModelError`."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f'"{path}" cannot be read as JSON: {error}; copy or download the model again.'
        ) from error
    return cast(dict[str, Any], content) if isinstance(content, dict) else {}


def check_max_length(max_length: int | None, model: ModelRef) -> None:
    """Raise `TaskError` when texts cannot be truncated to `max_length` tokens for a model."""
    if max_length is None:
        return
    fewest = special_tokens(model) + 1
    if max_length < fewest:
        raise TaskError(
            f'The maximum length of a text is {max_length}, but "{model.name}" needs at least'
            f" {fewest} tokens: {fewest - 1} special tokens and one of the text; set a higher"
            " --max-length."
        )
    if model.max_tokens is not None and max_length > model.max_tokens:
        raise TaskError(
            f'The maximum length of a text is {max_length}, but "{model.name}" reads at most'
            f" {model.max_tokens} tokens; set --max-length to {model.max_tokens} or lower."
        )


def special_tokens(model: ModelRef) -> int:
    """Number of special tokens that the tokenizer adds to a text; 2 if it has no tokenizer.json."""
    path = Path(model.path or model.name) / TOKENIZER
    if not path.is_file():
        return USUAL_SPECIAL_TOKENS
    untyped: Any = Tokenizer  # the package has no complete annotations
    try:
        return int(untyped.from_file(str(path)).num_special_tokens_to_add(False))
    except Exception as error:  # the Rust library raises plain Exception
        raise ModelError(
            f'The tokenizer "{path}" cannot be read ({error}); copy or download the model again.'
        ) from error
