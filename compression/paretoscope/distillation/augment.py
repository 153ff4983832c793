"""More texts from few: copies with tokens masked or left out, for a teacher to say what it thinks
of them.

A simple form of the augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351, section 4.2),
with no language model to fill the gaps.
"""

from __future__ import annotations

import numpy as np

from paretoscope.recipes.context import EncodedSplit

MASKED, DROPPED = 0.15, 0.10
"""Shares of a copy's tokens that become the mask token and that are left out."""


def with_copies(split: EncodedSplit, copies: int, mask_id: int, seed: int) -> EncodedSplit:
    """The split followed by damaged copies of it, labels and the first and last token kept; the
    same for the same seed.

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
        kept = (draw < MASKED) | (draw >= MASKED + DROPPED)
        texts.append(np.concatenate([ids[:1], inner[kept], ids[1:][-1:]]))
    return EncodedSplit(texts, np.tile(split.labels, 1 + copies), f"{split.key}-{copies}-{seed}")
