"""Alternatives to a stage that loses too much: other ways to the same size, the cheapest first.

An alternative keeps the stage's ratio, sparsity or bits and changes how they are reached: another
allocation, a data-driven method, more training, a teacher. Trying them is `engine/recover.py`'s.

    >>> stage = PruneStructure(target="ffn", ratio=0.5)
    >>> first = next(remedies(stage, epochs=2))
    >>> first.in_words()
    'ffn global -50 %'
    >>> [remedy.in_words() for remedy in remedies(stage, epochs=2)][-1]
    'ffn -50 % + 2 epochs with teacher'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.recipes.stages.methods import WEIGHT_SCORES

TEACHER = 0.7
"""Weight of the teacher's loss in added training."""


def remedies(stage: Stage, epochs: float) -> Iterator[Stage]:
    """Alternatives to `stage` with at most `epochs` more of training, those without any first."""
    for changes in _changes(stage, epochs):
        if all(getattr(stage, name) == value for name, value in changes.items()):
            continue
        try:
            yield type(stage).model_validate(stage.model_dump() | changes)
        except ValidationError:  # excluded by other fields of the stage
            continue


def _changes(stage: Stage, epochs: float) -> Iterator[dict[str, Any]]:
    longer = [stage.training_epochs + more for more in _doubling(epochs)]
    if isinstance(stage, Distill):
        yield from ({"epochs": each} for each in longer)
        if longer:
            yield {"epochs": longer[-1], "hidden_weight": 1.0}
    elif isinstance(stage, PruneStructure | PruneWeights):
        if isinstance(stage, PruneStructure):
            yield {"allocation": "global"}
        elif not WEIGHT_SCORES[stage.method].updates:
            yield {"method": "sparsegpt", "scope": "layer"}
            yield {"scope": "global"}
        yield from (
            {"retrain_epochs": each, "distill_weight": stage.distill_weight or TEACHER}
            for each in longer
        )
    elif isinstance(stage, Quantize):
        if stage.scheme == "weight-only":
            yield {"rounding": "gptq"}
            yield {"rounding": "gptq", "allocation": "sensitivity"}
        else:
            yield {"smooth": 0.5}
        yield from ({"train_epochs": each, "rounding": "rtn", "smooth": 0.0} for each in longer)


def _doubling(epochs: float) -> Iterator[float]:
    """1, 2, 4, ... and finally all epochs.

    >>> list(_doubling(6)), list(_doubling(0.5)), list(_doubling(0))
    ([1.0, 2.0, 4.0, 6], [0.5], [])
    """
    step = 1.0
    while step < epochs:
        yield step
        step *= 2
    if epochs:
        yield epochs
