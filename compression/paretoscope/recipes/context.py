"""What the engine hands to every stage that works on a torch model: data, seed, progress and a disk
cache.

No stage reads files or knows the workspace; it asks this context, and leaves a changed tokenizer in
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EncodedSplit:
    """A split as token ids: one int64 array a text (special tokens included, no padding) and one
    label each, -1 where none is known.
    """

    ids: list[np.ndarray]
    labels: np.ndarray
    """int64 [texts], an index into the model's labels."""
    key: str
    """Content hash of texts, labels and tokenizer: equal keys are equal splits."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass
class StageContext:
    """Everything besides the model that `apply(stage, model, context)` may use."""

    seed: int
    labels: tuple[str, ...]
    encoded: Callable[[str], EncodedSplit]
    """The split of that name: "train", "calibration", "validation", "test" or "unlabelled", in
    tokens of `tokenizer`.
    """
    progress: Callable[[int, int], None]
    """Told (step, of steps)."""
    cached: Callable[[str, Callable[[], np.ndarray]], np.ndarray]
    """The array under a key, computed once and then kept on disk."""
    tokenizer: str = ""
    """The model's tokenizer.json. A stage that changes the vocabulary puts the new one here:
    whatever follows uses it.
    """
    part: Callable[[str], None] = lambda name: None
    """Told the name of what the stage is busy with, of which `progress` speaks from then on; none
    for its main work.
    """
    beside_bytes: int = 0
    """What the files of an artefact beside its graph take on disk, at most: a budget of bytes has
    to cover them.
    """
