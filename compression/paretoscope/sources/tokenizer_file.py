"""A tokenizer.json as data: its entries, the required ones, their bytes, and a smaller file.

For WordPiece (BERT, DistilBERT, ELECTRA), BPE (RoBERTa) and Unigram (XLM-R, CamemBERT). A text of
kept tokens is tokenized as before: the longest match (WordPiece), the order of merges (BPE) and the
best path (Unigram) are unchanged among fewer candidates. Which tokens to keep is decided in
`pruning/vocabulary.py`; renumbering ids is in `sources/token_ids.py`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from paretoscope.errors import ModelError, RecipeError
from paretoscope.sources.token_ids import (
    config_ids,
    processor_ids,
    renumbered,
    renumbered_processor,
)

KINDS = ("WordPiece", "BPE", "Unigram")
"""Supported values of the model's `type` in the file."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""Names of special tokens, for files that do not list them."""
PLACEHOLDER = re.compile(r"\[unused\d+\]")
"""Entries of BERT that are never used."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Vocabulary:
    """The vocabulary of a tokenizer.json, by token id."""

    def __init__(self, text: str, where: str = "tokenizer.json") -> None:
        """Parse `text`, the content of the file `where`.

        Raises:
            ModelError: it is not a tokenizer.json, or not of one of `KINDS`.
        """
        try:
            self._content: dict[str, Any] = json.loads(text)
            self._model: dict[str, Any] = self._content["model"]
            self.kind = str(self._model.get("type"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f'"{where}" is not a tokenizer.json; copy or download the model again.'
            ) from error
        if self.kind not in KINDS:
            raise ModelError(
                f'The vocabulary of a "{self.kind}" tokenizer cannot be pruned, only of'
                f" {', '.join(KINDS)}: it has no subword pieces for removed words; remove the"
                " target vocabulary."
            )

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of every entry, added tokens included."""
        stored: Any = self._model["vocab"]
        own: dict[str, int] = (
            {str(piece): index for index, (piece, _) in enumerate(stored)}
            if self.kind == "Unigram"
            else dict(stored)
        )
        return own | {str(token["content"]): int(token["id"]) for token in self._added}

    @property
    def _added(self) -> list[dict[str, Any]]:
        """Tokens that were added to the vocabulary of the model."""
        return self._content.get("added_tokens") or []

    @cached_property
    def pieces(self) -> dict[int, str]:
        """The entry of every id."""
        return {number: piece for piece, number in self.ids.items()}

    @property
    def unknown(self) -> str | None:
        """The token for unknown characters; byte-level tokenizers have none."""
        if self.kind == "Unigram":
            index = self._model.get("unk_id")
            return None if index is None else str(self._model["vocab"][index][0])
        return self._model.get("unk_token")

    @property
    def mask(self) -> int | None:
        """Id of the mask token."""
        return next((self.ids[name] for name in ("[MASK]", "<mask>") if name in self.ids), None)

    @cached_property
    def _merges(self) -> list[tuple[str, str, str]]:
        """The merges of BPE in order: left part, right part and result."""
        prefix = self._model.get("continuing_subword_prefix") or ""
        found: list[tuple[str, str, str]] = []
        for merge in self._model.get("merges", ()) if self.kind == "BPE" else ():
            left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
            found.append((left, right, left + right.removeprefix(prefix)))
        return found

    @cached_property
    def _made_by(self) -> dict[str, int]:
        """Index of the first merge that results in an entry of BPE."""
        first: dict[str, int] = {}
        for index, (_, _, whole) in enumerate(self._merges):
            first.setdefault(whole, index)
        return first

    def required(self, config: Mapping[str, Any]) -> frozenset[int]:
        """Ids that cannot be removed.

        These are special tokens, tokens in the model's `config`, and all single characters or bytes
        with their continuations, so that any word can be written in pieces. Ids up to that of
        padding are required too, because RoBERTa numbers positions from the id of padding.
        """
        special = (name for name in (*SPECIAL, self.unknown) if name is not None)
        named = {self.ids[name] for name in special if name in self.ids}
        named |= {int(token["id"]) for token in self._added}
        named |= set(processor_ids(self._content.get("post_processor")))
        named |= set(config_ids(config).values())
        padding = config.get("pad_token_id")
        if isinstance(padding, int):
            named |= set(range(padding + 1))
        prefix = self._model.get("continuing_subword_prefix") or ""
        single = {
            number
            for piece, number in self.ids.items()
            if len(piece.removeprefix(prefix)) == 1 or BYTE.fullmatch(piece)
        }
        if self.kind == "BPE":
            single |= {number for piece, number in self.ids.items() if piece not in self._made_by}
        return frozenset(named | single)

    def ranked(self, counts: Sequence[int]) -> list[int]:
        """All ids, the most frequent first; ties are in the order of the original vocabulary.

        `counts` [ids] are the frequencies of the tokens. Intermediate results of BPE merges count
        as well, so the first n ids always include the parts of all their tokens.
        """
        uses = [*map(int, counts)] + [0] * (max(self.pieces) + 1 - len(counts))
        for left, right, whole in (
            self._merges[index] for index in sorted(self._made_by.values(), reverse=True)
        ):
            for part in (left, right):
                uses[self.ids[part]] += uses[self.ids[whole]]

        def rank(number: int) -> tuple[int, bool, int]:
            piece = self.pieces[number]
            return (
                -uses[number],
                PLACEHOLDER.fullmatch(piece) is not None,
                self._made_by.get(piece, -1) if self._merges else number,
            )

        return sorted(self.pieces, key=rank)

    def only(self, kept: Iterable[int]) -> str:
        """The tokenizer.json with only these ids, renumbered from 0 in their order.

        >>> model = {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0, "a": 1, "##a": 2}}
        >>> Vocabulary(json.dumps({"model": model})).only([0, 2])
        '{"model":{"type":"WordPiece","unk_token":"u","vocab":{"u":0,"##a":1}}}'
        """
        new = renumbered(kept)
        content = {**self._content, "model": self._model_with(new)}
        if "added_tokens" in content:
            content["added_tokens"] = [{**token, "id": new[token["id"]]} for token in self._added]
        if content.get("post_processor"):
            content["post_processor"] = renumbered_processor(content["post_processor"], new)
        return _compact(content)

    def _model_with(self, new: Mapping[int, int]) -> dict[str, Any]:
        """The model's part of the file with the ids in `new`."""
        model = dict(self._model)
        if self.kind == "Unigram":
            unknown: int | None = model.get("unk_id")
            model["vocab"] = [entry for index, entry in enumerate(model["vocab"]) if index in new]
            model["unk_id"] = None if unknown is None else new.get(unknown)
        else:
            model["vocab"] = {
                piece: new[number] for piece, number in model["vocab"].items() if number in new
            }
        if self.kind == "BPE":
            pairs = zip(model["merges"], self._merges, strict=True)
            model["merges"] = [
                merge for merge, parts in pairs if all(part in model["vocab"] for part in parts)
            ]
        return model

    def file_bytes(self, count: int, required: frozenset[int]) -> tuple[int, int, int]:
        """Lowest, likely and highest bytes of the file with `count` ids, `required` among them.

        The data decides which of the other ids are kept.
        """
        sizes = self._entry_bytes
        free = sorted(size for number, size in sizes.items() if number not in required)
        kept = min(count - (len(self.pieces) - len(sizes)), len(sizes))
        kept_free = kept - (len(sizes) - len(free))
        digits = 0 if self.kind == "Unigram" else _digits(len(sizes)) - _digits(kept)
        fixed = self._file_bytes - sum(free) - digits
        return (
            fixed + sum(free[:kept_free]),
            fixed + round(sum(free) * kept_free / max(1, len(free))),
            fixed + sum(free[len(free) - kept_free :]),
        )

    @cached_property
    def _file_bytes(self) -> int:
        """Bytes of the complete file in an artefact, without its truncation."""
        return len(_compact({**self._content, "padding": None, "truncation": None}).encode())

    @cached_property
    def _entry_bytes(self) -> dict[int, int]:
        """Bytes of each entry and its merges in the model's part of the file, without the id."""
        if self.kind == "Unigram":
            return {
                index: len(_compact(entry).encode()) + 1
                for index, entry in enumerate(self._model["vocab"])
            }
        merges: dict[str, int] = defaultdict(int)
        for merge, (_, _, whole) in zip(self._model.get("merges", ()), self._merges, strict=False):
            merges[whole] += len(_compact(merge).encode()) + 1
        return {
            number: len(_compact(piece).encode()) + 2 + merges[piece]
            for piece, number in self._model["vocab"].items()
        }


def check_room(count: int, rows: int, required: int) -> None:
    """Raise `RecipeError` when the `required` entries do not fit into `count` of `rows` entries.

    >>> check_room(3, 9, 4)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    paretoscope.errors.RecipeError: The vocabulary would have 3 of 9 entries, but 4 ...
    """
    if count < required:
        raise RecipeError(
            f"The vocabulary would have {count:,} of {rows:,} entries, but {required:,} special"
            " tokens and single characters are required; set ratio to at most"
            f" {int((1 - required / rows) * 100) / 100:g}."
        )


def _compact(content: Any) -> str:
    """JSON in the format of the tokenizers library."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _digits(count: int) -> int:
    """Number of digits of the numbers 0 to count - 1.

    >>> _digits(12)
    14
    """
    return count + sum(count - 10**power for power in range(1, len(str(count))))
