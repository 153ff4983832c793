"""Accuracy of a classifier's artefact, measured in a new process with ONNX Runtime.

Texts come in as token ids (`tasks/load.py`). The comparison with the baseline is in
`statistics/paired.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import ArtifactError
from paretoscope.measure.process import ask_quality, model_file
from paretoscope.statistics import intervals
from paretoscope.tasks.tokens import batches_by_length
from paretoscope.trials.trial import Quality


@dataclass(frozen=True)
class Running:
    """How texts are run: up to `batch` texts of equal length at once, so nothing is padded.

    `parallel` batches run at the same time, each with `threads` threads within an operator. Dynamic
    quantization takes the range of activations from the whole batch, so the batch is a condition of
    the result.
    """

    batch: int = 1
    parallel: int = 1
    threads: int = 1


def evaluate(
    artifact: Path,
    encoded: Sequence[NDArray[np.int64]],
    labels: NDArray[np.int64],
    *,
    split: str,
    how: Running,
) -> tuple[Quality, NDArray[np.float32]]:
    """(accuracy of the artefact on texts, their logits [n, classes]).

    `encoded` has one array of token ids per text.

    Raises `ArtifactError` when the model cannot be loaded or run, has fewer classes than the labels
    need, or gives logits that are not finite.
    """
    if len(encoded) != len(labels) or not len(labels):
        raise ValueError(f"{len(encoded)} texts do not match {len(labels)} labels")
    logits = _logits(artifact, encoded, how)
    _check(artifact, logits, labels)
    return score(logits, labels, split), logits


def score(logits: NDArray[np.float32], labels: NDArray[np.int64], split: str) -> Quality:
    """Accuracy of logits [n, classes] with its Wilson interval."""
    right = int((logits.argmax(axis=1) == labels).sum())
    low, high = intervals.wilson(right, len(labels))
    return Quality(value=right / len(labels), low=low, high=high, n=len(labels), split=split)


def _logits(
    artifact: Path, encoded: Sequence[NDArray[np.int64]], how: Running
) -> NDArray[np.float32]:
    batches = list(batches_by_length(encoded, how.batch))
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        inputs, outputs = Path(folder) / "inputs.npz", Path(folder) / "logits.npy"
        np.savez(
            inputs,
            ids=np.concatenate(encoded),
            lengths=np.array([len(ids) for ids in encoded]),
            order=np.concatenate(batches),
            sizes=np.array([len(batch) for batch in batches]),
        )
        ask_quality(
            {
                "mode": "quality",
                "model": str(model_file(artifact)),
                "threads": how.threads,
                "parallel": how.parallel,
                "inputs": str(inputs),
                "outputs": str(outputs),
            }
        )
        return np.load(outputs)


def _check(artifact: Path, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ArtifactError(
            f'The model in "{artifact}" has {classes} classes, but the labels go up to'
            f" {labels.max()}: choose the task that it was trained on."
        )
    if broken := int((~np.isfinite(logits)).any(axis=1).sum()):
        raise ArtifactError(
            f'The model in "{artifact}" gives logits that are not finite for {broken} of'
            f" {len(logits)} examples: compress it less, or with another method."
        )
