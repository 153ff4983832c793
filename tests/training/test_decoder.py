"""Low-rank training of language models: merged is unmerged, zeros stay, the loss is the published
one, an epoch is bounded.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.decoder.anatomy import decoder_anatomy
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.weights import apply as prune_weights
from paretoscope.recipes.context import EncodedSplit
from paretoscope.recipes.stages import Distill, PruneWeights, Retrained
from paretoscope.training import decoder as module
from paretoscope.training.decoder import token_loss, train
from paretoscope.training.low_rank import LowRank, low_rank_parts
from paretoscope.training.settings import Training
from paretoscope.training.sparsity_masks import sparsity_masks
from tests.tiny.decoders import FAMILIES, VOCABULARY, tiny_decoder
from tests.tiny.decoders import calibration_context as context
from tests.tiny.decoders import logits_after_every_token as logits

SOFTENED = Training(epochs=1, learning_rate=1e-3, seed=0, temperature=2.0, soft_weight=0.7)


def passages(count: int = 16) -> EncodedSplit:
    """Texts that count: a model can learn them."""
    ids = [np.arange(5 + number, 29 + number) for number in range(count)]
    return EncodedSplit(ids, np.zeros(count, dtype=np.int64), "counting")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_merged_is_unmerged(family: str, masked: bool) -> None:
    model = tiny_decoder(family, VOCABULARY)
    if masked:
        prune_weights(PruneWeights(sparsity=0.5), model, context())
    before = logits(model)
    with low_rank_parts(
        model, decoder_anatomy(model).linears, sparsity_masks(model), rank=2
    ) as parameters:
        assert torch.equal(logits(model), before) or torch.allclose(
            logits(model), before, atol=1e-5
        )  # B is zero at the start
        with torch.no_grad():
            for parameter in parameters:
                parameter.add_(torch.randn_like(parameter) * 0.05)
        unmerged = logits(model)
    assert not any(isinstance(part, LowRank) for part in model.modules())
    torch.testing.assert_close(logits(model), unmerged, atol=2e-4, rtol=1e-4)
    assert (unmerged - before).abs().max() > 0.1
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_what_is_added_is_alpha_over_r_times_b_a() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    name = decoder_anatomy(model).layers[0].output
    before = matrix(model, name).clone()
    with low_rank_parts(model, [name], {}, rank=4) as (a, b):
        with torch.no_grad():
            b.normal_()
        expected = before + 32 / 4 * b.detach() @ a.detach()
    torch.testing.assert_close(matrix(model, name), expected)


def test_a_block_that_fails_leaves_the_model_as_it_was() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    before = logits(model)
    with (
        pytest.raises(RuntimeError, match="stop"),
        low_rank_parts(model, decoder_anatomy(model).linears, {}) as parameters,
    ):
        with torch.no_grad():
            parameters[1].fill_(1)
        raise RuntimeError("stop")
    assert torch.equal(logits(model), before)


def test_the_loss_is_cross_entropy_and_a_divergence_from_the_teacher() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn(5, 11, generator=generator), torch.randn(5, 11, generator=generator)
    targets = torch.tensor([1, 2, 3, 4, 10])
    hard = -sum(F.log_softmax(row, -1)[target] for row, target in zip(ours, targets, strict=True))
    soft = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        p, q = (other / 2).softmax(-1), (mine / 2).softmax(-1)
        soft += float((p * (p / q).log()).sum())
    assert float(token_loss(ours, targets, theirs, SOFTENED)) == pytest.approx(
        0.3 * float(hard) + 0.7 * 4 * soft, rel=1e-5
    )
    assert float(token_loss(ours, targets, None, SOFTENED)) == pytest.approx(float(hard), rel=1e-5)


def loss_on(model: PreTrainedModel, split: EncodedSplit) -> float:
    with torch.no_grad():
        return float(
            np.mean(
                [
                    float(
                        model(
                            input_ids=torch.from_numpy(ids)[None],
                            labels=torch.from_numpy(ids)[None],
                        ).loss
                    )
                    for ids in split.ids
                ]
            )
        )


@pytest.mark.parametrize("family", ["llama", "gpt2", "phi3"])
def test_training_learns_the_text_and_moves_nothing_but_the_matrices(family: str) -> None:
    model = tiny_decoder(family, VOCABULARY)
    before, tensors = (
        loss_on(model, passages()),
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
    )
    train(model, passages(), Training(epochs=6, learning_rate=5e-4, seed=0))
    assert loss_on(model, passages()) < 0.8 * before
    names = set(decoder_anatomy(model).matrices)
    assert {
        name
        for name, tensor in model.state_dict().items()
        if not torch.equal(tensor, tensors[name])
    } == names
    assert not model.training


def test_a_teacher_is_followed_and_left_as_it_is() -> None:
    teacher = tiny_decoder("llama", VOCABULARY)
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        for name in decoder_anatomy(student).linears:
            matrix(student, name).mul_(
                1
                + 0.3
                * torch.randn(
                    matrix(student, name).shape, generator=torch.Generator().manual_seed(0)
                )
            )
    kept = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}

    ids = torch.from_numpy(np.stack(passages(4).ids))

    @torch.no_grad()
    def divergence() -> float:
        theirs, ours = (
            F.log_softmax(each(input_ids=ids).logits.flatten(0, 1), -1)
            for each in (teacher, student)
        )
        return float(F.kl_div(ours, theirs, log_target=True, reduction="batchmean"))

    before = divergence()
    train(
        student,
        passages(),
        Training(
            epochs=6, learning_rate=5e-4, seed=0, teacher=teacher, temperature=1.0, soft_weight=1.0
        ),
    )
    assert divergence() < 0.9 * before
    assert all(torch.equal(tensor, kept[name]) for name, tensor in teacher.state_dict().items())


def test_zeros_stay_zeros_and_all_else_moves() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    prune_weights(PruneWeights(sparsity=0.6), model, context())
    masks = sparsity_masks(model)
    before = {name: model.get_parameter(name).clone() for name in masks}
    train(model, passages(), Training(epochs=1, learning_rate=1e-3, seed=0, masks=masks))
    for name, mask in masks.items():
        now = model.get_parameter(name)
        assert (now[~mask] == 0).all()
        assert float((now != before[name])[mask].float().mean()) > 0.99


def test_an_epoch_is_a_bounded_number_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "EPOCH_TOKENS", 10 * 24)
    train(
        tiny_decoder("llama", VOCABULARY),
        passages(16),
        Training(epochs=2, learning_rate=1e-4, seed=0, progress=lambda *step: told.append(step)),
    )
    assert told == [(step, 5) for step in range(1, 6)]  # 20 texts, 4 a step, and not 32
    monkeypatch.setattr(module, "EPOCH_TOKENS", 10**6)
    told.clear()
    train(
        tiny_decoder("llama", VOCABULARY),
        passages(16),
        Training(epochs=0.5, learning_rate=1e-4, seed=0, progress=lambda *step: told.append(step)),
    )
    assert told[-1] == (2, 2)


def test_recipes_say_what_an_epoch_is() -> None:
    for model in (Retrained, Distill):
        field = model.model_fields["retrain_epochs" if model is Retrained else "epochs"]
        assert f"{module.EPOCH_TOKENS:,} tokens" in str(field.metadata) + str(field.description)


def test_one_seed_one_result() -> None:
    def run(seed: int) -> torch.Tensor:
        model = tiny_decoder("gpt2", VOCABULARY)
        train(model, passages(), Training(epochs=1, learning_rate=1e-3, seed=seed))
        return logits(model)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_a_loss_that_is_no_number_is_said() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    with torch.no_grad():
        model.get_parameter("model.embed_tokens.weight").fill_(torch.nan)
    with pytest.raises(ModelError, match="Training diverged at step 1"):
        train(model, passages(), Training(epochs=1, learning_rate=1e-3, seed=0))
