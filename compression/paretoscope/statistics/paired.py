"""Paired comparison of two models on the same examples: agreement, lost, gained, McNemar's test.

It takes logits or token scores, so that the engine, pages and commands compare in the same way;
these are computed in `measure/quality.py` and `measure/perplexity.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoscope.statistics import intervals
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Interval, Paired


def paired(
    logits: NDArray[np.float32], baseline_logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> Paired:
    """Compare an artefact with a baseline on the same examples; both logits are [n, classes].

    `kl` is the mean of KL(baseline || artefact) in nats.
    """
    if logits.shape != baseline_logits.shape or len(logits) != len(labels):
        raise ValueError(
            f"logits {logits.shape} and {baseline_logits.shape} do not match {len(labels)} labels"
        )
    ours, theirs = logits.argmax(axis=1), baseline_logits.argmax(axis=1)
    lost = int(((theirs == labels) & (ours != labels)).sum())
    gained = int(((ours == labels) & (theirs != labels)).sum())
    return Paired(
        agreement=float((ours == theirs).mean()),
        lost=lost,
        gained=gained,
        mcnemar_p=intervals.mcnemar_exact(lost, gained),
        kl=intervals.kl_divergence(baseline_logits.astype(np.float64), logits.astype(np.float64)),
    )


# --- prose: the tokens of documents are the examples ----------------------------------------------


def documents_in_common(one: TokenAnswers, other: TokenAnswers) -> int:
    """Number of leading documents with the same tokens in both.

    A quick measurement scores the first of the documents that a standard one scores.
    """
    common, start = 0, 0
    for mine, its in zip(one.lengths.tolist(), other.lengths.tolist(), strict=False):
        if mine != its or not np.array_equal(
            one.targets[start : start + mine], other.targets[start : start + its]
        ):
            break
        common, start = common + 1, start + mine
    return common


def paired_tokens(ours: TokenAnswers, theirs: TokenAnswers, kl: float | None = None) -> Paired:
    """Compare two models on the same documents; a token is correct when it is the top-1 prediction.

    The interval of the change in perplexity is a bootstrap over documents. `kl` is known only where
    the distributions of `theirs` were kept.
    """
    if not np.array_equal(ours.targets, theirs.targets):
        raise ValueError(
            f"{len(ours.targets)} and {len(theirs.targets)} tokens are not from the same documents"
        )
    ours_right, theirs_right = ours.top == ours.targets, theirs.top == ours.targets
    lost, gained = int((theirs_right & ~ours_right).sum()), int((ours_right & ~theirs_right).sum())
    worse = by_document(theirs.log_probability - ours.log_probability, ours.lengths)
    value, low, high = np.exp(intervals.ratio_of_sums(worse, ours.lengths.astype(np.float64))) - 1
    return Paired(
        agreement=float((ours.top == theirs.top).mean()),
        lost=lost,
        gained=gained,
        mcnemar_p=intervals.mcnemar_exact(lost, gained),
        kl=kl,
        change=Interval(value=value, low=low, high=high),
    )


def by_document(values: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums over the scored tokens of each document: [tokens] -> [documents].

    >>> by_document(np.array([1, 2, 3, 4, 5], dtype=np.float32), np.array([2, 3])).tolist()
    [3.0, 12.0]
    """
    return np.add.reduceat(
        values.astype(np.float64), np.concatenate([[0], np.cumsum(lengths)[:-1]])
    )
