"""A tokenizer.json as data: its entries, which of them must stay, what each takes in the file, and
the file with only some of them.

For WordPiece (BERT, DistilBERT, ELECTRA), BPE (RoBERTa) and Unigram (XLM-R, CamemBERT). A text
whose tokens all stay is tokenized as before: the longest match (WordPiece), the order of merges
(BPE) and the best path (Unigram) are found among fewer candidates that still hold the old answer.
Which entries are worth keeping is `pruning/vocabulary.py`'s; nothing here needs a library.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from paretoscope.errors import ModelError, RecipeError

KINDS = ("WordPiece", "BPE", "Unigram")
"""By `type` of the model in the file."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""Names of special tokens in these families, for files that do not list them as such."""
PLACEHOLDER = re.compile(r"\[unused\d+\]")
"""Entries of BERT that no text is ever tokenized to."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Vocabulary:
    """What one tokenizer.json knows, by token id."""

    def __init__(self, text: str, where: str = "tokenizer.json") -> None:
        """Raises `ModelError` when `text` is no tokenizer.json of one of `KINDS`; `where` names it
        in the sentence.
        """
        try:
            self._content: dict[str, Any] = json.loads(text)
            self._model: dict[str, Any] = self._content["model"]
            self.kind = str(self._model.get("type"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f'"{where}" is not a tokenizer.json; copy the model again.') from error
        if self.kind not in KINDS:
            raise ModelError(
                f'The vocabulary of a "{self.kind}" tokenizer cannot be pruned, only of'
                f" {', '.join(KINDS)}: without pieces to fall back on, words would be lost; leave"
                " target vocabulary out."
            )

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of every entry, added tokens included."""
        stored: Any = self._model["vocab"]
        own = (
            {str(piece): place for place, (piece, _) in enumerate(stored)}
            if self.kind == "Unigram"
            else dict(stored)
        )
        return own | {
            token["content"]: token["id"] for token in self._content.get("added_tokens") or ()
        }

    @cached_property
    def pieces(self) -> dict[int, str]:
        """The entry of every id."""
        return {number: piece for piece, number in self.ids.items()}

    @property
    def unknown(self) -> str | None:
        """The token that stands for what cannot be tokenized; byte-level tokenizers have none."""
        if self.kind == "Unigram":
            place = self._model.get("unk_id")
            return None if place is None else str(self._model["vocab"][place][0])
        return self._model.get("unk_token")

    @property
    def mask(self) -> int | None:
        """Id of the token that stands for a hidden word."""
        return next((self.ids[name] for name in ("[MASK]", "<mask>") if name in self.ids), None)

    @cached_property
    def _merges(self) -> list[tuple[str, str, str]]:
        """The merges of BPE in their order: left part, right part and what they make."""
        prefix = self._model.get("continuing_subword_prefix") or ""
        found: list[tuple[str, str, str]] = []
        for merge in self._model.get("merges", ()) if self.kind == "BPE" else ():
            left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
            found.append((left, right, left + right.removeprefix(prefix)))
        return found

    @cached_property
    def _made_by(self) -> dict[str, int]:
        """The first merge, by its place, that makes an entry of BPE."""
        first: dict[str, int] = {}
        for place, (_, _, whole) in enumerate(self._merges):
            first.setdefault(whole, place)
        return first

    def required(self, config: Mapping[str, Any]) -> frozenset[int]:
        """Ids that must stay: special tokens, those that `config` (of the model) names, and all
        single characters or bytes with their continuations, so that any word can still be written
        in pieces.

        Ids up to that of padding stay too, so that padding keeps its id: RoBERTa counts positions
        from it.
        """
        named = {
            self.ids[name]
            for name in (*SPECIAL, self.unknown)
            if name is not None and name in self.ids
        }
        named |= {token["id"] for token in self._content.get("added_tokens") or ()}
        named |= set(_ids_in(self._content.get("post_processor")))
        named |= set(_config_ids(config).values())
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
        """All ids, the most used first; of equal ones those that the tokenizer's makers put first.

        `counts` [ids] says how often each token occurs. What BPE merges along the way counts too,
        so that the first n of the list always hold the parts of all that they hold.
        """
        uses = [*map(int, counts)] + [0] * (max(self.pieces) + 1 - len(counts))
        for left, right, whole in (
            self._merges[place] for place in sorted(self._made_by.values(), reverse=True)
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
        """The tokenizer.json that has only these ids, numbered anew from 0 in their old order.

        >>> small = Vocabulary('{"model": {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0, "a": 1, "##a": 2, "aa": 3}}}')
        >>> small.only([0, 2, 3])
        '{"model":{"type":"WordPiece","unk_token":"u","vocab":{"u":0,"##a":1,"aa":2}}}'
        """
        new = renumbered(kept)
        model = dict(self._model)
        if self.kind == "Unigram":
            model["vocab"] = [entry for place, entry in enumerate(model["vocab"]) if place in new]
            model["unk_id"] = new.get(model.get("unk_id"))  # pyright: ignore[reportArgumentType]
        else:
            model["vocab"] = {
                piece: new[number] for piece, number in model["vocab"].items() if number in new
            }
        if self.kind == "BPE":
            pairs = zip(model["merges"], self._merges, strict=True)
            model["merges"] = [
                merge for merge, parts in pairs if all(part in model["vocab"] for part in parts)
            ]
        content = {**self._content, "model": model}
        if "added_tokens" in content:
            content["added_tokens"] = [
                {**token, "id": new[token["id"]]} for token in content["added_tokens"]
            ]
        if content.get("post_processor"):
            content["post_processor"] = _renumbered_processor(content["post_processor"], new)
        return _compact(content)

    def file_bytes(self, count: int, required: frozenset[int]) -> tuple[int, int, int]:
        """Least, likely and most bytes of the file with `count` ids, `required` among them: which
        others stay is for the data to say.
        """
        total, each = self._file_bytes, self._entry_bytes
        free = sorted(size for number, size in each.items() if number not in required)
        stay = min(count - (len(self.pieces) - len(each)), len(each))
        left = stay - (len(each) - len(free))
        always = (
            total
            - sum(free)
            - (0 if self.kind == "Unigram" else _digits(len(each)) - _digits(stay))
        )
        return (
            always + sum(free[:left]),
            always + round(sum(free) * left / max(1, len(free))),
            always + sum(free[len(free) - left :]),
        )

    @cached_property
    def _file_bytes(self) -> int:
        """Bytes of the whole file as it is written into an artefact."""
        return len(_compact({**self._content, "padding": None, "truncation": None}).encode())

    @cached_property
    def _entry_bytes(self) -> dict[int, int]:
        """Bytes of each id in the model's part of the file, but for the digits of the id: the
        entry, and the merges that make it.
        """
        if self.kind == "Unigram":
            return {
                place: len(_compact(entry).encode()) + 1
                for place, entry in enumerate(self._model["vocab"])
            }
        merges: dict[str, int] = defaultdict(int)
        for merge, (_, _, whole) in zip(self._model.get("merges", ()), self._merges, strict=False):
            merges[whole] += len(_compact(merge).encode()) + 1
        return {
            number: len(_compact(piece).encode()) + 2 + merges[piece]
            for piece, number in self._model["vocab"].items()
        }


def check_room(count: int, rows: int, required: int) -> None:
    """Raise `RecipeError` when what must stay does not fit into `count` of `rows` entries.

    >>> check_room(3, 9, 4)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    paretoscope.errors.RecipeError: 3 of 9 entries of the vocabulary are to stay, but special tokens and single characters alone are 4; set ratio ...
    """
    if count < required:
        raise RecipeError(
            f"{count:,} of {rows:,} entries of the vocabulary are to stay, but special tokens and"
            f" single characters alone are {required:,}; set ratio to at most"
            f" {int((1 - required / rows) * 100) / 100:g}."
        )


def renumbered(kept: Iterable[int]) -> dict[int, int]:
    """New ids by old ones.

    >>> renumbered([7, 0, 3])
    {0: 0, 3: 1, 7: 2}
    """
    return {old: new for new, old in enumerate(sorted(kept))}


def renumbered_config(config: Mapping[str, Any], new: Mapping[int, int]) -> dict[str, int]:
    """The entries of a model's config that name a token, with their new ids.

    >>> renumbered_config({"pad_token_id": 3, "eos_token_id": None, "vocab_size": 9}, {0: 0, 3: 1})
    {'pad_token_id': 1}
    """
    return {name: new[number] for name, number in _config_ids(config).items() if number in new}


def _config_ids(config: Mapping[str, Any]) -> dict[str, int]:
    rows = config.get("vocab_size") or 0
    found = {
        name: value
        for name, value in config.items()
        if name.endswith("_token_id") and isinstance(value, int)
    }
    return {name: value for name, value in found.items() if 0 <= value < rows}


def _ids_in(processor: Any) -> Iterable[int]:
    """Token ids that a post-processor adds to a text."""
    if not processor:
        return
    for part in processor.get("processors", ()):
        yield from _ids_in(part)
    for name in ("sep", "cls"):
        if name in processor:
            yield processor[name][1]
    for token in (processor.get("special_tokens") or {}).values():
        yield from token["ids"]


def _renumbered_processor(processor: dict[str, Any], new: Mapping[int, int]) -> dict[str, Any]:
    changed = dict(processor)
    if "processors" in changed:
        changed["processors"] = [_renumbered_processor(part, new) for part in changed["processors"]]
    for name in ("sep", "cls"):
        if name in changed:
            token, number = changed[name]
            changed[name] = [token, new[number]]
    if changed.get("special_tokens"):
        changed["special_tokens"] = {
            name: {**token, "ids": [new[number] for number in token["ids"]]}
            for name, token in changed["special_tokens"].items()
        }
    return changed


def _compact(content: Any) -> str:
    """JSON as the tokenizers library writes it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _digits(count: int) -> int:
    """Characters of the numbers 0 to count - 1.

    >>> _digits(12)
    14
    """
    return count + sum(count - 10**power for power in range(1, len(str(count))))
