"""Hidden states and attention: the losses against the papers' formulas written out, and what the
stage does with them.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.distillation import student as student_file
from paretoscope.distillation.feature_loss import (
    FeatureLoss,
    hidden_loss,
    mapped_layers,
    relation,
    relation_loss,
)
from paretoscope.distillation.student import apply
from paretoscope.errors import ModelError
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning import structure
from paretoscope.pruning.layers import keep_layers
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Distill, PruneStructure
from paretoscope.training.batches import padded
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny

MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])


@pytest.fixture
def teacher(tmp_path: Path) -> PreTrainedModel:
    return tiny_model(tmp_path / "teacher", layers=4)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def batch() -> dict[str, torch.Tensor]:
    return padded([np.arange(5, 12), np.arange(20, 24)])


# --- the formulas ---------------------------------------------------------------------------------


def test_hidden_loss_is_the_mean_square_over_real_tokens() -> None:
    student, teacher = random(2, 4, 6), random(2, 4, 6, seed=1)
    squares = [
        float(((student[text, token] - teacher[text, token]) ** 2).mean())
        for text, token in MASK.nonzero().tolist()
    ]
    assert float(hidden_loss(student, teacher, MASK)) == pytest.approx(sum(squares) / 6)


def softmax_by_hand(left: torch.Tensor, right: torch.Tensor, real: int) -> np.ndarray:
    """softmax(left right^T / sqrt(d)) over the first `real` keys: [tokens, width] twice -> [tokens,
    real].
    """
    scores = left.numpy() @ right.numpy()[:real].T / math.sqrt(left.shape[1])
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def test_relations_and_their_loss_are_those_of_minilm() -> None:
    heads, size = 3, 2
    parts = [random(2, 4, heads * size, seed=seed) for seed in range(4)]
    student, teacher = (
        relation(parts[0], parts[1], MASK, heads),
        relation(parts[2], parts[3], MASK, heads),
    )
    total = 0.0
    for text, token in MASK.nonzero().tolist():
        real = int(MASK[text].sum())
        for head in range(heads):
            own = [part[text, :, head * size : (head + 1) * size] for part in parts]
            mine, theirs = (
                softmax_by_hand(own[0], own[1], real)[token],
                softmax_by_hand(own[2], own[3], real)[token],
            )
            np.testing.assert_allclose(
                student[text, head, token, :real].exp().numpy(), mine, rtol=1e-5
            )
            assert float(student[text, head, token, real:].exp().sum()) == 0
            total += float((theirs * np.log(theirs / mine)).sum())
    assert float(relation_loss(student, teacher, MASK)) == pytest.approx(
        total / heads / 6, rel=1e-4
    )
    assert float(relation_loss(teacher, teacher, MASK)) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_the_query_key_relation_is_the_models_own_attention(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / family), attention="eager")
    heard: dict[str, torch.Tensor] = {}
    last = anatomy(model).layers[-1]
    for name in ("query", "key"):
        module = model.get_submodule(getattr(last, name))
        module.register_forward_hook(
            lambda module, inputs, output, name=name: heard.update({name: output})
        )
    inputs = batch()
    with torch.no_grad():
        own = model(**inputs, output_attentions=True).attentions[-1]
    found = relation(heard["query"], heard["key"], inputs["attention_mask"], 4).exp()
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(
        found.transpose(1, 2)[real], own.transpose(1, 2)[real], atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_those_that_the_model_gives(family: str, tmp_path: Path) -> None:
    model, other = (
        tiny_model(tmp_path / family, family, layers=4),
        tiny_model(tmp_path / family, family, layers=4),
    )
    keep_layers(model, (0, 2))
    inputs = batch()
    with (
        torch.no_grad(),
        FeatureLoss(
            model, other, mapped_layers((0, 2), 4), hidden_weight=3, attention_weight=0
        ) as loss,
    ):
        mine = model(**inputs, output_hidden_states=True).hidden_states
        found = float(loss(inputs))
        theirs = other(**inputs, output_hidden_states=True).hidden_states
    each = [
        hidden_loss(mine[own + 1], theirs[layer + 1], inputs["attention_mask"])
        for own, layer in enumerate((1, 3))
    ]
    assert found == pytest.approx(
        3 * float(sum(each)) / 2, rel=0.02
    )  # the teacher may run in bfloat16
    assert found > 0


@pytest.mark.parametrize(
    ("started_from", "count", "mapped"),
    [
        ((0, 2, 4), 6, (1, 3, 5)),
        ((0, 1, 2), 6, (0, 1, 5)),
        ((1, 3), 4, (2, 3)),
        ((0, 1, 2, 3), 4, (0, 1, 2, 3)),
        ((5,), 6, (5,)),
    ],
)
def test_a_layer_learns_what_the_next_one_was_used_to_read(
    started_from: tuple[int, ...], count: int, mapped: tuple[int, ...]
) -> None:
    assert mapped_layers(started_from, count) == mapped


def test_a_student_that_is_its_teacher_has_nothing_to_learn(teacher: PreTrainedModel) -> None:
    inputs = batch()
    with (
        torch.no_grad(),
        FeatureLoss(
            teacher, copy.deepcopy(teacher), range(4), hidden_weight=1, attention_weight=1
        ) as loss,
    ):
        with torch.autocast(
            "cpu",
            torch.bfloat16,
            enabled=torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported(),
        ):
            teacher(**inputs)
        assert float(loss(inputs)) == pytest.approx(0, abs=1e-6)
    assert not any(module._forward_hooks for module in teacher.modules())


# --- the stage ------------------------------------------------------------------------------------


def distance(model: PreTrainedModel, teacher: PreTrainedModel) -> tuple[float, float]:
    """Both terms of a student with two layers of four, in eval mode."""
    inputs = padded(tiny_split().ids)
    found = []
    for weights in (
        {"hidden_weight": 1, "attention_weight": 0},
        {"hidden_weight": 0, "attention_weight": 1},
    ):
        with torch.no_grad(), FeatureLoss(model, teacher, (1, 3), **weights) as loss:
            model(**inputs)
            found.append(float(loss(inputs)))
    return found[0], found[1]


def test_each_term_brings_the_student_closer_in_what_it_measures(
    tmp_path: Path, teacher: PreTrainedModel
) -> None:
    def trained(**weights: float) -> tuple[float, float]:
        stage = Distill(layers=2, epochs=10, learning_rate=2e-3, **weights)  # pyright: ignore[reportArgumentType]
        return distance(
            apply(stage, tiny_model(tmp_path / "teacher", layers=4), Recorder().context()), teacher
        )

    plain, hidden, attention = trained(), trained(hidden_weight=10), trained(attention_weight=10)
    assert hidden[0] < 0.8 * plain[0]
    assert attention[1] < 0.8 * plain[1]


def test_the_same_seed_gives_the_same_student_and_weights_of_0_change_nothing(
    tmp_path: Path,
) -> None:
    def run(**fields: float) -> torch.Tensor:
        stage = Distill(layers=2, epochs=1, **fields)  # pyright: ignore[reportArgumentType]
        return logits_of(
            apply(stage, tiny_model(tmp_path / "teacher", layers=4), Recorder().context())
        )

    both = {"hidden_weight": 1.0, "attention_weight": 1.0, "head_ratio": 0.25, "ffn_ratio": 0.5}
    assert torch.equal(run(**both), run(**both))
    assert torch.equal(run(hidden_weight=0, attention_weight=0, augment=0), run())
    assert not torch.equal(run(hidden_weight=1), run())
    assert not torch.equal(run(attention_weight=1), run())


def test_without_any_weight_the_teacher_is_neither_asked_nor_copied(
    teacher: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not_run(*_: object) -> None:
        raise AssertionError("the teacher was asked")

    for name in ("teacher_of", "FeatureLoss", "copy"):
        monkeypatch.setattr(student_file, name, must_not_run)
    stage = Distill(layers=2, epochs=1, soft_weight=0, augment=1)
    recorder = Recorder()
    apply(stage, teacher, context_with_mask(recorder))
    assert recorder.computed == []
    assert stage.in_words().endswith("without teacher")


def test_hidden_states_alone_need_no_outputs_of_the_teacher(teacher: PreTrainedModel) -> None:
    recorder = Recorder()
    stage = Distill(layers=2, epochs=1, soft_weight=0, hidden_weight=1)
    apply(stage, teacher, recorder.context())
    assert recorder.computed == []
    assert "without teacher" not in stage.in_words()


# --- narrower students ----------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_narrow_student_starts_as_what_pruning_leaves_of_its_layers(
    family: str, tmp_path: Path
) -> None:
    context = Recorder().context()
    student = apply(
        Distill(layers=2, head_ratio=0.5, ffn_ratio=0.25, epochs=0),
        tiny_model(tmp_path / family, family, layers=4),
        context,
    )
    pruned = tiny_model(tmp_path / family, family, layers=4)
    structure.apply(PruneStructure(target="heads", ratio=0.5), pruned, context)
    structure.apply(PruneStructure(target="ffn", ratio=0.25), pruned, context)
    keep_layers(pruned, (0, 2))
    wanted = tensors_of(pruned)
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in student.state_dict().items())
    layer = anatomy(student).layers[0]
    assert student.get_parameter(f"{layer.query}.weight").shape == (16, 32)
    assert student.get_parameter(f"{layer.ffn_in}.weight").shape == (48, 32)


def test_a_narrow_student_learns_attention_through_common_relation_heads(
    teacher: PreTrainedModel,
) -> None:
    student = apply(
        Distill(layers=2, head_ratio=0.5, epochs=1, attention_weight=1),
        teacher,
        Recorder().context(),
    )
    assert logits_of(student).isfinite().all()


# --- augmentation ---------------------------------------------------------------------------------


def context_with_mask(recorder: Recorder) -> StageContext:
    context = recorder.context()
    context.tokenizer = (
        '{"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "[MASK]": 4}}}'
    )
    return context


def test_copies_are_texts_of_their_own(tmp_path: Path) -> None:
    def run(augment: int) -> tuple[Recorder, torch.Tensor]:
        recorder = Recorder()
        stage = Distill(layers=2, epochs=1, augment=augment)
        return recorder, logits_of(
            apply(stage, tiny_model(tmp_path / "teacher", layers=4), context_with_mask(recorder))
        )

    (plain, without), (recorder, larger), (_, again) = run(0), run(3), run(3)
    assert (
        recorder.progress[-1][1] == 3 * plain.progress[-1][1]
    )  # 96 texts in place of 24, 32 at once
    assert [len(array) for array in recorder.kept.values()] == [96]
    assert set(recorder.kept) != set(plain.kept)
    assert torch.equal(larger, again)
    assert not torch.equal(larger, without)


def test_a_tokenizer_without_a_mask_token_is_refused(teacher: PreTrainedModel) -> None:
    context = context_with_mask(Recorder())
    context.tokenizer = context.tokenizer.replace("[MASK]", "hidden")
    with pytest.raises(ModelError, match="no mask token"):
        apply(Distill(layers=2, augment=1), teacher, context)
