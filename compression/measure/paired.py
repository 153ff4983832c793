"""Two models on the same examples: which answers one lost, which it gained, and whether that is more than chance.

Logits in, numbers out, so that the engine, a page and a command compare alike. Where logits come from is `quality.py`'s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.measure import statistics
from compression.trial import Paired


def paired(logits: NDArray[np.float32], baseline_logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Paired:
    """The same examples through an artefact and through what it is compared with; both logits are [n, classes].

    `kl` is the mean of KL(baseline || artefact): what the artefact loses of the baseline's own answer, in nats.
    """
    if logits.shape != baseline_logits.shape or len(logits) != len(labels):
        raise ValueError(f"logits {logits.shape} and {baseline_logits.shape} for {len(labels)} labels are not a pair")
    ours, theirs = logits.argmax(axis=1), baseline_logits.argmax(axis=1)
    lost = int(((theirs == labels) & (ours != labels)).sum())
    gained = int(((ours == labels) & (theirs != labels)).sum())
    return Paired(
        agreement=float((ours == theirs).mean()),
        lost=lost,
        gained=gained,
        mcnemar_p=statistics.mcnemar_exact(lost, gained),
        kl=statistics.kl_divergence(baseline_logits.astype(np.float64), logits.astype(np.float64)),
    )
