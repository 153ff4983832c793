"""Two models on the same examples: which answers one lost, which it gained, and whether that is
more than chance.

Logits in, numbers out, so that the engine, a page and a command compare alike. Where logits come
from is `quality.py`'s, and where the log-probabilities of prose come from `perplexity.py`'s.
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
    """The same examples through an artefact and through what it is compared with; both logits are
    [n, classes].

    `kl` is the mean of KL(baseline || artefact): what the artefact loses of the baseline's own
    answer, in nats.
    """
    if logits.shape != baseline_logits.shape or len(logits) != len(labels):
        raise ValueError(
            f"logits {logits.shape} and {baseline_logits.shape} for {len(labels)} labels are not a"
            " pair"
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
    """With how many documents both begin, token by token the same: a quick look scores the first of
    those that a longer one does.
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
    """The same documents through two models. A token counts as right when it was the likeliest; the
    interval of the change of perplexity is a bootstrap over documents. `kl` is known only where the
    distributions of `theirs` were kept."""
    if not np.array_equal(ours.targets, theirs.targets):
        raise ValueError(
            f"{len(ours.targets)} and {len(theirs.targets)} tokens are not those of the same"
            " documents"
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
    """The sum over the scored tokens of each document: [tokens] -> [documents].

    >>> by_document(np.array([1, 2, 3, 4, 5], dtype=np.float32), np.array([2, 3])).tolist()
    [3.0, 12.0]
    """
    return np.add.reduceat(
        values.astype(np.float64), np.concatenate([[0], np.cumsum(lengths)[:-1]])
    )
