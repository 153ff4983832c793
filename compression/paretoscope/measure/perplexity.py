"""Perplexity of a decoder on documents through the runtime that ships, and its paired comparison
with the baseline.

Documents come in as token ids. To compare distributions, the baseline's scores keep the 256
likeliest tokens of every position and what they leave over counts as one more token: all 49,152
logits of 8,000 positions would be 1.6 GB. The divergence that comes out is never above that of the
whole distributions.
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
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Paired, Protocol, Quality

SCORED_TOKENS: dict[Protocol, int] = {"quick": 5_000, "standard": 40_000}
"""How much of the split is scored: whole documents until they have so many tokens. The interval
says how sure that makes the number.
"""
KEPT_TOKENS = 256
"""So many of the likeliest tokens of the baseline are kept at each position."""

Ids = NDArray[np.int64]
Scores = Mapping[str, NDArray[Any]]
"""`log_probability`, `top`, `targets` [tokens], `lengths` [documents]; the baseline's also `ids`,
`logs` [tokens, kept]; another's `kl` [tokens].
"""


def score_tokens(
    folder: Path, documents: Sequence[Ids], reference: Scores | None, *, threads: int, context: int
) -> dict[str, NDArray[Any]]:
    """Scores of every token but the first of each document, in a fresh process without torch.

    A document of more than `context` tokens is read in windows that overlap by half. With
    `reference`, the baseline's scores of the same documents, the divergence from it is there too;
    without one, what such a comparison needs.

    Raises `ArtifactError` when the model cannot be loaded or run, or gives logits that are not
    numbers.
    """
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work:
        inputs, outputs, theirs = (
            Path(work) / name for name in ("inputs.npz", "scores.npz", "reference.npz")
        )
        np.savez(
            inputs, ids=np.concatenate(documents), lengths=np.array([len(ids) for ids in documents])
        )
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
    scores["targets"], scores["lengths"] = scored(documents)
    if broken := int((~np.isfinite(scores["log_probability"])).sum()):
        raise ArtifactError(
            f'The model in "{folder}" gives logits that are not numbers for {broken:,} of'
            f" {len(scores['top']):,} tokens: compress it less, or otherwise."
        )
    return scores


def perplexity(scores: Scores, documents: Sequence[Ids], split: str) -> Quality:
    """exp of the mean negative log-probability of a token, with its bootstrap interval over
    documents.
    """
    _, lengths = scored(documents)
    value, low, high = np.exp(
        intervals.ratio_of_sums(
            by_document(-scores["log_probability"], lengths), lengths.astype(np.float64)
        )
    )
    return Quality(
        metric="perplexity", value=value, low=low, high=high, n=int(lengths.sum()), split=split
    )


def paired(scores: Scores, baseline: Scores, documents: Sequence[Ids]) -> Paired:
    """The same tokens through the artefact and through the baseline. A token counts as right when
    it was the likeliest.
    """
    ours, theirs = (
        TokenAnswers(each["log_probability"], each["top"], *scored(documents))
        for each in (scores, baseline)
    )
    return paired_tokens(ours, theirs, kl=float(scores["kl"].mean()))


def scored(documents: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The tokens that are scored, one after the other, and how many of them each document has."""
    return np.concatenate([ids[1:] for ids in documents]).astype(np.int32), np.array(
        [len(ids) - 1 for ids in documents], dtype=np.int64
    )
