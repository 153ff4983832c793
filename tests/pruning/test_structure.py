"""The stage prune-structure: a cut model computes what the masked model computed, with smaller
tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from paretoscope.graphs.export import export
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.models.encoder.residual_stream import residual_stream
from paretoscope.pruning import weights
from paretoscope.pruning.allocation import highest, highest_over_layers, on_one_scale
from paretoscope.pruning.criteria import activation, magnitude, taylor
from paretoscope.pruning.ffn import units as neuron_units
from paretoscope.pruning.heads import units as head_units
from paretoscope.pruning.structure import apply
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.stages import PruneStructure, PruneWeights
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA
from paretoscope.training.encoder import logits
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES

Target = Literal["heads", "ffn", "layers", "hidden"]


@pytest.fixture
def model(tmp_path: Path) -> PreTrainedModel:
    return tiny_model(tmp_path / "bert")


def weight(model: PreTrainedModel, name: str) -> torch.Tensor:
    return model.get_parameter(f"{name}.weight").detach()


def head_scores_by_hand(model: PreTrainedModel, layer: LayerAnatomy) -> list[float]:
    """Sum of |w| over the rows of query, key and value and the columns of the output matrix that
    are a head's.
    """
    scores = []
    for head in range(4):
        own = range(head * 8, head * 8 + 8)
        rows = sum(
            float(weight(model, name)[entry].abs().sum())
            for name in (layer.query, layer.key, layer.value)
            for entry in own
        )
        scores.append(
            rows + sum(float(weight(model, layer.output)[:, entry].abs().sum()) for entry in own)
        )
    return scores


@pytest.mark.parametrize("target", ["heads", "ffn", "layers"])
def test_at_ratio_zero_nothing_changes(model: PreTrainedModel, target: Target) -> None:
    before = tensors_of(model)
    apply(PruneStructure(target=target, ratio=0), model, Recorder().context())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("family", FAMILIES)
def test_cutting_heads_equals_zeroing_what_reads_them(tmp_path: Path, family: str) -> None:
    cut, masked = tiny_model(tmp_path / "a", family), tiny_model(tmp_path / "b", family)
    for layer in anatomy(masked).layers:
        scores = head_scores_by_hand(masked, layer)
        for head in sorted(range(4), key=lambda head: scores[head])[:2]:
            weight(masked, layer.output)[:, head * 8 : head * 8 + 8] = 0
    apply(PruneStructure(target="heads", ratio=0.5), cut, Recorder().context())
    torch.testing.assert_close(logits_of(cut), logits_of(masked), atol=1e-5, rtol=1e-4)
    for layer in anatomy(cut).layers:
        assert [
            tuple(weight(cut, name).shape) for name in (layer.query, layer.key, layer.value)
        ] == [(16, 32)] * 3
        assert tuple(weight(cut, layer.output).shape) == (32, 16)


@pytest.mark.parametrize("family", FAMILIES)
def test_cutting_neurons_equals_zeroing_what_reads_them(tmp_path: Path, family: str) -> None:
    cut, masked = tiny_model(tmp_path / "a", family), tiny_model(tmp_path / "b", family)
    for layer in anatomy(masked).layers:
        made, read = weight(masked, layer.ffn_in), weight(masked, layer.ffn_out)
        scores = [
            float(made[neuron].abs().sum() + read[:, neuron].abs().sum()) for neuron in range(64)
        ]
        read[:, sorted(range(64), key=lambda neuron: scores[neuron])[:40]] = 0
    # 38.4 of 64 neurons are to go; the multiple of 8 nearest to the 25.6 that stay is 24.
    apply(PruneStructure(target="ffn", ratio=0.6), cut, Recorder().context())
    torch.testing.assert_close(logits_of(cut), logits_of(masked), atol=1e-5, rtol=1e-4)
    for layer in anatomy(cut).layers:
        assert tuple(weight(cut, layer.ffn_in).shape) == (24, 32)
        assert tuple(weight(cut, layer.ffn_out).shape) == (32, 24)


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_go_and_the_rest_is_numbered_anew(tmp_path: Path, family: str) -> None:
    model = tiny_model(tmp_path / family, family, layers=4)
    parts = anatomy(model)
    scores = []
    for layer in parts.layers:
        attention = weight(model, layer.output).numpy() @ weight(model, layer.value).numpy()
        feed_forward = weight(model, layer.ffn_out).numpy() @ weight(model, layer.ffn_in).numpy()
        scores.append(np.sqrt((attention**2).sum()) + np.sqrt((feed_forward**2).sum()))
    stay = sorted(sorted(range(4), key=lambda number: -scores[number])[:2])
    before = tensors_of(model)
    apply(PruneStructure(target="layers", ratio=0.5), model, Recorder().context())
    assert model.config.num_hidden_layers == len(anatomy(model).layers) == 2
    for new, old in enumerate(stay):
        for name, tensor in model.get_submodule(f"{parts.layer_list}.{new}").state_dict().items():
            assert torch.equal(tensor, before[f"{parts.layer_list}.{old}.{name}"])
    assert logits_of(model).isfinite().all()


@pytest.mark.parametrize(("target", "left"), [("heads", 8), ("ffn", 8), ("layers", 1)])
def test_something_always_stays(model: PreTrainedModel, target: Target, left: int) -> None:
    apply(PruneStructure(target=target, ratio=0.99), model, Recorder().context())
    layers = anatomy(model).layers
    sizes = {
        "heads": weight(model, layers[0].query).shape[0],
        "ffn": weight(model, layers[0].ffn_in).shape[0],
        "layers": len(layers),
    }
    assert sizes[target] == left
    assert logits_of(model).isfinite().all()


def test_stages_chain_each_counting_from_what_is_left(model: PreTrainedModel) -> None:
    for target in ("heads", "heads", "ffn", "ffn", "layers"):
        apply(PruneStructure(target=target, ratio=0.5), model, Recorder().context())
    (layer,) = anatomy(model).layers
    assert tuple(weight(model, layer.query).shape) == (8, 32)
    assert tuple(weight(model, layer.ffn_in).shape) == (16, 32)
    assert logits_of(model).isfinite().all()


@pytest.mark.parametrize("target", ["heads", "ffn", "layers", "hidden"])
def test_zeros_survive_the_cut_and_the_retraining(tmp_path: Path, target: Target) -> None:
    def pruned(epochs: int) -> dict[str, torch.Tensor]:
        model = weights.apply(
            PruneWeights(sparsity=0.7), tiny_model(tmp_path / "bert"), Recorder().context()
        )
        stage = PruneStructure(target=target, ratio=0.5, retrain_epochs=epochs, learning_rate=1e-3)
        return dict(encoder_weights(apply(stage, model, Recorder().context())))

    cut, retrained = pruned(0), pruned(1)
    for name, matrix in retrained.items():
        assert float((matrix == 0).float().mean()) > 0.5
        assert torch.equal(matrix == 0, cut[name] == 0)
        assert not torch.equal(matrix, cut[name])


def test_retraining_changes_what_is_left(model: PreTrainedModel, tmp_path: Path) -> None:
    plain = apply(
        PruneStructure(target="ffn", ratio=0.5),
        tiny_model(tmp_path / "plain"),
        Recorder().context(),
    )
    trained = apply(
        PruneStructure(target="ffn", ratio=0.5, retrain_epochs=1, learning_rate=1e-3),
        model,
        Recorder().context(),
    )
    assert not torch.equal(logits_of(plain), logits_of(trained))


def test_unit_scores_match_the_sums_written_out(model: PreTrainedModel) -> None:
    layer = anatomy(model).layers[0]
    with torch.no_grad():
        scores = magnitude.score_units(model, [head_units(model, layer)])[0]
    np.testing.assert_allclose(scores.numpy(), head_scores_by_hand(model, layer), rtol=1e-5)


# --- criteria that look at data, each row of the table --------------------------------------------

CRITERIA = sorted(STRUCTURE_CRITERIA)
TARGETS = ["heads", "ffn", "layers", "hidden"]


def text_by_text(model: PreTrainedModel) -> Iterator[tuple[torch.Tensor, int]]:
    """Each text of the calibration split as ids [1, tokens], with its label."""
    split = tiny_split()
    for ids, label in zip(split.ids, split.labels, strict=True):
        yield torch.from_numpy(ids)[None], int(label)


def entering(model: PreTrainedModel, name: str, ids: torch.Tensor) -> torch.Tensor:
    """What a Linear takes in for one text [tokens, in], as a tensor whose gradient can be asked
    for.
    """
    seen: list[torch.Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    model(input_ids=ids)
    hook.remove()
    return seen[0][0]


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("target", TARGETS)
def test_every_criterion_is_the_identity_at_zero_and_always_the_same(
    tmp_path: Path, target: Target, criterion: str
) -> None:
    def cut(ratio: float) -> dict[str, torch.Tensor]:
        stage = PruneStructure(target=target, ratio=ratio, criterion=criterion)
        return tensors_of(
            apply(stage, tiny_model(tmp_path / "bert", layers=3), Recorder().context())
        )

    before, unchanged, first, second = (
        tensors_of(tiny_model(tmp_path / "bert", layers=3)),
        cut(0),
        cut(0.5),
        cut(0.5),
    )
    assert all(torch.equal(tensor, unchanged[name]) for name, tensor in before.items())
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert sum(tensor.numel() for tensor in first.values()) < sum(
        tensor.numel() for tensor in before.values()
    )


@pytest.mark.parametrize("units", [head_units, neuron_units], ids=["heads", "neurons"])
def test_activation_is_the_root_mean_square_of_what_a_unit_adds(
    model: PreTrainedModel, units: Callable[[PreTrainedModel, LayerAnatomy], UnitGroup]
) -> None:
    group = units(model, anatomy(model).layers[1])
    with torch.no_grad():
        inputs = torch.cat(
            [entering(model, group.columns, ids) for ids, _ in text_by_text(model)]
        ).numpy()
        (scores,) = activation.score_units(model, [group], Recorder().context())
    matrix = weight(model, group.columns).numpy()
    for unit, score in enumerate(scores.tolist()):
        own = slice(unit * group.size, (unit + 1) * group.size)
        added = inputs[:, own] @ matrix[:, own].T
        assert score == pytest.approx(float(np.sqrt((added**2).sum(1).mean())), rel=1e-3)


@pytest.mark.parametrize("units", [head_units, neuron_units], ids=["heads", "neurons"])
def test_taylor_is_the_gradient_by_a_gate_on_each_unit(
    model: PreTrainedModel, units: Callable[[PreTrainedModel, LayerAnatomy], UnitGroup]
) -> None:
    group = units(model, anatomy(model).layers[0])
    expected = torch.zeros(group.count(model))
    for ids, label in text_by_text(model):
        gates = torch.ones(group.count(model), requires_grad=True)
        hook = model.get_submodule(group.columns).register_forward_pre_hook(
            lambda _, given, gates=gates: (given[0] * gates.repeat_interleave(group.size),)
        )
        loss = torch.nn.functional.cross_entropy(model(input_ids=ids).logits, torch.tensor([label]))
        hook.remove()
        expected += torch.autograd.grad(loss, gates)[0].abs()
    (scores,) = taylor.score_units(model, [group], Recorder().context())
    torch.testing.assert_close(scores, expected / len(tiny_split()), rtol=1e-3, atol=1e-6)


def test_layers_are_scored_by_how_far_they_turn_a_token_and_by_a_gate_past_them(
    model: PreTrainedModel,
) -> None:
    layers = anatomy(model).layers
    turned, gated, tokens = torch.zeros(2), torch.zeros(2), 0
    for ids, label in text_by_text(model):
        outputs = model(input_ids=ids, output_hidden_states=True)
        loss = torch.nn.functional.cross_entropy(outputs.logits, torch.tensor([label]))
        for number, (before, after) in enumerate(pairwise(outputs.hidden_states)):
            turned[number] += (
                (1 - torch.cosine_similarity(before[0], after[0], dim=-1)).sum().detach()
            )
            (gradient,) = torch.autograd.grad(loss, after, retain_graph=True)
            gated[number] += ((after - before) * gradient).sum().abs().detach()
        tokens += ids.shape[1]
    context = Recorder().context()
    torch.testing.assert_close(
        activation.score_layers(model, layers, context), turned / tokens, rtol=1e-3, atol=1e-6
    )
    torch.testing.assert_close(
        taylor.score_layers(model, layers, context), gated / len(tiny_split()), rtol=1e-3, atol=1e-6
    )


# --- hidden width ---------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_hidden_width_is_cut_everywhere_and_survives_export_and_a_checkpoint(
    tmp_path: Path, family: str, criterion: str
) -> None:
    model = apply(
        PruneStructure(target="hidden", ratio=0.3, criterion=criterion),
        tiny_model(tmp_path / family, family),
        Recorder().context(),
    )
    layer = anatomy(model).layers[0]
    # 22.4 of 32 dimensions are to stay; the multiple of 8 nearest to that is 24. Heads keep their
    # size.
    assert residual_stream(model).width(model) == 24
    assert tuple(weight(model, layer.query).shape) == (32, 24)
    assert tuple(weight(model, layer.ffn_out).shape) == (24, 64)
    assert layer.head_size == 8
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / family / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))


def test_the_dimensions_with_the_least_weight_go(model: PreTrainedModel, tmp_path: Path) -> None:
    before = tensors_of(model)
    totals = np.zeros(32)
    for layer in anatomy(model).layers:
        for name in layer.readers:
            totals += np.abs(before[f"{name}.weight"].numpy()).sum(0)
        for name in layer.writers:
            totals += np.abs(before[f"{name}.weight"].numpy()).sum(1)
    stay = sorted(np.argsort(totals)[16:].tolist())
    apply(PruneStructure(target="hidden", ratio=0.5), model, Recorder().context())
    after = model.state_dict()
    assert torch.equal(
        after["bert.embeddings.word_embeddings.weight"],
        before["bert.embeddings.word_embeddings.weight"][:, stay],
    )
    assert torch.equal(
        after["bert.encoder.layer.1.output.LayerNorm.weight"],
        before["bert.encoder.layer.1.output.LayerNorm.weight"][stay],
    )
    name = anatomy(model).layers[1].ffn_out
    assert torch.equal(after[f"{name}.weight"], before[f"{name}.weight"][stay])


def test_a_hidden_dimension_that_nothing_reads_or_writes_is_missed_least(
    model: PreTrainedModel,
) -> None:
    dead = [3, 17, 18, 19, 20, 21, 22, 30]
    stream = residual_stream(model)
    with torch.no_grad():
        for name in stream.readers:
            weight(model, name)[:, dead] = 0
    for criterion in (activation, taylor):
        assert set(
            criterion.score_hidden(model, Recorder().context()).argsort()[:8].tolist()
        ) >= set(dead) - {30}


def test_cuts_of_every_kind_chain(model: PreTrainedModel, tmp_path: Path) -> None:
    chain: list[Target] = ["hidden", "heads", "ffn", "hidden", "layers"]
    for target in chain:
        apply(
            PruneStructure(target=target, ratio=0.4, criterion="activation"),
            model,
            Recorder().context(),
        )
    weights.apply(PruneWeights(method="sparsegpt", pattern="2:4"), model, Recorder().context())
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / "bert" / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))


# --- allocation -----------------------------------------------------------------------------------


@given(
    st.lists(st.lists(st.floats(0.01, 100), min_size=4, max_size=12), min_size=1, max_size=5),
    st.integers(1, 2),
    st.data(),
)
def test_units_over_layers_are_as_many_as_promised_and_every_layer_keeps_its_best(
    layers: list[list[float]], block: int, data: st.DataObject
) -> None:
    scores = [torch.tensor(layer) for layer in layers]
    blocks = sum(len(layer) // block for layer in layers)
    kept = data.draw(st.integers(len(layers), blocks)) * block
    chosen = highest_over_layers(scores, kept, block)
    assert sum(len(stay) for stay in chosen) == kept
    for score, stay in zip(scores, chosen, strict=True):
        assert len(stay) >= block
        assert len(stay) % block == 0
        assert torch.equal(stay, highest(score, len(stay)))


def test_a_layer_whose_units_matter_alike_keeps_more_than_one_that_lives_on_a_few() -> None:
    even, steep = torch.ones(8), torch.tensor([8.0, 4.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert [len(stay) for stay in highest_over_layers([even, steep], 10)] == [8, 2]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", ["heads", "ffn"])
def test_layers_of_different_widths_compute_and_travel(
    tmp_path: Path, family: str, target: Target
) -> None:
    model = tiny_model(tmp_path / family, family)
    uneven = anatomy(model).layers[1]
    with torch.no_grad():  # one head and eight neurons of the last layer are all that it lives on
        weight(model, uneven.output)[:, 8:] *= 0.01
        weight(model, uneven.ffn_out)[:, 8:] *= 0.01
    apply(
        PruneStructure(target=target, ratio=0.5, criterion="activation", allocation="global"),
        model,
        Recorder().context(),
    )
    first, last = (
        layer.query if target == "heads" else layer.ffn_in for layer in anatomy(model).layers
    )
    widths = [len(weight(model, name)) for name in (first, last)]
    assert sum(widths) == (32 if target == "heads" else 64)
    assert widths[0] > widths[1]
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / family / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))


# --- retraining with a teacher --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["structure", "weights"])
def test_the_model_as_it_came_in_is_the_teacher(tmp_path: Path, kind: str) -> None:
    original = tiny_model(tmp_path / "bert")
    before = logits(original, tiny_split())
    recorder = Recorder()

    def distance(distill_weight: float) -> float:
        model = tiny_model(tmp_path / "bert")
        if kind == "structure":
            cut = PruneStructure(
                retrain_epochs=8, learning_rate=2e-3, distill_weight=distill_weight, temperature=1
            )
            apply(cut, model, recorder.context())
        else:
            zeros = PruneWeights(
                sparsity=0.5,
                retrain_epochs=8,
                learning_rate=2e-3,
                distill_weight=distill_weight,
                temperature=1,
            )
            weights.apply(zeros, model, recorder.context())
        return float(np.abs(logits(model, tiny_split()) - before).mean())

    alone = distance(0)
    assert recorder.computed == []
    taught = distance(1)
    assert len(recorder.computed) == 1
    np.testing.assert_array_equal(recorder.kept[recorder.computed[0]], before)
    assert taught < 0.7 * alone


def test_without_training_no_teacher_is_asked(model: PreTrainedModel) -> None:
    recorder = Recorder()
    apply(PruneStructure(target="ffn", ratio=0.5, distill_weight=0.5), model, recorder.context())
    assert recorder.computed == []


def test_only_scores_of_one_scale_are_compared_as_they_are() -> None:
    small, large = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 11.0, 12.0, 13.0])
    assert [len(stay) for stay in highest_over_layers([small, large], 5)] == [1, 4]
    assert [len(stay) for stay in highest_over_layers(on_one_scale([small, large]), 5)] == [2, 3]
