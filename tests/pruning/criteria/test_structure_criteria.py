"""Criteria that score heads, FFN, layers and dimensions from data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.pruning.criteria import activation, taylor
from paretoscope.pruning.ffn import units as neuron_units
from paretoscope.pruning.heads import units as head_units
from paretoscope.pruning.structure import apply
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.stages import PruneStructure
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA
from tests.pruning.test_structure import Target, weight
from tests.tiny.context import Recorder, tensors_of, tiny_model, tiny_split

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
