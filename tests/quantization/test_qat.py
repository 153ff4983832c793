"""Quantization-aware training: the grid in training is the quantizer's, what was trained is what
ships, and zeros stay zeros.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.errors import RecipeError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import matrices
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.quantization import quantize
from paretoscope.quantization.calibration.uint8_grid import activation_grid
from paretoscope.quantization.fake_quantize import (
    FakeQuantizeActivation,
    FakeQuantizeGroups,
    FakeQuantizeOutputs,
)
from paretoscope.quantization.int8 import per_output
from paretoscope.quantization.qat import apply, fake_quantized, modules_of_matrices, static_ranges
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import Quantize
from tests.quantization.places import TEXTS, logits, split_context
from tests.tiny.context import Recorder, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES

SCHEMES = [
    Quantize(train_epochs=2, learning_rate=1e-3),
    Quantize(scheme="int8-static", train_epochs=2, learning_rate=1e-3),
    Quantize(scheme="weight-only", bits=4, group_size=16, train_epochs=2, learning_rate=1e-3),
    Quantize(
        scheme="weight-only",
        bits=2,
        group_size=16,
        embedding_bits=4,
        train_epochs=2,
        learning_rate=1e-3,
        distill_weight=0,
    ),
]


def words(stage: Quantize) -> str:
    return stage.in_words()


def torch_logits(model: PreTrainedModel) -> np.ndarray:
    """Answers to `TEXTS`, each by itself."""
    model.eval()
    with torch.no_grad():
        return np.concatenate(
            [model(input_ids=torch.from_numpy(ids[None])).logits.numpy() for ids in TEXTS]
        )


# --- the grids ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [64, 70])
def test_groups_are_rounded_as_the_quantizer_does(bits: int, columns: int) -> None:
    weight = np.random.default_rng(bits).normal(size=(7, columns)).astype(np.float32)
    weight[:, ::3], weight[2] = 0, 0
    expected = quantize_groups(weight, bits, 16).dequantized()
    np.testing.assert_array_equal(
        FakeQuantizeGroups(bits, 16)(torch.from_numpy(weight)).numpy(), expected
    )


def test_outputs_are_rounded_as_the_quantizer_does() -> None:
    weight = np.random.default_rng(0).normal(size=(7, 30)).astype(np.float32)
    weight[3] = 0
    codes, scales = per_output(weight.T)
    np.testing.assert_array_equal(
        FakeQuantizeOutputs()(torch.from_numpy(weight)).numpy(), (codes * scales).T
    )


def test_activations_are_rounded_as_the_runtime_does() -> None:
    x = np.random.default_rng(0).normal(size=(3, 9)).astype(np.float32)
    for limits in (None, (-1.0, 1.5)):
        scale, zero = activation_grid(*(limits or (float(x.min()), float(x.max()))))
        codes = np.clip(np.rint(x / scale) + zero, 0, 255)
        rounded = FakeQuantizeActivation(limits)(torch.nn.Identity(), (torch.from_numpy(x),))[0]
        np.testing.assert_allclose(rounded.numpy(), (codes - zero) * scale, atol=1e-6)


def test_gradients_pass_straight_through() -> None:
    weight = torch.randn(4, 32, requires_grad=True)
    direction = torch.randn(4, 32)
    for module in (FakeQuantizeGroups(2, 16), FakeQuantizeOutputs()):
        weight.grad = None
        (module(weight) * direction).sum().backward()
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, direction)
    x = torch.tensor([-3.0, 0.5, 3.0], requires_grad=True)
    FakeQuantizeActivation((-1.0, 1.0))(torch.nn.Identity(), (x,))[0].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 0]  # what is cut off has no say


# --- what was trained is what ships ---------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_matrix_of_the_graph_is_rounded_in_training(family: str, tmp_path: Path) -> None:
    model = tiny_model(tmp_path, family)
    found = modules_of_matrices(model, anatomy(model))
    assert set(found) == {matrix.name for matrix in matrices(export(model)[0])}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stage", SCHEMES, ids=words)
def test_training_computes_what_the_artefact_will(
    family: str, stage: Quantize, tmp_path: Path
) -> None:
    """Before any training: the fake-quantized torch model against the quantized graph. MatMulNBits
    rounds activations by itself.
    """
    model, context = tiny_model(tmp_path, family), split_context()
    graph = export(model)[0]
    with fake_quantized(stage, model, static_ranges(stage, model, context)):
        ours = torch_logits(model)
    theirs = logits(quantize.apply(stage, graph, context))
    rounding = np.abs(theirs - logits(graph)).mean()
    assert np.abs(ours - theirs).mean() < max(0.02, rounding / 3)
    np.testing.assert_allclose(
        torch_logits(model), logits(graph), atol=1e-4
    )  # and its floats are back


@pytest.mark.parametrize("stage", SCHEMES, ids=words)
def test_what_was_trained_is_what_ships(stage: Quantize, tmp_path: Path) -> None:
    model, context = tiny_model(tmp_path), Recorder().context()
    ranges = static_ranges(stage, model, context)
    before = tensors_of(model)
    names = {name for name, _ in model.named_parameters()}
    apply(stage, model, context)
    assert {name for name, _ in model.named_parameters()} == names
    after = tensors_of(model)
    query = anatomy(model).layers[0].query + ".weight"
    assert not torch.equal(before[query], after[query])
    assert torch.equal(
        before["bert.embeddings.word_embeddings.weight"],
        after["bert.embeddings.word_embeddings.weight"],
    )
    with fake_quantized(stage, model, ranges):
        ours = torch_logits(model)
    graph = export(model)[0]
    theirs = logits(quantize.apply(stage, graph, context))
    assert np.abs(ours - theirs).mean() < max(0.05, np.abs(theirs - logits(graph)).mean() / 2)


def loss_of_artefact(stage: Quantize, model: PreTrainedModel) -> float:
    """Cross entropy of the quantized graph on the training texts."""
    context, split = Recorder().context(), tiny_split()
    graph = quantize.apply(stage, export(model)[0], context)
    scores = logits(graph, split.ids)
    scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-scores[np.arange(len(split)), split.labels].mean())


@pytest.mark.parametrize("bits", [2, 4])
def test_training_lowers_the_loss_of_the_artefact(bits: int, tmp_path: Path) -> None:
    stage = Quantize(
        scheme="weight-only",
        bits=bits,
        group_size=16,
        train_epochs=25,
        learning_rate=3e-3,
        distill_weight=0,
    )
    model = tiny_model(tmp_path)
    before = loss_of_artefact(stage, model)
    assert loss_of_artefact(stage, apply(stage, model, Recorder().context())) < before / 2


# --- the rest -------------------------------------------------------------------------------------


def test_no_epoch_is_post_training(tmp_path: Path) -> None:
    model, recorder = tiny_model(tmp_path), Recorder()
    before = tensors_of(model)
    apply(Quantize(), model, recorder.context())
    assert all(torch.equal(before[name], tensor) for name, tensor in tensors_of(model).items())
    assert recorder.progress == recorder.computed == []


@pytest.mark.parametrize("stage", SCHEMES[1:3], ids=words)
def test_the_same_seed_gives_the_same_weights(stage: Quantize, tmp_path: Path) -> None:
    first, second, other = (
        tensors_of(apply(stage, tiny_model(tmp_path), Recorder().context(seed)))
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("stage", SCHEMES, ids=words)
def test_zeros_survive_training(stage: Quantize, tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    pruned = anatomy(model).matrices
    for name in pruned:
        model.get_parameter(name).data[:, ::2] = 0
    apply(stage, model, Recorder().context())
    for name in pruned:
        weight = model.get_parameter(name)
        assert (weight[:, ::2] == 0).all() and (weight[:, 1::2] != 0).any()


def test_the_teacher_is_asked_only_where_it_has_a_say(tmp_path: Path) -> None:
    recorder = Recorder()
    apply(SCHEMES[2], tiny_model(tmp_path), recorder.context())
    assert [key.split("-")[0] for key in recorder.computed] == ["teacher"]
    assert recorder.progress[-1] == (2, 2)
    assert recorder.epochs[-1] == SCHEMES[2].train_epochs
    recorder = Recorder()
    apply(SCHEMES[3], tiny_model(tmp_path), recorder.context())
    assert recorder.computed == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bits": 4.5, "scheme": "weight-only"}, "bits must be 2, 4 or 8"),
        ({"smooth": 0.5}, "smooth must be 0"),
    ],
)
def test_what_training_cannot_promise_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"stages": [{"kind": "quantize", "train_epochs": 1, **fields}]})
