"""Scaled rotary positions of a GGUF file, which transformers does not read.

A file has a linear factor in its metadata, or a factor for each pair of numbers of a head as the
tensor `rope_freqs.weight`, as those of Llama 3.1 and 3.2 have. llama.cpp divides each frequency by
both. The config gets a rotation of transformers with the same frequencies, so that a checkpoint
keeps them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.sources.gguf import read_header, tensor_shapes
from paretoscope.sources.gguf_problems import SCALING

FACTORS = "rope_freqs.weight"


def scale_rotations(model: PreTrainedModel, path: Path) -> None:
    """Apply the scaling of the file at `path` to the model that was read from it, in place."""
    linear = _linear_factor(path)
    factors = _factors(path)
    if linear == 1.0 and factors is None:
        return
    rotary: Any = getattr(model.base_model, "rotary_emb", None)
    if rotary is None or (factors is not None and len(factors) != len(rotary.inv_freq)):
        raise ModelError(
            f'"{path}" scales rotary positions, but not those of a {model.config.model_type} model'
            " of this shape; give the model as a folder with safetensors."
        )
    config: Any = model.config
    scaled = {"rope_type": "linear", "factor": linear}
    if factors is not None:
        scaled = {
            "rope_type": "longrope",
            "short_factor": [each * linear for each in factors],
            "long_factor": [each * linear for each in factors],
            "factor": 1.0,
            "attention_factor": 1.0,
            "original_max_position_embeddings": config.max_position_embeddings,
        }
    config.rope_parameters = {**config.rope_parameters, **scaled}
    model.base_model.rotary_emb = type(rotary)(config)


def _linear_factor(path: Path) -> float:
    """As llama.cpp reads it: a factor without a type is linear, 0 stands for none."""
    header = read_header(path)
    prefix = f"{header.get('general.architecture')}."
    if header.get(f"{prefix}{SCALING}type", "linear") != "linear":
        return 1.0
    older = header.get(f"{prefix}rope.scale_linear", 0.0)
    return float(header.get(f"{prefix}{SCALING}factor", older)) or 1.0


def _factors(path: Path) -> list[float] | None:
    if FACTORS not in tensor_shapes(path):
        return None
    reader: Any = gguf.GGUFReader(path)
    [tensor] = [each for each in reader.tensors if each.name == FACTORS]
    return [float(each) for each in tensor.data]
