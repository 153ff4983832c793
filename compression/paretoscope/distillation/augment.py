"""Data augmentation for distillation: copies of the training texts with tokens masked or deleted.

A simple form of the augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351, section 4.2): no
language model fills the gaps. The labels of the copies are those of their texts.
"""

from __future__ import annotations

import numpy as np

from paretoscope.recipes.context import EncodedSplit

MASKED, DELETED = 0.15, 0.10
"""Shares of a copy's tokens that are replaced by the mask token and that are deleted."""


def with_copies(split: EncodedSplit, copies: int, mask_id: int, seed: int) -> EncodedSplit:
    """The split followed by altered copies of it; the first and last token of a text are kept.

    >>> split = EncodedSplit([np.array([2, 7, 8, 9, 3])], np.array([1]), "k")
    >>> larger = with_copies(split, 2, 4, seed=0)
    >>> [ids.tolist() for ids in larger.ids], larger.labels.tolist()
    ([[2, 7, 8, 9, 3], [2, 7, 8, 4, 3], [2, 4, 8, 9, 3]], [1, 1, 1])
    """
    random = np.random.default_rng(seed)
    texts = list(split.ids)
    for ids in split.ids * copies:
        inner, draw = ids[1:-1].copy(), random.random(max(0, len(ids) - 2))
        inner[draw < MASKED] = mask_id
        kept = (draw < MASKED) | (draw >= MASKED + DELETED)
        texts.append(np.concatenate([ids[:1], inner[kept], ids[1:][-1:]]))
    return EncodedSplit(texts, np.tile(split.labels, 1 + copies), f"{split.key}-{copies}-{seed}")
