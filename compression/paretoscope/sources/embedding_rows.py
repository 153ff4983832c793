"""Checks that every token of a model's tokenizer has a row in its word embedding.

Only JSON files and the headers of the weights are read. A text with a token beyond the last row
fails in transformers and in ONNX Runtime.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import safetensors

from paretoscope.errors import ModelError
from paretoscope.sources.folder import weight_files
from paretoscope.sources.max_tokens import TOKENIZER, read_object, tokenizer_config
from paretoscope.sources.ref import ModelRef

SPECIAL_TOKENS = tuple(f"{role}_token" for role in "bos eos unk sep pad cls mask".split())
EMBEDDINGS = (
    "word_embeddings.weight",
    "word_embedding.weight",
    "embed_tokens.weight",
    "tok_embeddings.weight",
    "wte.weight",
    "shared.weight",
)
"""Ends of the names of word embeddings; for other models `vocab_size` of the config counts."""
NAMED = 3
"""Tokens without a row that an error names."""


def check_embedding_rows(model: ModelRef) -> None:
    """Raise `ModelError` when the tokenizer of a model's folder has ids beyond its embedding.

    A GGUF file and a tokenizer without tokenizer.json are checked when the model is prepared.
    """
    folder = Path(model.path or model.name)
    ids = stored_ids(folder)
    if ids:
        first = max(ids.values()) + 1  # tokens that only other files name follow the last id
        new = [token for token in named_tokens(folder) if token not in ids]
        appended = {token: first + place for place, token in enumerate(new)}
        check_ids({**ids, **appended}, _rows(folder), model.name)


def check_ids(ids: Mapping[str, int], rows: int | None, name: str) -> None:
    """Raise `ModelError` when an id of `ids` is not below `rows`, naming its tokens.

    >>> check_ids({"a": 0, "zebra": 1}, 1, "mine")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: The tokenizer of "mine" has 1 token ("zebra", id 1) without ...
    """
    if rows is None:
        return
    beyond = sorted((number, token) for token, number in ids.items() if number >= rows)
    if not beyond:
        return
    named = ", ".join(f'"{token}", id {number}' for number, token in beyond[:NAMED])
    more = f" and {len(beyond) - NAMED} more" if len(beyond) > NAMED else ""
    one = len(beyond) == 1
    raise ModelError(
        f'The tokenizer of "{name}" has {len(beyond)} token{"" if one else "s"} ({named}{more})'
        f" without a row in the word embedding, which has {rows} rows; call"
        " model.resize_token_embeddings(len(tokenizer)) and train the new rows, or use the"
        " tokenizer of this model."
    )


def stored_ids(folder: Path) -> Mapping[str, int]:
    """Id of every token in tokenizer.json; empty without the file or in an unknown format."""
    path = folder / TOKENIZER
    if not path.is_file():
        return {}
    stat = path.stat()
    return _ids_of(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _ids_of(path: str, _size: int, _mtime_ns: int) -> Mapping[str, int]:
    """The ids of a file; size and time invalidate the cached value."""
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        vocabulary: Any = content["model"]["vocab"]
        added = {str(token["content"]): int(token["id"]) for token in content["added_tokens"] or ()}
        if isinstance(vocabulary, dict):
            return cast(dict[str, int], vocabulary) | added
        pieces = cast(Iterable[Any], vocabulary)
        return {str(piece[0]): number for number, piece in enumerate(pieces)} | added
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the tokenizers library reports damaged files


def named_tokens(folder: Path) -> list[str]:
    """Tokens that tokenizer_config.json and the older files beside it name, each once."""
    config = tokenizer_config(folder)
    named: list[Any] = [config.get(name) for name in SPECIAL_TOKENS]
    named += list(config.get("additional_special_tokens") or ())
    if "added_tokens_decoder" in config:
        decoder: Any = config["added_tokens_decoder"]  # transformers reports another type
        named += list(cast(dict[str, Any], decoder).values()) if isinstance(decoder, dict) else []
    else:  # transformers reads the older files only then
        named += list(read_object(folder / "special_tokens_map.json").values())
        named += list(read_object(folder / "added_tokens.json"))
    return list(dict.fromkeys(token for token in map(_content, named) if token))


def _content(token: Any) -> str | None:
    """The text of a token that is stored as a string or as an object."""
    content: Any = cast(dict[str, Any], token).get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


def _rows(folder: Path) -> int | None:
    """Rows of the stored word embedding, or the config's vocabulary size if it has another name."""
    untyped: Any = safetensors  # the package has no annotations
    for path in weight_files(folder):
        with untyped.safe_open(str(path), framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                if name.endswith(EMBEDDINGS):
                    shape: list[int] = file.get_slice(name).get_shape()
                    if len(shape) == 2:
                        return shape[0]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    size = config.get("vocab_size")
    return size if isinstance(size, int) else None
