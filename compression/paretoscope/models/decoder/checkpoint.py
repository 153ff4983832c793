"""Parts of a decoder's checkpoint: shapes of pruned layers, a tied output head, the generation
config.

`models/checkpoint.py` reads and writes the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from paretoscope.errors import ModelError
from paretoscope.models.decoder.anatomy import DecoderLayer, decoder_anatomy
from paretoscope.models.decoder.heads import annotate_heads
from paretoscope.models.modules.slicing import resize_linear

GENERATION, TOKENIZER_CONFIG = "generation_config.json", "tokenizer_config.json"
CARRIED = (GENERATION, TOKENIZER_CONFIG)
"""Files of a checkpoint that every later checkpoint and artefact copies unchanged."""


def read_generation_config(folder: Path, config: PreTrainedConfig) -> GenerationConfig:
    """The checkpoint's generation config, else the one that the model's config implies."""
    generation: Any = GenerationConfig
    if (folder / GENERATION).is_file():
        return generation.from_pretrained(folder, local_files_only=True)
    return generation.from_model_config(config)


def write_generation_config(model: PreTrainedModel, folder: Path) -> None:
    config: GenerationConfig = model.generation_config
    (folder / GENERATION).write_text(config.to_json_string(use_diff=True), encoding="utf-8")


def tied_head(model: PreTrainedModel, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weight of a tied output head, which a checkpoint stores once, as the token embedding."""
    parts = decoder_anatomy(model)
    name = f"{parts.head}.weight"
    if name in tensors or not model.config.tie_word_embeddings:
        return {}
    model.tie_weights()
    return {name: tensors[f"{parts.embeddings}.weight"]}


def resize_decoder(model: PreTrainedModel, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Give each linear module of the layers the shape of its stored weight.

    The shapes determine the number of heads; the ratio of query to key heads is the config's.
    """
    parts = decoder_anatomy(model)
    for layer in parts.layers:
        shapes = {
            name: _outputs_first(model, name, tensors)
            for name in layer.linears
            if f"{name}.weight" in tensors
        }
        if len(shapes) < len(layer.linears):
            continue  # load_state_dict names the missing tensor
        if not _consistent(layer, shapes, model.config):
            sizes = ", ".join(
                f"{name.removeprefix(layer.path + '.')} {list(shape)}"
                for name, shape in shapes.items()
            )
            raise ModelError(
                f'In "{source}", {layer.path} has tensors of inconsistent shapes ({sizes}); make'
                " the checkpoint again."
            )
        for name, (rows, columns) in shapes.items():
            module = model.get_submodule(name)
            assert isinstance(module, nn.Linear | Conv1D), f"{name} is a {type(module).__name__}"
            resize_linear(module, rows, columns)
    annotate_heads(model)


def _outputs_first(
    model: PreTrainedModel, name: str, tensors: Mapping[str, Tensor]
) -> tuple[int, int]:
    """Outputs and inputs of a stored weight."""
    rows, columns = tensors[f"{name}.weight"].shape
    return (rows, columns) if isinstance(model.get_submodule(name), nn.Linear) else (columns, rows)


def _consistent(
    layer: DecoderLayer, shapes: Mapping[str, tuple[int, int]], config: PreTrainedConfig
) -> bool:
    heads, width = shapes[layer.output][1] // layer.head_size, shapes[layer.ffn_out][1]
    shared = config.num_attention_heads // (
        getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    )
    rows = [heads * layer.head_size] + [heads // shared * layer.head_size] * 2
    given = [shapes[name][0] for name in layer.projections]
    heads_agree = given == (rows if len(given) > 1 else [sum(rows)])
    whole = heads > 0 and heads % shared == 0 and shapes[layer.output][1] == rows[0]
    inner = {shapes[name][0] for name in layer.ffn_in}
    stacked_gate = len(layer.ffn_in) == 1 and inner == {2 * width}
    return whole and heads_agree and width > 0 and (inner == {width} or stacked_gate)
