"""Quantization-aware training: train with rounded weights and, for int8, rounded activations.

The model then has weights that round well; they are exported and quantized afterwards. The forward
pass rounds on the grid of the quantizer (`rounding/rtn.py`, `int8.py`), recomputed from the weights
in every step; the gradient passes unchanged (the straight-through estimator, Bengio et al. 2013,
arXiv:1308.3432; Jacob et al. 2018, arXiv:1712.05877). Training starts from the post-training
solution, and the trained weights are the shipped ones. The word embedding is not trained; its
rounded rows are used.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from torch import nn
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import HEAD, matrices
from paretoscope.models.encoder.anatomy import Anatomy, anatomy
from paretoscope.models.modules.access import embedding, linear
from paretoscope.models.modules.tensors import from_numpy
from paretoscope.quantization.calibration.observe import Ranges, activation_ranges
from paretoscope.quantization.fake_quantize import (
    FakeQuantizeActivation,
    FakeQuantizeGroups,
    FakeQuantizeOutputs,
)
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Quantize
from paretoscope.training.settings import Training
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.trainer import teacher_of, train

TEMPERATURE = 2.0
"""Temperature of the teacher, which is the model before quantization."""


def apply(stage: Quantize, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Train `model` in place with the rounding of `stage`, and return it in fp32.

    With `stage.distill_weight` the model before training is the teacher. Zeros stay zeros. Raises
    `ModelError` for an unknown family.
    """
    if stage.train_epochs == 0:
        return model
    data = context.encoded("train")
    training = Training(
        epochs=stage.train_epochs,
        learning_rate=stage.learning_rate,
        seed=context.seed,
        teacher=teacher_of(model, data, context) if stage.distill_weight else None,
        temperature=TEMPERATURE,
        soft_weight=stage.distill_weight,
        masks={_original(name): mask for name, mask in sparsity_masks(model).items()},
        progress=partial(context.progress, epochs=stage.train_epochs),
    )
    with fake_quantized(stage, model, static_ranges(stage, model, context)):
        train(model, data, training)
    return model


@contextmanager
def fake_quantized(stage: Quantize, model: PreTrainedModel, ranges: Ranges) -> Generator[None]:
    """Within the block `model` computes with weights and activations rounded as by `stage`.

    `ranges` is (low, high) of the input of each matrix for the static scheme, by the matrix's name
    in the graph, and empty for the others.
    """
    parts = anatomy(model)
    hooks: list[RemovableHandle] = []
    rounded: list[nn.Linear] = []
    try:
        for name, modules in modules_of_matrices(model, parts).items():
            bits = stage.head_bits if name.startswith(HEAD) else int(stage.bits)
            for module in (linear(model, path) for path in modules if bits != 32):
                weights = (
                    FakeQuantizeGroups(bits, stage.group_size)
                    if stage.scheme == "weight-only"
                    else FakeQuantizeOutputs()
                )
                parametrize.register_parametrization(module, "weight", weights, unsafe=True)
                rounded.append(module)
                if stage.scheme != "weight-only":
                    hooks.append(
                        module.register_forward_pre_hook(FakeQuantizeActivation(ranges.get(name)))
                    )
        with _rounded_embedding(embedding(model, parts.embeddings), stage.embedding_bits):
            yield
    finally:
        for hook in hooks:
            hook.remove()
        for module in rounded:
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)


def modules_of_matrices(model: PreTrainedModel, parts: Anatomy) -> dict[str, tuple[str, ...]]:
    """The Linear modules of each matrix of the exported graph, by its name there."""
    found: dict[str, tuple[str, ...]] = {}
    if parts.embedding_projection is not None:
        found["embedding.project"] = (parts.embedding_projection,)
    for index, layer in enumerate(parts.layers):
        found[f"layer.{index}.qkv"] = (layer.query, layer.key, layer.value)
        found[f"layer.{index}.output"] = (layer.output,)
        found[f"layer.{index}.ffn.in"] = (layer.ffn_in,)
        found[f"layer.{index}.ffn.out"] = (layer.ffn_out,)
    return found | {f"{HEAD}{index}": (name,) for index, name in enumerate(parts.head)}


def static_ranges(stage: Quantize, model: PreTrainedModel, context: StageContext) -> Ranges:
    """(low, high) of the input of each matrix, by the matrix's name; empty unless static.

    They are calibrated before training and fixed in training. The trained model, whose activations
    fit into them, is calibrated again when it is quantized.
    """
    if stage.scheme != "int8-static":
        return {}
    graph, _ = export(model)
    found = activation_ranges(graph, context, stage.calibration_examples, stage.calibration)
    return {matrix.name: found[matrix.node.input[0]] for matrix in matrices(graph)}


@contextmanager
def _rounded_embedding(words: nn.Embedding, bits: int) -> Generator[None]:
    """Within the block the word embedding holds its rows rounded to `bits`."""
    table = words.weight.data
    if bits != 32:
        rounded = quantize_groups(table.numpy(), bits, GROUP_SIZE[bits]).dequantized()
        words.weight.data = from_numpy(rounded)
    try:
        yield
    finally:
        words.weight.data = table


def _original(name: str) -> str:
    """The name of a parameter "x.weight" while its module is parametrized."""
    return f"{name.removesuffix('.weight')}.parametrizations.weight.original"
