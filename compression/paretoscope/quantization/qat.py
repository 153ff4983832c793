"""Quantization-aware training: the model is trained while it already computes with rounded weights
(and, for int8, rounded activations), so that it finds weights that round well. What is exported and
quantized afterwards are the trained weights.

Rounding happens in the forward pass on the very grid of the quantizer
(`quantization/rounding/rtn.py`, `int8.py`), recomputed from the weights in every step; the gradient
passes as if it had not happened (the straight-through estimator, Bengio et al. 2013,
arXiv:1308.3432; Jacob et al. 2018, arXiv:1712.05877). So training starts from the post-training
solution, and what was trained is what ships. The training loop is `models/train.py`'s, which leaves
the word embedding as it is: it is seen in its rounded form.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import HEAD, matrices
from paretoscope.models.encoder.anatomy import Anatomy, anatomy
from paretoscope.models.modules.access import embedding, linear
from paretoscope.quantization.calibration.observe import Ranges, activation_ranges
from paretoscope.quantization.fake_quantize import FakeActivation, FakeGroups, FakeOutputs
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Quantize
from paretoscope.training.settings import Training
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.trainer import teacher_of, train

TEMPERATURE = 2.0
"""Softens the outputs of the model before it was quantized, its own teacher, as in `Distill`."""


def apply(stage: Quantize, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Train `model` in place for `stage.train_epochs` as if it were quantized by `stage`, and
    return it in fp32.

    The teacher, where `stage.distill_weight` asks for one, is the model as it comes in. Zeros stay
    zeros. Raises `ModelError` for a family whose parts are not known.
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
        progress=context.progress,
    )
    with fake_quantized(stage, model, static_ranges(stage, model, context)):
        train(model, data, training)
    return model


@contextmanager
def fake_quantized(stage: Quantize, model: PreTrainedModel, ranges: Ranges) -> Generator[None]:
    """Within it, `model` computes with weights and activations rounded as `stage` rounds them;
    afterwards its weights are floats again.

    `ranges` has (low, high) of what enters each matrix for the static scheme, by the matrix's name
    in the graph, and is empty for the others.
    """
    parts = anatomy(model)
    hooks: list[RemovableHandle] = []
    rounded: list[nn.Linear] = []
    try:
        for name, modules in modules_of_matrices(model, parts).items():
            bits = stage.head_bits if name.startswith(HEAD) else int(stage.bits)
            for module in (linear(model, path) for path in modules if bits != 32):
                weights = (
                    FakeGroups(bits, stage.group_size)
                    if stage.scheme == "weight-only"
                    else FakeOutputs()
                )
                parametrize.register_parametrization(module, "weight", weights, unsafe=True)
                rounded.append(module)
                if stage.scheme != "weight-only":
                    hooks.append(module.register_forward_pre_hook(FakeActivation(ranges.get(name))))
        with _rounded_embedding(embedding(model, parts.embeddings), stage.embedding_bits):
            yield
    finally:
        for hook in hooks:
            hook.remove()
        for module in rounded:
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)


def modules_of_matrices(model: PreTrainedModel, parts: Anatomy) -> dict[str, tuple[str, ...]]:
    """The Linear modules that each matrix of the assembled graph is made of, by its name there."""
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
    """(low, high) of what enters each matrix, by the matrix's name, as calibration finds it before
    training; empty unless static.

    They stay fixed in training. What ships is calibrated anew on the trained model, which has
    learned to stay within them.
    """
    if stage.scheme != "int8-static":
        return {}
    graph, _ = export(model)
    found = activation_ranges(graph, context, stage.calibration_examples, stage.calibration)
    return {matrix.name: found[matrix.node.input[0]] for matrix in matrices(graph)}


@contextmanager
def _rounded_embedding(words: nn.Embedding, bits: int) -> Generator[None]:
    """Within it the word embedding holds the rows that `bits` give back."""
    table = words.weight.data
    if bits != 32:
        words.weight.data = torch.from_numpy(
            quantize_groups(table.numpy(), bits, GROUP_SIZE[bits]).dequantized()
        )
    try:
        yield
    finally:
        words.weight.data = table


def _original(name: str) -> str:
    """What a parameter "x.weight" is called while its module is parametrized."""
    return f"{name.removesuffix('.weight')}.parametrizations.weight.original"
