"""Ids of tokens in a tokenizer's post-processor and a model's config, and renumbering them.

The vocabulary itself is in `sources/tokenizer_file.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def renumbered(kept: Iterable[int]) -> dict[int, int]:
    """New ids by old ids, from 0 in the same order.

    >>> renumbered([7, 0, 3])
    {0: 0, 3: 1, 7: 2}
    """
    return {old: new for new, old in enumerate(sorted(kept))}


def renumbered_config(config: Mapping[str, Any], new: Mapping[int, int]) -> dict[str, int]:
    """The entries of a model's config that are ids of kept tokens, with the new ids.

    >>> renumbered_config({"pad_token_id": 3, "eos_token_id": None, "vocab_size": 9}, {0: 0, 3: 1})
    {'pad_token_id': 1}
    """
    return {name: new[number] for name, number in config_ids(config).items() if number in new}


def config_ids(config: Mapping[str, Any]) -> dict[str, int]:
    """The entries of a model's config that are ids of tokens in its vocabulary."""
    rows = config.get("vocab_size") or 0
    found = {
        name: value
        for name, value in config.items()
        if name.endswith("_token_id") and isinstance(value, int)
    }
    return {name: value for name, value in found.items() if 0 <= value < rows}


def processor_ids(processor: Any) -> Iterable[int]:
    """Ids of the tokens that a post-processor adds to a text."""
    if not processor:
        return
    for part in processor.get("processors", ()):
        yield from processor_ids(part)
    for name in ("sep", "cls"):
        if name in processor:
            yield processor[name][1]
    special: dict[str, Any] = processor.get("special_tokens") or {}
    for token in special.values():
        yield from token["ids"]


def renumbered_processor(processor: dict[str, Any], new: Mapping[int, int]) -> dict[str, Any]:
    """A post-processor with the new ids of its tokens."""
    changed = dict(processor)
    if "processors" in changed:
        changed["processors"] = [renumbered_processor(part, new) for part in changed["processors"]]
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
