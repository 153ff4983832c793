"""Second moments of inputs, and gradients, against one forward and backward pass a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning.criteria import movement, taylor, wanda
from paretoscope.pruning.masks import mask_lowest, mask_lowest_in_rows
from paretoscope.pruning.statistics.gradients import BATCH, accumulated_movement, mean_gradients
from paretoscope.pruning.statistics.inputs import input_moments, shared_inputs
from paretoscope.pruning.weights import apply
from paretoscope.recipes.stages import PruneWeights
from paretoscope.tasks.tokens import batches_by_length
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.context import Recorder, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES


@pytest.fixture
def model(tmp_path: Path) -> PreTrainedModel:
    return tiny_model(tmp_path / "bert")


def inputs_by_hand(model: PreTrainedModel, name: str) -> np.ndarray:
    """What enters a Linear over the split, one text at a time: [tokens, in]."""
    rows: list[np.ndarray] = []
    hook = model.get_submodule(name).register_forward_hook(
        lambda _module, given, _left: rows.append(given[0][0].numpy())
    )
    with torch.no_grad():
        for ids in tiny_split().ids:
            model(input_ids=torch.from_numpy(ids)[None])
    hook.remove()
    return np.concatenate(rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_are_those_of_a_run_text_by_text(tmp_path: Path, family: str) -> None:
    model = tiny_model(tmp_path / family, family)
    names = anatomy(model).linears
    moments = input_moments(model, names, Recorder().context())
    assert set(moments) == set(names)
    for name in names:
        entered = inputs_by_hand(model, name).astype(np.float64)
        np.testing.assert_allclose(
            moments[name].numpy(), entered.T @ entered / len(entered), rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_query_key_and_value_share_their_input(tmp_path: Path, family: str) -> None:
    model = tiny_model(tmp_path / family, family)
    groups = shared_inputs(model, anatomy(model).linears, tiny_split().ids[0])
    expected = [
        [[layer.query, layer.key, layer.value], [layer.output], [layer.ffn_in], [layer.ffn_out]]
        for layer in anatomy(model).layers
    ]
    assert groups == [group for layer in expected for group in layer]


def test_a_sweep_measures_the_inputs_once(tmp_path: Path) -> None:
    recorder = Recorder()
    for share in (0.3, 0.5, 0.7):
        apply(
            PruneWeights(method="wanda", sparsity=share),
            tiny_model(tmp_path / "bert"),
            recorder.context(),
        )
    assert len(recorder.computed) == 1
    apply(
        PruneWeights(method="wanda", sparsity=0.5),
        tiny_model(tmp_path / "other", layers=3),
        recorder.context(),
    )
    assert len(recorder.computed) == 2


def test_wanda_is_weight_times_input_norm_ranked_in_each_row(model: PreTrainedModel) -> None:
    before = tensors_of(model)
    expected = {}
    for name in encoder_weights(model):
        weight, norms = (
            before[name].double().numpy(),
            np.sqrt(
                (inputs_by_hand(model, name.removesuffix(".weight")).astype(np.float64) ** 2).sum(0)
            ),
        )
        scores = np.abs(weight) * norms
        expected[name] = weight.copy()
        for row in range(len(weight)):
            expected[name][row, np.argsort(scores[row], kind="stable")[: weight.shape[1] // 2]] = 0
    apply(PruneWeights(method="wanda", sparsity=0.5), model, Recorder().context())
    for name, weight in encoder_weights(model).items():
        np.testing.assert_allclose(weight.detach().numpy(), expected[name], rtol=1e-6)


def test_wanda_by_input_can_disagree_with_magnitude() -> None:
    weight, moments = torch.tensor([[1.0, -3.0]]), torch.diag(torch.tensor([16.0, 1.0]))
    assert mask_lowest(wanda.score(weight, moments), 0.5).tolist() == [[True, False]]


def test_rows_share_what_is_to_go_and_count_what_is_gone() -> None:
    scores = torch.arange(24.0).reshape(4, 6)
    scores[0, :5] = -torch.inf
    mask = mask_lowest_in_rows(scores, 0.5)
    assert int((~mask).sum()) == 12
    assert not mask[0, :5].any()
    assert sorted((~mask[1:]).sum(1).tolist()) == [2, 2, 3]
    for row in mask[1:]:
        assert row.tolist() == sorted(row.tolist())


def test_gradients_are_the_mean_size_over_batches(model: PreTrainedModel) -> None:
    names = list(encoder_weights(model))
    found = mean_gradients(model, names, Recorder().context())
    split = tiny_split()
    batches = list(batches_by_length(split.ids, BATCH))
    expected = {name: torch.zeros_like(model.get_parameter(name)) for name in names}
    for places in batches:
        model.zero_grad()
        for place in places:  # text by text: gradients add up
            outputs = model(input_ids=torch.from_numpy(split.ids[place])[None]).logits
            torch.nn.functional.cross_entropy(
                outputs, torch.tensor([split.labels[place]])
            ).backward()
        for name in names:
            gradient = model.get_parameter(name).grad
            assert gradient is not None
            expected[name] += gradient.abs() / len(batches)
    for name in names:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-5)
        weight = model.get_parameter(name).detach()
        torch.testing.assert_close(taylor.score(weight, found[name]), (weight * found[name]).abs())


def test_gradients_leave_no_trace(model: PreTrainedModel) -> None:
    mean_gradients(model, list(encoder_weights(model)), Recorder().context())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_movement_adds_up_what_each_step_of_plain_descent_does() -> None:
    layer = torch.nn.Linear(3, 2, bias=False)
    inputs, expected = torch.arange(6.0).reshape(2, 3), torch.zeros(2, 3)
    with accumulated_movement(layer, ["weight"]) as sums:
        for _ in range(4):
            layer.zero_grad()
            layer(inputs).square().mean().backward()
            assert layer.weight.grad is not None
            expected -= layer.weight.detach() * layer.weight.grad
            with torch.no_grad():
                layer.weight -= 0.01 * layer.weight.grad
    torch.testing.assert_close(movement.score(layer.weight, sums["weight"]), expected)
    layer(inputs).square().mean().backward()  # after the block
    torch.testing.assert_close(sums["weight"], expected)


def test_movement_spares_what_training_pulls_from_zero_however_small(
    model: PreTrainedModel,
) -> None:
    before = tensors_of(model)
    apply(
        PruneWeights(method="movement", sparsity=0.5, retrain_epochs=2, learning_rate=1e-3),
        model,
        Recorder().context(),
    )
    agree = [
        float(((weight == 0) == ~mask_lowest(before[name].abs(), 0.5)).float().mean())
        for name, weight in encoder_weights(model).items()
    ]
    assert max(agree) < 0.8
