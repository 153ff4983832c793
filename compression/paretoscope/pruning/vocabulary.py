"""Vocabulary pruning: remove embedding rows and tokenizer entries that the task does not use.

Most tokens of a multilingual or general vocabulary never occur in a task (Abdaoui et al. 2020,
arXiv:2010.05609; Ushio et al. 2023, arXiv:2305.15020), and in a small encoder they are half of the
file. The format of tokenizer.json is in `sources/tokenizer_file.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import PruneStructure
from paretoscope.sources.token_ids import renumbered, renumbered_config
from paretoscope.sources.tokenizer_file import Vocabulary, check_room


def cut_vocabulary(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    """Keep `stage.kept(rows)` rows of the word embedding and their tokens, in place.

    Special tokens and single characters are kept, then the most frequent tokens of the training
    split. The pruned tokenizer replaces `context.tokenizer`. Raises `RecipeError` when the ratio is
    too high for the required tokens, `ModelError` for a tokenizer that cannot be pruned.
    """
    rows = _embedding(model).num_embeddings
    count = stage.kept(rows)
    if count == rows:
        return
    vocabulary = Vocabulary(context.tokenizer)
    kept = chosen(vocabulary, rows, count, token_counts(context, rows), model.config.to_dict())
    content = vocabulary.only(number for number in kept if number in vocabulary.pieces)
    _check(vocabulary, kept, content)
    keep_rows(model, kept)
    context.tokenizer = content


def token_counts(context: StageContext, rows: int) -> np.ndarray:
    """How often each id occurs in the training split, int64 [rows]."""
    return np.bincount(np.concatenate(context.encoded("train").ids), minlength=rows)


def chosen(
    vocabulary: Vocabulary, rows: int, count: int, counts: np.ndarray, config: dict[str, Any]
) -> list[int]:
    """Exactly `count` of `rows` ids, ascending.

    Required tokens come first, then the most frequent, then rows without a token.
    """
    if max(vocabulary.pieces) >= rows:
        raise ModelError(
            f"The tokenizer has ids up to {max(vocabulary.pieces)}, but the embedding has {rows}"
            " rows; use the model's own tokenizer."
        )
    required = vocabulary.required(config)
    check_room(count, rows, len(required))
    others = [number for number in vocabulary.ranked(counts.tolist()) if number not in required]
    spare = [
        number
        for number in range(rows)
        if number not in vocabulary.pieces and number not in required
    ]
    return sorted([*required, *others, *spare][:count])


def keep_rows(model: PreTrainedModel, kept: list[int]) -> None:
    """Keep the embedding rows `kept` (ascending), in place; renumber token ids in the config."""
    new = renumbered(kept)
    old = _embedding(model)
    padding = None if old.padding_idx is None else new[old.padding_idx]
    rows = nn.Embedding(
        len(kept),
        old.embedding_dim,
        padding_idx=padding,
        _weight=old.weight.detach()[torch.tensor(kept)].clone(),
    )
    model.set_input_embeddings(rows)
    for name, number in renumbered_config(model.config.to_dict(), new).items():
        setattr(model.config, name, number)
    model.config.vocab_size = len(kept)


def _embedding(model: PreTrainedModel) -> nn.Embedding:
    module = model.get_input_embeddings()
    assert isinstance(module, nn.Embedding), f"the word embedding is a {type(module).__name__}"
    return module


def _check(vocabulary: Vocabulary, kept: list[int], content: str) -> None:
    """Check that the tokenizers library gives every token of `content` its new id.

    It numbers added tokens itself, so ids with gaps would change.
    """
    tokenizer = Tokenizer.from_str(content)
    new = renumbered(kept)
    wrong = next(
        (
            piece
            for number, piece in vocabulary.pieces.items()
            if number in new and tokenizer.token_to_id(piece) != new[number]
        ),
        None,
    )
    if wrong is not None:
        raise ModelError(
            f'The vocabulary of this model cannot be pruned: the token "{wrong}" would get another'
            " id; choose another target than vocabulary."
        )
