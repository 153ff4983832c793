"""Whether a user's classifier can be exported, for `models/check.py`: before a trial is queued.

A graph that is assembled is known to be right; a traced one is made and compared with torch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError, ModelError
from paretoscope.graphs.encoder import can_assemble
from paretoscope.graphs.export import export
from paretoscope.sources.ref import ModelRef

TOKENS = 3
"""Of the text for which logits must be finite, spread over the vocabulary."""


def problems(ref: ModelRef, model: PreTrainedModel) -> list[str]:
    """What keeps the model from being exported. Of a language model only the logits are checked,
    and its config elsewhere.
    """
    if found := [*_not_finite(ref, model)]:
        return found
    if ref.architecture == "decoder" or can_assemble(model.config):
        return []
    try:
        export(copy.deepcopy(model))  # tracing may change it
    except (ArtifactError, ModelError) as error:
        return [f'"{ref.name}" cannot be compressed: {error}']
    return []


def _not_finite(ref: ModelRef, model: PreTrainedModel) -> Iterator[str]:
    """Finite weights may be so large that their products are not. What fails is reported later."""
    words: Any = model.get_input_embeddings()
    ids = torch.linspace(0, len(words.weight) - 1, TOKENS).long()[None]
    try:
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    except Exception:  # noqa: BLE001 - whatever the code of a family raises
        return
    if not torch.isfinite(logits).all():
        yield (
            f'"{ref.name}" gives NaN or infinite logits in torch, although its weights are finite;'
            " give a checkpoint from before training diverged."
        )
