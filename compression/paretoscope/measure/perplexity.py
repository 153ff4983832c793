"""Perplexity of a decoder on documents, and its paired comparison with the baseline.

Documents come in as token ids. For the divergence from the baseline its 256 most likely tokens are
kept at every position, and all others count as one token: all 49,152 logits of 8,000 positions
would be 1.6 GB. The divergence computed so is never above that of the whole distributions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import ArtifactError
from paretoscope.inference.graph_io import SCORE
from paretoscope.measure.process import ask_tokens, model_file
from paretoscope.statistics import intervals
from paretoscope.statistics.paired import by_document, paired_tokens
from paretoscope.trials.request import Protocol
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Paired, Quality

SCORED_TOKENS: dict[Protocol, int] = {"quick": 5_000, "standard": 40_000}
"""Tokens that are scored: whole documents of the split until they have this many."""
PIECE_TOKENS = 256
"""Documents are read in pieces of this many tokens: 50 MB of logits with 49,152 entries.

The runtime chooses kernels by the number of rows, so logits depend on the pieces in their last
digits, and more where a kernel quantizes activations (docs/measuring.md).
"""
KEPT_TOKENS = 256
"""Most likely tokens of the baseline that are kept at each position."""

Ids = NDArray[np.int64]
Scores = Mapping[str, NDArray[Any]]
"""`log_probability`, `top`, `targets` [tokens] and `lengths` [documents]; the baseline's also have
`ids`, `logs` [tokens, kept], a compressed model's `kl` [tokens].
"""


def score_tokens(
    folder: Path,
    documents: Sequence[Ids],
    reference: Scores | None,
    *,
    threads: int,
    context: int,
    piece: int = PIECE_TOKENS,
) -> dict[str, NDArray[Any]]:
    """Scores of every token of each document but its first, from a new process without torch.

    A document of more than `context` tokens is read in windows that overlap by half, and `piece`
    tokens at a time. `reference` are the baseline's scores of the same documents;
    without it the result is such a reference.

    Raises `ArtifactError` when the model cannot be loaded or run, or when a score is not finite.
    """
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work:
        inputs, outputs = Path(work) / "inputs.npz", Path(work) / "scores.npz"
        lengths = np.array([len(ids) for ids in documents])
        np.savez(inputs, ids=np.concatenate(documents), lengths=lengths)
        ask_tokens(
            {
                "mode": "tokens",
                "model": str(model_file(folder, SCORE)),
                "threads": threads,
                "context": context,
                "piece": piece,
                "keep": KEPT_TOKENS if reference is None else 0,
                "inputs": str(inputs),
                "reference": None if reference is None else _write_reference(reference, work),
                "outputs": str(outputs),
            }
        )
        with np.load(outputs) as arrays:
            scores: dict[str, NDArray[Any]] = dict(arrays)
    scores["targets"], scores["lengths"] = scored(documents)
    if broken := int((~np.isfinite(scores["log_probability"])).sum()):
        raise ArtifactError(
            f'The model in "{folder}" gives logits that are not finite for {broken:,} of'
            f" {len(scores['top']):,} tokens: compress it less, or with another method."
        )
    return scores


def _write_reference(reference: Scores, work: str) -> str:
    path = Path(work) / "reference.npz"
    np.savez(path, ids=reference["ids"], logs=reference["logs"])
    return str(path)


def perplexity(scores: Scores, documents: Sequence[Ids], split: str) -> Quality:
    """exp of the mean negative log-probability, with its bootstrap interval over documents."""
    _, lengths = scored(documents)
    losses = by_document(-scores["log_probability"], lengths)
    value, low, high = np.exp(intervals.ratio_of_sums(losses, lengths.astype(np.float64)))
    return Quality(
        metric="perplexity", value=value, low=low, high=high, n=int(lengths.sum()), split=split
    )


def paired(scores: Scores, baseline: Scores, documents: Sequence[Ids]) -> Paired:
    """The same tokens through an artefact and the baseline; correct is a top-1 prediction."""
    targets, lengths = scored(documents)
    ours, theirs = (
        TokenAnswers(each["log_probability"], each["top"], targets, lengths)
        for each in (scores, baseline)
    )
    return paired_tokens(ours, theirs, kl=float(scores["kl"].mean()))


def scored(documents: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(the scored tokens of all documents, their number in each document)."""
    targets = np.concatenate([ids[1:] for ids in documents]).astype(np.int32)
    return targets, np.array([len(ids) - 1 for ids in documents], dtype=np.int64)
