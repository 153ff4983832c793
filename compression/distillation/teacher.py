"""What the teacher says about every training text, computed once and kept under the teacher's content."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import torch
from transformers import PreTrainedModel

from compression.models.context import EncodedSplit, StageContext
from compression.models.train import logits

NOT_CONTENT = ("_name_or_path", "transformers_version", "dtype")
"""Config entries that say where a model came from, not what it computes."""


def teacher_logits(model: PreTrainedModel, split: EncodedSplit, context: StageContext) -> np.ndarray:
    """Logits [texts, classes], float32, from the context's cache when the same teacher was asked before."""
    key = hashlib.sha256(f"{content_key(model)} {split.key}".encode()).hexdigest()[:32]
    return context.cached(f"teacher-logits-{key}", lambda: logits(model, split))


def content_key(model: PreTrainedModel) -> str:
    """sha256 over config and tensors: equal for equal models wherever they lie (a tenth of a second per 100 MB)."""
    config = {name: value for name, value in model.config.to_dict().items() if name not in NOT_CONTENT}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
