"""Perplexity of a decoder on documents through the runtime that ships, and its paired comparison with the baseline.

Documents come in as token ids. To compare distributions, the baseline's scores keep the 256 likeliest tokens of every position
and what they leave over counts as one more token: all 49,152 logits of 8,000 positions would be 1.6 GB. The divergence that comes
out is never above that of the whole distributions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compression.decoder_io import SCORE
from compression.errors import ArtifactError
from compression.measure import statistics
from compression.measure.process import ask_tokens, model_file
from compression.trial import Interval, Paired, Protocol, Quality

SCORED_TOKENS: dict[Protocol, int | None] = {"quick": 12_000, "standard": None}
"""How much of the split is scored: whole documents until they have so many tokens, or all of them."""
KEPT_TOKENS = 256
"""So many of the likeliest tokens of the baseline are kept at each position."""

Ids = NDArray[np.int64]
Scores = Mapping[str, NDArray[np.float32]]
"""`log_probability` [tokens] and `top` [tokens]; of the baseline also `ids` and `logs` [tokens, kept]; of another `kl` [tokens]."""


def score_tokens(folder: Path, documents: Sequence[Ids], reference: Scores | None, *, threads: int, context: int) -> dict[str, NDArray[np.float32]]:
    """Scores of every token but the first of each document, in a fresh process without torch.

    A document of more than `context` tokens is read in windows that overlap by half. With `reference`, the baseline's scores of
    the same documents, the divergence from it is there too; without one, what such a comparison needs.

    Raises `ArtifactError` when the model cannot be loaded or run, or gives logits that are not numbers.
    """
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work:
        inputs, outputs, theirs = (Path(work) / name for name in ("inputs.npz", "scores.npz", "reference.npz"))
        np.savez(inputs, ids=np.concatenate(documents), lengths=np.array([len(ids) for ids in documents]))
        if reference is not None:
            np.savez(theirs, ids=reference["ids"], logs=reference["logs"])
        ask_tokens(
            {
                "mode": "tokens",
                "model": str(model_file(folder, SCORE)),
                "threads": threads,
                "context": context,
                "keep": 0 if reference is not None else KEPT_TOKENS,
                "inputs": str(inputs),
                "reference": None if reference is None else str(theirs),
                "outputs": str(outputs),
            }
        )
        with np.load(outputs) as found:
            scores = dict(found)
    if broken := int((~np.isfinite(scores["log_probability"])).sum()):
        raise ArtifactError(
            f'The model in "{folder}" gives logits that are not numbers for {broken:,} of {len(scores["top"]):,} tokens: '
            "compress it less, or otherwise."
        )
    return scores


def perplexity(scores: Scores, documents: Sequence[Ids], split: str) -> Quality:
    """exp of the mean negative log-probability of a token, with its bootstrap interval over documents."""
    losses, counts = _by_document(-scores["log_probability"].astype(np.float64), documents)
    value, low, high = np.exp(statistics.ratio_of_sums(losses, counts))
    return Quality(metric="perplexity", value=value, low=low, high=high, n=int(counts.sum()), split=split)


def paired(scores: Scores, baseline: Scores, documents: Sequence[Ids]) -> Paired:
    """The same tokens through the artefact and through the baseline. A token counts as right when it was the likeliest."""
    targets = np.concatenate([ids[1:] for ids in documents])
    ours, theirs = scores["top"] == targets, baseline["top"] == targets
    lost, gained = int((theirs & ~ours).sum()), int((ours & ~theirs).sum())
    worse = (baseline["log_probability"] - scores["log_probability"]).astype(np.float64)
    value, low, high = np.exp(statistics.ratio_of_sums(*_by_document(worse, documents))) - 1
    return Paired(
        agreement=float((scores["top"] == baseline["top"]).mean()),
        lost=lost,
        gained=gained,
        mcnemar_p=statistics.mcnemar_exact(lost, gained),
        kl=float(scores["kl"].mean()),
        change=Interval(value=value, low=low, high=high),
    )


def _by_document(values: NDArray[np.float64], documents: Sequence[Ids]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum over the scored tokens of each document, and how many they are."""
    counts = np.array([len(ids) - 1 for ids in documents])
    return np.add.reduceat(values, np.concatenate([[0], np.cumsum(counts)[:-1]])), counts.astype(np.float64)
