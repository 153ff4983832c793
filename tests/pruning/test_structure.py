"""The stage prune-structure: a cut model computes what the masked model computed, with smaller
tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.pruning import weights
from paretoscope.pruning.allocation import highest_over_layers, on_one_scale
from paretoscope.pruning.criteria import magnitude
from paretoscope.pruning.heads import units as head_units
from paretoscope.pruning.structure import apply
from paretoscope.recipes.stages import PruneStructure, PruneWeights
from paretoscope.training.encoder import logits
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES

Target = Literal["heads", "ffn", "layers", "hidden"]


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
