"""The tokenizer of a user's model as transformers loads it, and as the tokenizer.json of artefacts.

`AutoTokenizer` applies the settings of tokenizer_config.json and of the files beside it (lower
case, accents, added tokens, BOS and EOS, ...) to the tokenizer of the tokenizers library. That
library alone reads the tokenizer of an artefact, so `check_tokenizer` compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from paretoscope.errors import ModelError
from paretoscope.models.decoder.checkpoint import TOKENIZER_CONFIG
from paretoscope.models.pretrained import first_line, located
from paretoscope.sources.embedding_rows import check_ids, named_tokens, stored_ids
from paretoscope.sources.max_tokens import UNLIMITED
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.splits import Task
from paretoscope.tasks.tokens import encode

_untyped: Any = Tokenizer  # the packages have no complete annotations
_converter: Any = import_module("transformers.convert_slow_tokenizer")
PROBES = (
    "",
    " ",
    "a",
    "A Capital, ALL CAPITALS and camelCase",
    "café, naïve, Ångström, cafe\u0301",
    "  two  spaces,\ta tab\nand a new line  ",
    "中文字符和日本語テキスト",
    "ภาษาไทย עברית العربية",
    "thumbs 👍🏽 and a family 👨‍👩‍👧",
    "don't — “quoted” … 1,234.56 € http://a.b/c?d=e",
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <pad> <mask> <unk> <|endoftext|>",
    "a[SEP]b<pad>c <s>d </s> e<mask> f",
)
"""Texts on which tokenizers with other settings differ."""
TEXTS = 100
"""Texts of each split that are compared, too."""
CHARACTERS = 2_000
"""Of each of these texts."""


def own_tokenizer(ref: ModelRef) -> Any:
    """The tokenizer of transformers; raises `ModelError` if its files cannot be read."""
    factory: Any = AutoTokenizer
    try:
        return factory.from_pretrained(trust_remote_code=False, **located(ref))
    except Exception as error:  # tokenizers raises plain Exception for an unreadable file
        raise ModelError(
            f'The tokenizer of "{ref.name}" cannot be read by transformers: {first_line(error)};'
            " correct tokenizer.json and tokenizer_config.json, or save it with save_pretrained."
        ) from error


def tokenizer_json(ref: ModelRef, tokenizer: Any, rows: int) -> str:
    """`tokenizer` as the content of a tokenizer.json, without padding, for an embedding of `rows`.

    It has a `truncation` only if a classifier's texts are truncated on the left. Raises
    `ModelError` when a tokenizer in Python cannot be converted.
    """
    backend = _backend(ref, tokenizer)
    content = json.loads(backend.to_str())
    added = list(_added_tokens(ref, tokenizer, content, rows))
    if added != content["added_tokens"]:
        backend = _untyped.from_str(json.dumps({**content, "added_tokens": added}))
    backend.no_padding()
    backend.no_truncation()
    if ref.architecture == "classifier" and tokenizer.truncation_side == "left":
        backend.enable_truncation(ref.max_tokens or UNLIMITED, direction="left")
    return backend.to_str()


def _backend(ref: ModelRef, tokenizer: Any) -> Any:
    """The tokenizer of the tokenizers library, converted if it is in Python."""
    try:
        if tokenizer.is_fast:
            return tokenizer.backend_tokenizer
        return _converter.convert_slow_tokenizer(tokenizer)
    except Exception as error:  # as above
        raise ModelError(
            f'The tokenizer of "{ref.name}" is a {type(tokenizer).__name__}, which cannot be'
            f" converted to a tokenizer.json ({first_line(error)}); give a model with a fast"
            " tokenizer."
        ) from error


def _added_tokens(
    ref: ModelRef, tokenizer: Any, content: dict[str, Any], rows: int
) -> Iterator[dict[str, Any]]:
    """Added tokens without two kinds that a file cannot have; the vocabulary is unchanged.

    These are a classifier's special tokens if `split_special_tokens` is set, and default tokens of
    the tokenizer's class that are in no file of the model and have no row in its embedding.
    """
    folder = Path(ref.path or ref.name)
    named = {*stored_ids(folder), *named_tokens(folder)}
    split = ref.architecture == "classifier" and tokenizer.split_special_tokens
    for token in content["added_tokens"]:
        default = token["id"] >= rows and token["content"] not in named
        if not default and not (split and token["special"]):
            yield token


def check_inputs(ref: ModelRef, tokenizer: Any) -> None:
    """Raise `ModelError` when the model gets more from its tokenizer than token ids and a mask.

    Token types of 0 are what a model computes without them.
    """
    try:
        inputs = tokenizer(PROBES[2])
    except Exception as error:  # a tokenizer for something else than a text
        raise ModelError(
            f'The tokenizer of "{ref.name}" ({type(tokenizer).__name__}) cannot read a text:'
            f" {first_line(error)}; give a model of texts."
        ) from error
    if any(inputs.get("token_type_ids", ())):
        raise ModelError(
            f'The tokenizer of "{ref.name}" gives the tokens of a single text other token types'
            " than 0, but an artefact reads only token ids; remove token_type_ids from"
            " model_input_names in tokenizer_config.json if the model was trained without them."
        )
    if more := sorted({*inputs} - {"input_ids", "attention_mask", "token_type_ids"}):
        raise ModelError(
            f'The tokenizer of "{ref.name}" ({type(tokenizer).__name__}) also gives the model'
            f" {', '.join(more)}, but an artefact reads only token ids; give a model without them."
        )


def check_tokenizer(
    ref: ModelRef, tokenizer: Any, written: str, rows: int, task: Task, max_length: int | None
) -> None:
    """Raise `ModelError` unless `written` gives the token ids of `tokenizer` on `PROBES` and on
    texts of `task`, truncated to `max_length`, and all its ids are below `rows`.
    """
    check_ids(_untyped.from_str(written).get_vocab(), rows, ref.name)
    if max_length is not None and max_length <= tokenizer.num_special_tokens_to_add():
        raise ModelError(
            f'The texts of "{ref.name}" are truncated to {max_length} tokens, but its tokenizer'
            f" adds {tokenizer.num_special_tokens_to_add()} special tokens; set a higher"
            " --max-length or correct model_max_length in tokenizer_config.json."
        )
    check_inputs(ref, tokenizer)
    limit = max_length if ref.architecture == "classifier" else None
    named = list(_probes(task, limit))
    texts = [text for _, text in named]
    right = _ids(tokenizer, texts, limit)
    for (name, _), ids, wanted in zip(named, encode(written, texts, limit), right, strict=True):
        used = ids.tolist()
        tokens = tokenizer.convert_ids_to_tokens(used)
        check_ids(dict(zip(tokens, used, strict=True)), rows, ref.name)
        if max(wanted, default=0) >= rows:
            continue  # a default token without a row, for which the model fails in transformers
        if used != wanted:
            raise ModelError(
                f'The tokenizer of "{ref.name}" ({type(tokenizer).__name__}) gives other token ids'
                f" in transformers than as a tokenizer.json, first for {name}; save a tokenizer"
                " that the tokenizers library can represent."
            )


def _ids(tokenizer: Any, texts: Sequence[str], max_length: int | None) -> list[list[int]]:
    """Token ids of each text by transformers, truncated unless `max_length` is None."""
    limit = {} if max_length is None else {"truncation": True, "max_length": max_length}
    return [list(tokenizer(text, verbose=False, **limit)["input_ids"]) for text in texts]


def _probes(task: Task, max_length: int | None) -> Iterator[tuple[str, str]]:
    """(name, text) of every text that is compared."""
    for text in PROBES:
        yield f'the text "{text}"', text
    for split in task.splits.values():
        for number, text in enumerate(split.texts[:TEXTS], start=1):
            yield f"text {number} of the {split.name} split", text[:CHARACTERS]
        long = " ".join(split.texts[:TEXTS])
        yield (
            f"the joined texts of the {split.name} split",
            long[: 16 * (max_length or 0) + CHARACTERS],
        )


def write_tokenizer_config(tokenizer: Any, folder: Path) -> None:
    """Write tokenizer_config.json with the chat template, as onnxruntime-genai reads it."""
    template = tokenizer.chat_template
    content = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        **({"chat_template": template} if isinstance(template, str) else {}),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / TOKENIZER_CONFIG).write_text(text, encoding="utf-8")
