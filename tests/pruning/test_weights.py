"""The stage prune-weights: the promised zeros, where they are, and that they last."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning.weights import apply, sparsity
from paretoscope.recipes.stages import PruneWeights
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model
from tests.tiny.encoders import FAMILIES


@pytest.fixture
def model(tmp_path: Path) -> PreTrainedModel:
    return tiny_model(tmp_path / "bert")


def test_at_zero_sparsity_nothing_changes(model: PreTrainedModel) -> None:
    before = tensors_of(model)
    apply(PruneWeights(sparsity=0), model, Recorder().context())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("family", FAMILIES)
def test_each_matrix_loses_its_smallest_weights_and_nothing_else_changes(
    tmp_path: Path, family: str
) -> None:
    model = tiny_model(tmp_path / family, family)
    before = tensors_of(model)
    apply(PruneWeights(sparsity=0.3), model, Recorder().context())
    matrices = set(anatomy(model).matrices)
    assert len(matrices) == 12
    for name, tensor in model.state_dict().items():
        if name not in matrices:
            assert torch.equal(tensor, before[name])
            continue
        zeros = round(0.3 * tensor.numel())
        expected = before[name].flatten().clone()
        for place in sorted(
            range(expected.numel()), key=lambda place: abs(float(before[name].flatten()[place]))
        )[:zeros]:
            expected[place] = 0
        assert int((tensor == 0).sum()) == zeros
        assert torch.equal(tensor.flatten(), expected)


def test_global_scope_spares_the_matrix_with_large_weights(model: PreTrainedModel) -> None:
    weights = encoder_weights(model)
    large, *others = weights
    with torch.no_grad():
        weights[large].mul_(1000).add_(weights[large].sign())
    apply(PruneWeights(sparsity=0.4, scope="global"), model, Recorder().context())
    total = sum(weight.numel() for weight in weights.values())
    assert int((weights[large] == 0).sum()) == 0
    assert sum(int((weights[name] == 0).sum()) for name in others) == round(0.4 * total)


def test_a_pattern_keeps_two_of_every_four_inputs(model: PreTrainedModel) -> None:
    apply(PruneWeights(pattern="2:4"), model, Recorder().context())
    for weight in encoder_weights(model).values():
        assert ((weight.reshape(-1, 4) != 0).sum(1) == 2).all()


def test_zeros_that_are_there_count_and_stay(model: PreTrainedModel) -> None:
    apply(PruneWeights(pattern="2:4"), model, Recorder().context())
    before = {name: weight == 0 for name, weight in encoder_weights(model).items()}
    apply(PruneWeights(sparsity=0.5), model, Recorder().context())
    assert all(
        torch.equal(weight == 0, before[name]) for name, weight in encoder_weights(model).items()
    )
    apply(PruneWeights(sparsity=0.75), model, Recorder().context())
    for name, weight in encoder_weights(model).items():
        assert int((weight == 0).sum()) == round(0.75 * weight.numel())
        assert (weight[before[name]] == 0).all()


@pytest.mark.parametrize(
    "stage",
    [
        PruneWeights(sparsity=0.6, retrain_epochs=1, learning_rate=1e-3),
        PruneWeights(sparsity=0.6, steps=3, retrain_epochs=3, learning_rate=1e-3),
        PruneWeights(sparsity=0.6, scope="global", steps=2, retrain_epochs=2, learning_rate=1e-3),
        PruneWeights(pattern="1:4", steps=3, retrain_epochs=3, learning_rate=1e-3),
    ],
    ids=lambda stage: stage.in_words(),
)
def test_retraining_moves_what_stays_and_holds_what_is_gone(
    model: PreTrainedModel, stage: PruneWeights
) -> None:
    before = tensors_of(model)
    apply(stage, model, Recorder().context())
    assert sparsity(model) == pytest.approx(stage.target_sparsity, abs=1e-3)
    for name, weight in encoder_weights(model).items():
        if stage.scope == "layer":
            assert int((weight == 0).sum()) == round(stage.target_sparsity * weight.numel())
        stays = weight != 0
        assert not torch.equal(weight[stays], before[name][stays])


def test_steps_share_the_epochs_and_one_progress_bar(model: PreTrainedModel) -> None:
    recorder = Recorder()
    apply(PruneWeights(sparsity=0.6, steps=3, retrain_epochs=3), model, recorder.context())
    assert set(recorder.epochs) == {3}
    steps = [step for step, _ in recorder.progress]
    of = {of for _, of in recorder.progress}
    assert len(of) == 1
    assert steps == sorted(steps)
    assert steps[-1] == of.pop()


def test_one_seed_one_result(tmp_path: Path) -> None:
    def run(seed: int) -> torch.Tensor:
        stage = PruneWeights(sparsity=0.5, steps=2, retrain_epochs=2, learning_rate=1e-3)
        return logits_of(apply(stage, tiny_model(tmp_path / "bert"), Recorder().context(seed)))

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))
