"""The texts of a training: the training split, with the task's unlabelled texts if requested.

A student needs only its teacher's outputs of a text. Where labels are few, unlabelled texts bring a
small student near its teacher (Turc et al. 2019, arXiv:1908.08962). Which texts a task has is
decided in `tasks/load.py`, which also keeps those of the other splits out.
"""

from __future__ import annotations

import numpy as np

from paretoscope.errors import TaskError
from paretoscope.recipes.context import EncodedSplit, StageContext


def training_texts(context: StageContext, *, unlabelled: bool) -> EncodedSplit:
    """The training split, followed by the task's unlabelled texts if `unlabelled`.

    Raises `TaskError` when the task has none.
    """
    split = context.encoded("train")
    return concatenated(split, context.encoded("unlabelled")) if unlabelled else split


def concatenated(split: EncodedSplit, more: EncodedSplit) -> EncodedSplit:
    """`split` followed by `more`, under a key of both.

    >>> one = EncodedSplit([np.array([7])], np.array([1]), "one")
    >>> both = concatenated(one, EncodedSplit([np.array([8])], np.array([-1]), "other"))
    >>> [ids.tolist() for ids in both.ids], both.labels.tolist(), both.key
    ([[7], [8]], [1, -1], 'one+other')
    """
    if not len(more):
        raise TaskError(
            "The recipe trains on unlabelled texts, but the task has none; add a file of texts with"
            " --unlabelled, or remove unlabelled from the recipe."
        )
    return EncodedSplit(
        [*split.ids, *more.ids],
        np.concatenate([split.labels, more.labels]),
        f"{split.key}+{more.key}",
    )
