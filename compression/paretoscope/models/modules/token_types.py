"""Token types of a single text, for tokenizers that do not give type 0 to every token.

XLNet's tokenizer gives type 2 to its last token, Funnel's to its first. An artefact has no input of
token types: the model computes them from the attention mask and the template of special tokens.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

INPUT = "token_type_ids"


@dataclass(frozen=True)
class TokenTypes:
    """Types of the special tokens before a text, of its own tokens, and of those after it."""

    before: tuple[int, ...]
    text: int
    after: tuple[int, ...]

    def __call__(self, mask: Tensor) -> Tensor:
        """Types [batch, tokens] for an attention mask [batch, tokens]; padding has the text's.

        >>> TokenTypes((), 0, (0, 2))(torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])).tolist()
        [[0, 0, 0, 2], [0, 0, 2, 0]]
        """
        mask = mask.long()
        from_start = mask.cumsum(1)
        to_end = mask.sum(1, keepdim=True) - from_start + 1
        types = torch.full_like(mask, self.text)
        for position, kind in enumerate(self.before, start=1):
            types = types.masked_fill((from_start == position) & (mask == 1), kind)
        for position, kind in enumerate(reversed(self.after), start=1):
            types = types.masked_fill((to_end == position) & (mask == 1), kind)
        return types


def token_types(tokenizer_json: str) -> TokenTypes | None:
    """The types that the template of a tokenizer.json gives to a single text; None if all are 0.

    >>> single = [{"Sequence": {"type_id": 0}}, {"SpecialToken": {"type_id": 2}}]
    >>> template = {"type": "TemplateProcessing", "single": single}
    >>> token_types(json.dumps({"post_processor": template}))
    TokenTypes(before=(), text=0, after=(2,))
    """
    for part in _processors(json.loads(tokenizer_json).get("post_processor")):
        if part.get("type") != "TemplateProcessing":
            continue
        items = [next(iter(item.items())) for item in part["single"]]
        text = next((place for place, (kind, _) in enumerate(items) if kind == "Sequence"), None)
        kinds = tuple(int(item["type_id"]) for _, item in items)
        if text is not None and any(kinds):
            return TokenTypes(kinds[:text], kinds[text], kinds[text + 1 :])
    return None


def _processors(content: Any) -> list[dict[str, Any]]:
    """The post-processors of a tokenizer.json, those of a sequence one by one."""
    if not isinstance(content, dict):
        return []
    whole = cast(dict[str, Any], content)
    return whole["processors"] if whole.get("type") == "Sequence" else [whole]


def compute_token_types(model: PreTrainedModel, tokenizer_json: str) -> None:
    """Let `model` compute its token types where those of a single text are not all 0, in place.

    A model without this input is unchanged, as one that gets its token types from the caller.
    """
    types = token_types(tokenizer_json)
    untyped: Any = model
    if types is None or INPUT not in untyped.forward.__code__.co_varnames:
        return

    def add(_: Any, arguments: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if inputs.get(INPUT) is None and inputs.get("attention_mask") is not None:
            inputs = {**inputs, INPUT: types(inputs["attention_mask"])}
        return arguments, inputs

    untyped.register_forward_pre_hook(add, with_kwargs=True)
