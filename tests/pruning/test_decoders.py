"""Pruning of language models: zeros by every method, parts that go, and that what is left is saved,
loaded, exported and rounded as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import initializers, matrices
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.models.decoder.anatomy import DecoderLayer, decoder_anatomy, heads_of
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.criteria import activation, magnitude, sparsegpt
from paretoscope.pruning.masks import mask_lowest_in_rows
from paretoscope.pruning.statistics import calibration_set
from paretoscope.pruning.statistics.inputs import input_moments
from paretoscope.pruning.statistics.layer_by_layer import LayerByLayer
from paretoscope.pruning.structure import apply as prune_structure
from paretoscope.pruning.weights import apply as prune_weights
from paretoscope.pruning.weights import sparsity
from paretoscope.quantization.quantize import apply as quantize
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.recipes.stages import PruneStructure, PruneWeights, Quantize
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.decoders import FAMILIES, VOCABULARY, tiny_decoder
from tests.tiny.decoders import calibration_context as context
from tests.tiny.decoders import logits_after_every_token as logits

WINDOWED: dict[str, Any] = {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}


def entering(model: PreTrainedModel, name: str) -> Iterator[torch.Tensor]:
    """What a module takes in, [tokens, in] of each calibration text run by itself."""
    seen: list[torch.Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(
        lambda _, given: seen.append(given[0][0])
    )
    with torch.no_grad():
        for ids in context().encoded("calibration").ids:
            model(input_ids=torch.from_numpy(ids)[None])
    hook.remove()
    yield from seen


# --- single weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt"])
def test_every_method_makes_the_promised_zeros_in_the_layers_alone(
    family: str, method: str
) -> None:
    model = tiny_decoder(family, VOCABULARY)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prune_weights(PruneWeights(method=method, sparsity=0.4), model, context())
    names = set(decoder_anatomy(model).matrices)
    for name, tensor in model.state_dict().items():
        if name in names:
            assert int((tensor == 0).sum()) == round(0.4 * tensor.numel()), name
        else:
            assert torch.equal(tensor, before[name]), name
    assert logits(model).isfinite().all()


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt"])
def test_two_of_every_four_inputs_stay(family: str, method: str) -> None:
    model = tiny_decoder(family, VOCABULARY)
    prune_weights(PruneWeights(method=method, pattern="2:4"), model, context())
    for weight in encoder_weights(model).values():
        assert ((weight.unflatten(1, (-1, 4)) != 0).sum(-1) == 2).all()


@pytest.mark.parametrize("family", ["llama", "gpt2", "phi3"])
def test_wanda_goes_by_what_the_pruned_layers_before_let_through(family: str) -> None:
    model, whole = tiny_decoder(family, VOCABULARY), tiny_decoder(family, VOCABULARY)
    prune_weights(PruneWeights(method="wanda", sparsity=0.5), model, context())
    first, second = decoder_anatomy(whole).layers
    for name in first.linears:  # for the second layer, the first is then the pruned one
        _copy(model, whole, name)
    for name in second.linears:
        x = torch.cat(list(entering(whole, name)))
        weight = matrix(whole, name)
        expected = mask_lowest_in_rows(weight.abs() * x.square().sum(0).sqrt(), 0.5)
        assert float((expected == (matrix(model, name) != 0)).float().mean()) > 0.999, (
            name
        )  # ties are broken by rounding


def _copy(source: PreTrainedModel, target: PreTrainedModel, name: str) -> None:
    target.load_state_dict(
        {**target.state_dict(), f"{name}.weight": source.get_parameter(f"{name}.weight")}
    )


def test_sparsegpt_of_a_layer_is_that_of_each_matrix_with_the_moments_of_a_run() -> None:
    model, whole = tiny_decoder("llama", VOCABULARY), tiny_decoder("llama", VOCABULARY)
    prune_weights(PruneWeights(method="sparsegpt", sparsity=0.5), model, context())
    for name in decoder_anatomy(whole).layers[0].linears:
        x = torch.cat(list(entering(whole, name)))
        expected = sparsegpt.prune(matrix(whole, name), x.T @ x / len(x), 0.5)
        torch.testing.assert_close(matrix(model, name), expected, rtol=1e-2, atol=1e-3)


def test_sparsegpt_loses_least_of_what_the_model_says() -> None:
    whole = logits(tiny_decoder("llama", VOCABULARY))
    lost = {}
    for method in ("magnitude", "sparsegpt"):
        model = tiny_decoder("llama", VOCABULARY)
        with torch.no_grad():  # inputs of unequal size, which weights alone do not tell
            for layer in decoder_anatomy(model).layers:
                model.get_parameter(f"{layer.attention_norm}.weight")[::3] *= 0.05
        prune_weights(PruneWeights(method=method, sparsity=0.5), model, context(48))
        lost[method] = float((logits(model) - whole).square().mean())
    assert lost["sparsegpt"] < lost["magnitude"]


def test_zeros_over_all_matrices_are_as_many_as_promised() -> None:
    model = tiny_decoder("qwen2", VOCABULARY)
    whole = tiny_decoder("qwen2", VOCABULARY)
    prune_weights(PruneWeights(method="wanda", sparsity=0.3, scope="global"), model, context())
    assert sparsity(model) == pytest.approx(0.3, abs=1e-4)
    scores = {}
    for name in decoder_anatomy(whole).linears:
        scores[name] = (
            matrix(whole, name).abs()
            * torch.cat(list(entering(whole, name))).square().mean(0).sqrt()
        )
    threshold = torch.cat([each.flatten() for each in scores.values()]).quantile(0.3)
    agree = [
        ((matrix(model, name) != 0) == (each > threshold)).float().mean()
        for name, each in scores.items()
    ]
    assert float(torch.stack(agree).min()) > 0.999


@pytest.mark.parametrize("family", FAMILIES)
def test_layer_by_layer_is_a_run_of_the_whole_model(family: str) -> None:
    model = tiny_decoder(family, VOCABULARY, **(WINDOWED if family == "qwen2" else {}))
    layers = decoder_anatomy(model).layers
    expected = input_moments(model, [name for layer in layers for name in layer.linears], context())
    walk = LayerByLayer(model, context())
    for number, layer in enumerate(layers):
        found = walk.moments(number, layer.linears, keep=True)
        for name in layer.linears:
            torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-4)
        assert found[layer.projections[0]] is found[layer.projections[-1]]
    diagonal = LayerByLayer(model, context()).moments(0, layers[0].linears, diagonal=True)
    torch.testing.assert_close(
        diagonal[layers[0].output], expected[layers[0].output].diagonal(), rtol=1e-4, atol=1e-4
    )


def test_a_language_model_is_calibrated_on_some_thousand_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tiny_decoder("llama", VOCABULARY)
    monkeypatch.setattr(calibration_set, "TOKENS", 100)
    monkeypatch.setattr(calibration_set, "AT_ONCE", 48)
    split = calibration_set.calibration_set(model, context())
    assert [len(ids) for ids in split.ids] == [24, 23, 24, 23, 24]
    assert calibration_set.batch_size(model, split) == 2
    assert split.key != context().encoded("calibration").key


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_zeros_survive_export_and_quantization(family: str) -> None:
    """Every zero of a pruned model is a code that stands for exactly 0, in every width and rounding
    that keeps a grid with a zero.
    """
    model = tiny_decoder(family, VOCABULARY)
    prune_weights(PruneWeights(method="wanda", sparsity=0.5), model, context())
    graph, _ = export(model)
    for bits in (8, 4):
        stage = Quantize(scheme="weight-only", bits=bits)
        quantizer = Quantizer(stage)
        for each in matrices(graph):
            if not each.in_head:
                assert (each.weight == 0).mean() > 0.45
                assert (
                    quantizer.groups(each, bits).dequantized().T[each.weight == 0] == 0
                ).all(), (each.name, bits)
        assert not list(matrices(quantize(stage, graph, context())))


# --- parts ----------------------------------------------------------------------------------------


def unit_scores(model: PreTrainedModel, layer: DecoderLayer) -> list[float]:
    """The sum of |w| over all that makes or reads a key head with its query heads, written out."""
    size = layer.head_size
    heads, key_heads = heads_of(model, layer)
    stacked = torch.cat([matrix(model, name) for name in layer.projections]).abs().sum(1)
    query, key, value = stacked.split([heads * size, key_heads * size, key_heads * size])
    together = heads // key_heads * size
    read = matrix(model, layer.output).abs().sum(0)
    return [
        float(
            query[u * together : (u + 1) * together].sum()
            + read[u * together : (u + 1) * together].sum()
        )
        + float(key[u * size : (u + 1) * size].sum() + value[u * size : (u + 1) * size].sum())
        for u in range(key_heads)
    ]


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "phi"])
def test_a_key_head_goes_with_its_query_heads(family: str, tmp_path: Path) -> None:
    """What is left says what the whole model says when nothing reads the heads that went."""
    cut, masked = tiny_decoder(family, VOCABULARY), tiny_decoder(family, VOCABULARY)
    for layer in decoder_anatomy(masked).layers:
        scores = unit_scores(masked, layer)
        columns = matrix(masked, layer.output).unflatten(1, (len(scores), -1))
        for unit in sorted(range(len(scores)), key=lambda unit: scores[unit])[: len(scores) // 2]:
            columns[:, unit] = 0
    prune_structure(PruneStructure(target="heads", ratio=0.5), cut, context())
    torch.testing.assert_close(logits(cut), logits(masked), atol=1e-4, rtol=1e-4)
    for before, layer in zip(
        decoder_anatomy(masked).layers, decoder_anatomy(cut).layers, strict=True
    ):
        assert heads_of(cut, layer) == tuple(count // 2 for count in heads_of(masked, before))
    _same_after_saving(cut, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_gate_up_and_down_lose_the_same_neurons(family: str, tmp_path: Path) -> None:
    cut, masked = tiny_decoder(family, VOCABULARY), tiny_decoder(family, VOCABULARY)
    for layer in decoder_anatomy(masked).layers:
        down = matrix(masked, layer.ffn_out)
        width = down.shape[1]
        made = (
            torch.cat([matrix(masked, name) for name in layer.ffn_in])
            .abs()
            .sum(1)
            .unflatten(0, (-1, width))
            .sum(0)
        )
        down[:, (made + down.abs().sum(0)).argsort()[: width - 40]] = 0
    # 38.4 of 96 are to stay; the multiple of 8 nearest to that is 40.
    prune_structure(PruneStructure(target="ffn", ratio=0.6), cut, context())
    torch.testing.assert_close(logits(cut), logits(masked), atol=1e-4, rtol=1e-4)
    assert {matrix(cut, layer.ffn_out).shape[1] for layer in decoder_anatomy(cut).layers} == {40}
    _same_after_saving(cut, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("criterion", ["magnitude", "activation"])
def test_layers_go_and_the_rest_is_numbered_anew(
    family: str, criterion: str, tmp_path: Path
) -> None:
    changes = {
        "n_layer" if family == "gpt2" else "num_hidden_layers": 4,
        **(WINDOWED | {"max_window_layers": 2} if family == "qwen2" else {}),
    }
    model = tiny_decoder(family, VOCABULARY, **changes)
    layers = decoder_anatomy(model).layers
    with torch.no_grad():
        scores = {"magnitude": magnitude, "activation": activation}[criterion].score_layers(
            model, layers, context()
        )
    stay = sorted(scores.argsort()[2:].tolist())
    before = {number: model.get_submodule(layers[number].path).state_dict() for number in stay}
    kinds = getattr(model.config, "layer_types", None)
    prune_structure(
        PruneStructure(target="layers", ratio=0.5, criterion=criterion), model, context()
    )
    assert model.config.num_hidden_layers == len(decoder_anatomy(model).layers) == 2
    for layer, number in zip(decoder_anatomy(model).layers, stay, strict=True):
        for name, tensor in model.get_submodule(layer.path).state_dict().items():
            assert torch.equal(tensor, before[number][name])
    if kinds:
        assert model.config.layer_types == [kinds[number] for number in stay]
    _same_after_saving(model, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_block_influence_is_one_minus_the_cosine_of_what_enters_and_leaves(family: str) -> None:
    """Men et al. 2024, arXiv:2403.03853, equation 1, from the hidden states that the library itself
    gives out.
    """
    model = tiny_decoder(family, VOCABULARY)
    turned: list[list[torch.Tensor]] = [[], []]
    with torch.no_grad():
        for ids in context().encoded("calibration").ids:
            states = list(
                model(
                    input_ids=torch.from_numpy(ids)[None], output_hidden_states=True
                ).hidden_states
            )
            outputs: list[torch.Tensor] = []
            hook = model.get_submodule(
                decoder_anatomy(model).layers[-1].path
            ).register_forward_hook(lambda *given, kept=outputs: kept.append(given[2]))
            model(input_ids=torch.from_numpy(ids)[None])
            hook.remove()
            states[-1] = outputs[0]  # the library gives the last one after the final norm
            for number in range(2):
                turned[number].append(
                    1 - F.cosine_similarity(states[number][0], states[number + 1][0], dim=-1)
                )
        found = activation.score_layers(model, decoder_anatomy(model).layers, context())
    torch.testing.assert_close(
        found, torch.stack([torch.cat(each).mean() for each in turned]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("target", ["heads", "ffn"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "phi3"])
def test_activation_is_the_root_mean_square_of_what_a_unit_adds(
    target: Literal["heads", "ffn"], family: str
) -> None:
    from paretoscope.pruning import ffn, heads

    model = tiny_decoder(family, VOCABULARY)
    layers = decoder_anatomy(model).layers
    groups = [{"heads": heads, "ffn": ffn}[target].units(model, layer) for layer in layers]
    with torch.no_grad():
        scores = activation.score_units(model, groups, context())[1]
    x = torch.cat(list(entering(model, groups[1].columns)))
    weight = matrix(model, groups[1].columns)
    for unit, score in enumerate(scores.tolist()):
        own = slice(unit * groups[1].size, (unit + 1) * groups[1].size)
        added = x[:, own] @ weight[:, own].T
        assert score == pytest.approx(float(added.square().sum(1).mean().sqrt()), rel=1e-3)


def test_a_chain_of_cuts_runs_as_onnx(tmp_path: Path) -> None:
    model = tiny_decoder("llama", VOCABULARY, num_hidden_layers=4)
    for stage in (
        PruneStructure(target="layers", ratio=0.25, criterion="activation"),
        PruneStructure(target="heads", ratio=0.5),
        PruneStructure(target="ffn", ratio=0.5, allocation="global", criterion="activation"),
    ):
        prune_structure(stage, model, context())
    prune_weights(PruneWeights(method="sparsegpt", pattern="2:4"), model, context())
    graph, difference = export(_same_after_saving(model, tmp_path))
    assert difference < 1e-5
    shapes = {name: tuple(tensor.dims) for name, tensor in initializers(graph).items()}
    assert [shapes[f"layer.{number}.qkv"] for number in range(3)] == [(64, 64)] * 3
    assert sum(shapes[f"layer.{number}.ffn.out"][0] for number in range(3)) == 3 * 48


def _same_after_saving(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """A checkpoint of a pruned model is the pruned model."""
    (folder / "tokenizer.json").write_text("{}")
    save_model(model, folder / "saved", folder / "tokenizer.json")
    again = load_model(folder / "saved")
    torch.testing.assert_close(logits(again), logits(model), atol=1e-6, rtol=1e-6)
    _, difference = export(again)
    assert difference < 1e-5
    return again
