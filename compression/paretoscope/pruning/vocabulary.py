"""Vocabulary: rows of the word embedding, and entries of the tokenizer, that a task's language does
not need.

A multilingual or general vocabulary is mostly words that a task never sees (Abdaoui et al. 2020,
arXiv:2010.05609; Ushio et al. 2023, arXiv:2305.15020), and in a small encoder it is half of the
file. What a tokenizer.json looks like is `compression/paretoscope/sources/tokenizer_file.py`'s.
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
    """Keep `stage.kept(rows)` rows of the word embedding and their entries, in place; the context's
    tokenizer is replaced.

    Special tokens and single characters stay, then the pieces that the training split uses most.
    Raises `RecipeError` when the ratio leaves no room for the former, `ModelError` for a tokenizer
    that cannot be cut.
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
    """Exactly `count` of `rows` ids, rising: the required, then the most used, then rows without an
    entry.
    """
    if max(vocabulary.pieces) >= rows:
        raise ModelError(
            f"The tokenizer has ids up to {max(vocabulary.pieces)}, but the embedding only {rows}"
            " rows; use the tokenizer that belongs to the model."
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
    """Cut the word embedding to the rows `kept` [rising] and renumber the tokens that the config
    names, in place.
    """
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
    """The library reads `content` as it was meant; it numbers added tokens itself, so a file with
    holes would come out otherwise.
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
            " id; leave target vocabulary out."
        )
