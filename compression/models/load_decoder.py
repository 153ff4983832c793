"""What a decoder's checkpoint has beyond a classifier's: pruned shapes of its own kind, a tied head, how it ends and how one talks to it.

`load.py` reads and writes checkpoints and asks here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel

from compression.catalog import ModelRef
from compression.errors import ModelError
from compression.models.anatomy import linear
from compression.models.decoder_anatomy import DecoderLayer, decoder_anatomy
from compression.models.slicing import resize_linear
from compression.models.sources import chat_template

GENERATION, TOKENIZER_CONFIG = "generation_config.json", "tokenizer_config.json"
CARRIED = (GENERATION, TOKENIZER_CONFIG)
"""Files of a checkpoint that go along unchanged to whatever is made of it."""


def write_tokenizer_config(ref: ModelRef, folder: Path) -> None:
    """tokenizer_config.json, with the chat template in it, as onnxruntime-genai reads it."""
    content = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, "chat_template": chat_template(ref)}
    text = json.dumps({name: value for name, value in content.items() if value is not None}, indent=1, ensure_ascii=False)
    (folder / TOKENIZER_CONFIG).write_text(text, encoding="utf-8")


def read_generation_config(folder: Path, config: PreTrainedConfig) -> GenerationConfig:
    """That of the checkpoint, else what the model's config implies."""
    if (folder / GENERATION).is_file():
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    return GenerationConfig.from_model_config(config)


def tied_head(model: PreTrainedModel, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The head of a model whose head is its word embedding, which is stored once."""
    parts = decoder_anatomy(model)
    name = f"{parts.head}.weight"
    if name in tensors or not model.config.tie_word_embeddings:
        return {}
    model.tie_weights()
    return {name: tensors[f"{parts.embeddings}.weight"]}


def resize_decoder(model: PreTrainedModel, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Give each Linear of the layers the shape of its stored weight. Attention takes its number of heads from there, in the proportion
    of query to key heads that the config says. Families that keep projections stacked have the shapes of their config."""
    parts = decoder_anatomy(model)
    if parts.stacked:
        return
    for layer in parts.layers:
        shapes = {name: tensors[f"{name}.weight"].shape for name in layer.linears if f"{name}.weight" in tensors}
        if len(shapes) == len(layer.linears) and not _fit_together(layer, shapes, model.config):
            sizes = ", ".join(f"{name.removeprefix(layer.path + '.')} {list(shape)}" for name, shape in shapes.items())
            raise ModelError(f'In "{folder}", {layer.path} has tensors that do not fit together ({sizes}); make the checkpoint again.')
        for name, (rows, columns) in shapes.items():
            resize_linear(linear(model, name), rows, columns)


def _fit_together(layer: DecoderLayer, shapes: Mapping[str, torch.Size], config: PreTrainedConfig) -> bool:
    query, key, value = (shapes[name][0] for name in layer.projections)
    width = shapes[layer.ffn_out][1]
    shared = config.num_attention_heads // config.num_key_value_heads
    heads_agree = query == shapes[layer.output][1] == shared * key == shared * value and query > 0 and key % layer.head_size == 0
    return heads_agree and width > 0 and all(shapes[name][0] == width for name in layer.ffn_in)
