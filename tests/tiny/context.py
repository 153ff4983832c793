"""A tiny model and the context that the engine would give a stage, for tests of pruning and
distillation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.tasks.splits import NO_LABEL, UNLABELLED
from tests.tiny.factory import make_tiny


def tiny_model(folder: Path, family: str = "bert", layers: int = 2) -> PreTrainedModel:
    """A tiny classifier of two labels, the same weights every time."""
    return AutoModelForSequenceClassification.from_pretrained(
        make_tiny(family, folder, layers=layers)
    ).eval()


def tiny_split(texts: int = 24) -> EncodedSplit:
    """Random token ids of 4 to 7 tokens; the label is whether the second token is an odd one."""
    rng = np.random.default_rng(0)
    ids = [rng.integers(5, 90, size=4 + number % 4) for number in range(texts)]
    return EncodedSplit(ids=ids, labels=np.array([row[1] % 2 for row in ids]), key=f"tiny-{texts}")


def unlabelled_split(texts: int = 10) -> EncodedSplit:
    """Other random token ids, of which nobody knows the label."""
    rng = np.random.default_rng(1)
    ids = [rng.integers(5, 90, size=4 + number % 4) for number in range(texts)]
    return EncodedSplit(ids=ids, labels=np.full(texts, NO_LABEL), key=f"unlabelled-{texts}")


@dataclass
class Recorder:
    """What a stage told the context and asked of it."""

    progress: list[tuple[int, int]] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    kept: dict[str, np.ndarray] = field(default_factory=dict)

    def cached(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        if key not in self.kept:
            self.computed.append(key)
            self.kept[key] = compute()
        return self.kept[key]

    def context(self, seed: int = 0) -> StageContext:
        return StageContext(
            seed=seed,
            labels=("a", "b"),
            encoded=lambda name: unlabelled_split() if name == UNLABELLED else tiny_split(),
            progress=self.report,
            cached=self.cached,
        )

    def report(self, step: int, steps: int, *, epochs: float = 0.0) -> None:
        self.progress.append((step, steps))
        self.epochs.append(epochs)


def logits_of(model: PreTrainedModel) -> torch.Tensor:
    """Logits [3, 2] of three texts of 8 tokens."""
    ids = torch.arange(5, 29).reshape(3, 8)
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def tensors_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A copy of every tensor."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
