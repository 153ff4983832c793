"""Texts without labels beside those of a training split: the teacher says what it thinks of both,
which is all that a student needs of a text.

Where labels are few, this is what brings a small student near its teacher (Turc et al. 2019,
arXiv:1908.08962). Which texts a task has is `compression/paretoscope/tasks/load.py`'s, which also
keeps those of the other splits out.
"""

from __future__ import annotations

import numpy as np

from paretoscope.errors import TaskError
from paretoscope.recipes.context import EncodedSplit, StageContext


def training_texts(context: StageContext, *, unlabelled: bool) -> EncodedSplit:
    """The training split, followed by the task's unlabelled texts where asked for. Raises
    `TaskError` when the task has none.
    """
    split = context.encoded("train")
    return beside(split, context.encoded("unlabelled")) if unlabelled else split


def beside(split: EncodedSplit, more: EncodedSplit) -> EncodedSplit:
    """Both, the first one first, under a key of their own.

    >>> one, other = (EncodedSplit([np.array([number])], np.array([label]), str(number)) for number, label in ((7, 1), (8, -1)))
    >>> both = beside(one, other)
    >>> [ids.tolist() for ids in both.ids], both.labels.tolist(), both.key
    ([[7], [8]], [1, -1], '7+8')
    """
    if not len(more):
        raise TaskError(
            "The recipe learns from unlabelled texts, but the task has none; give a file of texts"
            " with --unlabelled, or leave it out."
        )
    return EncodedSplit(
        [*split.ids, *more.ids],
        np.concatenate([split.labels, more.labels]),
        f"{split.key}+{more.key}",
    )
