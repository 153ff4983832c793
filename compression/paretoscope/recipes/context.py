"""The context of a stage: data, seed, progress and a disk cache.

The engine provides it, so stages read no files and do not depend on the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class EncodedSplit:
    """A split as token ids and labels."""

    ids: list[np.ndarray]
    """An int64 array [tokens] for each text, with special tokens, without padding."""
    labels: np.ndarray
    """int64 [texts]: indices of the model's labels, -1 where the label is unknown."""
    key: str
    """Content hash of texts, labels and tokenizer: equal keys are equal splits."""

    def __len__(self) -> int:
        return len(self.ids)


class ReportStep(Protocol):
    """Called with (step, number of steps), in training with the epochs that the steps make up."""

    def __call__(self, step: int, steps: int, *, epochs: float = 0.0) -> None: ...


@dataclass
class StageContext:
    """The third argument of `apply(stage, model, context)`."""

    seed: int
    labels: tuple[str, ...]
    encoded: Callable[[str], EncodedSplit]
    """Return a split in tokens of `tokenizer`, by name.

    Names are "train", "calibration", "validation", "test" and "unlabelled".
    """
    progress: ReportStep
    cached: Callable[[str, Callable[[], np.ndarray]], np.ndarray]
    """Return the array of a key from the disk cache; compute and store it if it is not there."""
    tokenizer: str = ""
    """Content of the model's tokenizer.json; a stage that changes the vocabulary replaces it."""
    part: Callable[[str], None] = lambda name: None
    """Called with the name of the work that `progress` reports next, "" for the main work."""
    companion_bytes: int = 0
    """Upper bound of the bytes of the artefact's files other than the graph, for `max_mb`."""
