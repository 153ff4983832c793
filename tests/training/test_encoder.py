"""Training learns, is repeatable, keeps masks, and honours a teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import embedding, linear
from paretoscope.recipes.context import EncodedSplit
from paretoscope.training.encoder import logits, train
from paretoscope.training.settings import Training
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny


def toy_split(size: int = 96, seed: int = 0) -> EncodedSplit:
    """Texts of 4 to 9 random tokens; the label says whether token 20 is among them."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, size)
    ids = []
    for label in labels:
        tokens = random.integers(30, 60, random.integers(4, 10))
        tokens[random.integers(len(tokens))] = 20 if label else 21
        ids.append(np.array([2, *tokens, 3], dtype=np.int64))
    return EncodedSplit(ids, labels.astype(np.int64), f"toy-{seed}")


def accuracy(model: PreTrainedModel, split: EncodedSplit) -> float:
    return float((logits(model, split).argmax(axis=1) == split.labels).mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_learns_a_simple_rule_and_leaves_the_model_in_eval(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / "model", layers=1))
    words = embedding(model, anatomy(model).embeddings).weight.detach().clone()
    split = toy_split(160)
    train(model, split, Training(epochs=10, learning_rate=5e-3, seed=0))
    assert accuracy(model, split) > 0.9
    assert not model.training
    assert torch.equal(embedding(model, anatomy(model).embeddings).weight, words)
    assert all(
        parameter.requires_grad and parameter.grad is None for parameter in model.parameters()
    )


def test_same_seed_same_weights_and_no_trace_in_the_global_random_state(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")

    def trained(seed: int) -> np.ndarray:
        model = load_model(source)
        train(model, toy_split(), Training(epochs=1, learning_rate=1e-3, seed=seed))
        return logits(model, toy_split())

    state = torch.random.get_rng_state()
    first = trained(7)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)
    np.testing.assert_array_equal(trained(7), first)
    assert not np.array_equal(trained(8), first)


def test_a_batch_in_pieces_takes_the_same_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_tiny("bert", tmp_path / "model")

    def trained() -> np.ndarray:
        model = load_model(source)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        train(model, toy_split(), Training(epochs=1, learning_rate=1e-3, seed=0))
        return logits(model, toy_split())

    whole = trained()
    monkeypatch.setattr("paretoscope.training.encoder.PIECE_TOKENS", 100)
    np.testing.assert_allclose(trained(), whole, atol=0.01)  # sums of bfloat16 in another order
    assert np.abs(whole - logits(load_model(source), toy_split())).max() > 0.05


def test_masked_weights_stay_exactly_zero_while_the_others_move(tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path / "model"))
    parameters = dict(model.named_parameters())
    masks = {}
    with torch.no_grad():
        for name in anatomy(model).matrices:
            masks[name] = (parameters[name].abs() > 0.1).to(torch.bool)
            parameters[name] *= masks[name]
    before = {name: parameters[name].detach().clone() for name in masks}
    train(model, toy_split(), Training(epochs=2, learning_rate=1e-2, seed=0, masks=masks))
    for name, mask in masks.items():
        assert torch.count_nonzero(parameters[name][~mask]) == 0
        assert not torch.equal(parameters[name], before[name])


def test_epochs_may_be_fractions_and_none_changes_nothing(tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path / "model"))
    before = logits(model, toy_split())
    told: list[tuple[int, int]] = []
    train(
        model,
        toy_split(),
        Training(
            epochs=0,
            learning_rate=1e-3,
            seed=0,
            progress=lambda step, steps: told.append((step, steps)),
        ),
    )
    assert told == []
    np.testing.assert_array_equal(logits(model, toy_split()), before)
    train(
        model,
        toy_split(),
        Training(
            epochs=1.5,
            learning_rate=1e-3,
            seed=0,
            batch_size=16,
            progress=lambda step, steps: told.append((step, steps)),
        ),
    )
    assert told == [(step, 9) for step in range(1, 10)]


def test_with_full_soft_weight_the_student_follows_the_teacher_against_the_labels(
    tmp_path: Path,
) -> None:
    model = load_model(make_tiny("bert", tmp_path / "model", layers=1))
    split = toy_split(160)
    opposite = np.where(split.labels[:, None] == np.arange(2), -4.0, 4.0).astype(np.float32)
    train(
        model,
        split,
        Training(
            epochs=10,
            learning_rate=5e-3,
            seed=0,
            teacher=opposite,
            temperature=2.0,
            soft_weight=1.0,
        ),
    )
    assert accuracy(model, split) < 0.1


def test_logits_do_not_depend_on_how_texts_are_batched(tmp_path: Path) -> None:
    model = load_model(make_tiny("roberta", tmp_path / "model"))
    split = toy_split(20)
    together = logits(model, split)
    assert together.dtype == np.float32
    for place in (0, 7, 19):
        alone = EncodedSplit([split.ids[place]], split.labels[[place]], "one")
        np.testing.assert_allclose(logits(model, alone)[0], together[place], atol=1e-5)


def test_a_loss_that_is_not_finite_is_explained(tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path / "model"))
    with torch.no_grad():
        linear(model, "classifier").bias.fill_(float("inf"))
    with pytest.raises(ModelError, match="Training diverged at step 1 of 3"):
        train(model, toy_split(), Training(epochs=1, learning_rate=1e-3, seed=0))
    assert not model.training
