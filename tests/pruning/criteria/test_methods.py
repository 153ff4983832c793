"""What every way to prune single weights keeps to, whatever it thinks of them: each row of the
table is held to the same promises.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from paretoscope.pruning.weights import apply, sparsity
from paretoscope.recipes.stages import PruneWeights
from paretoscope.recipes.stages.methods import WEIGHT_SCORES
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.context import Recorder, tensors_of, tiny_model

METHODS = sorted(WEIGHT_SCORES)
AT_ONCE = [name for name in METHODS if WEIGHT_SCORES[name].needs != "training"]


def stage(method: str, **fields: object) -> PruneWeights:
    """A stage of the method, with an epoch of retraining where the method needs one."""
    training = {"retrain_epochs": 1, "learning_rate": 1e-3} if method not in AT_ONCE else {}
    return PruneWeights.model_validate({"method": method, **training, **fields})


def pruned(folder: Path, *stages: PruneWeights, family: str = "bert") -> dict[str, torch.Tensor]:
    """The encoder's matrices after these stages."""
    model = tiny_model(folder / family, family)
    for one in stages:
        apply(one, model, Recorder().context())
    return {name: weight.detach() for name, weight in encoder_weights(model).items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("share", [0.37, 0.8])
def test_every_matrix_has_exactly_the_promised_zeros(
    tmp_path: Path, method: str, share: float
) -> None:
    for name, weight in pruned(tmp_path, stage(method, sparsity=share)).items():
        assert int((weight == 0).sum()) == round(share * weight.numel()), name


@pytest.mark.parametrize("method", [name for name in METHODS if not WEIGHT_SCORES[name].updates])
def test_over_all_matrices_the_sum_is_exact(tmp_path: Path, method: str) -> None:
    weights = pruned(tmp_path, stage(method, sparsity=0.37, scope="global")).values()
    assert sum(int((weight == 0).sum()) for weight in weights) == round(
        0.37 * sum(weight.numel() for weight in weights)
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pattern", ["2:4", "5:12"])
def test_n_of_every_m_are_kept(tmp_path: Path, method: str, pattern: str) -> None:
    kept, of = map(int, pattern.split(":"))
    for weight in pruned(tmp_path, stage(method, pattern=pattern)).values():
        for start in range(0, weight.shape[1], of):
            group = weight[:, start : start + of]
            assert ((group != 0).sum(1) == -(-kept * group.shape[1] // of)).all()


@pytest.mark.parametrize("method", AT_ONCE)
def test_at_zero_sparsity_nothing_changes(tmp_path: Path, method: str) -> None:
    model = tiny_model(tmp_path / "bert")
    before = tensors_of(model)
    apply(stage(method, sparsity=0), model, Recorder().context())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("method", METHODS)
def test_one_recipe_one_result(tmp_path: Path, method: str) -> None:
    first, second = (pruned(tmp_path, stage(method, sparsity=0.5)) for _ in range(2))
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())


@pytest.mark.parametrize("method", METHODS)
def test_earlier_zeros_count_and_stay(tmp_path: Path, method: str) -> None:
    early = PruneWeights(sparsity=0.4)
    before, after = pruned(tmp_path, early), pruned(tmp_path, early, stage(method, sparsity=0.6))
    for name, weight in after.items():
        assert (weight[before[name] == 0] == 0).all()
        assert int((weight == 0).sum()) == round(0.6 * weight.numel())


@pytest.mark.parametrize("method", METHODS)
def test_zeros_hold_through_steps_of_retraining(tmp_path: Path, method: str) -> None:
    model = tiny_model(tmp_path / "bert")
    before = tensors_of(model)
    apply(
        PruneWeights(method=method, sparsity=0.6, steps=2, retrain_epochs=2, learning_rate=1e-3),
        model,
        Recorder().context(),
    )
    assert sparsity(model) == pytest.approx(0.6, abs=1e-3)
    for name, weight in encoder_weights(model).items():
        assert int((weight == 0).sum()) == round(0.6 * weight.numel())
        assert not torch.equal(weight[weight != 0], before[name][weight != 0])


@pytest.mark.parametrize("method", AT_ONCE)
def test_nothing_but_the_encoders_matrices_changes(tmp_path: Path, method: str) -> None:
    model = tiny_model(tmp_path / "roberta", "roberta")
    before = tensors_of(model)
    apply(stage(method, sparsity=0.5), model, Recorder().context())
    others = set(model.state_dict()) - set(encoder_weights(model))
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in others)
