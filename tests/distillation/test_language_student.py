"""A language model's student: layers and widths of its teacher, trained on what the teacher says of
each next token.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.distillation.student import apply
from paretoscope.errors import RecipeError
from paretoscope.graphs.export import export
from paretoscope.models.decoder.anatomy import decoder_anatomy, heads_of
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.structure import apply as prune_structure
from paretoscope.pruning.weights import apply as prune_weights
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights
from paretoscope.training.sparsity_masks import encoder_weights
from tests.tiny.decoders import VOCABULARY, calibration_context, tiny_decoder


def divergence(teacher: PreTrainedModel, model: PreTrainedModel) -> float:
    """Mean KL(teacher || model) of the next token, over the texts that training saw: random ones
    teach nothing about others.
    """
    each = []
    with torch.no_grad():
        for ids in calibration_context().encoded("train").ids:
            ours, theirs = (
                F.log_softmax(of(input_ids=torch.from_numpy(ids)[None]).logits[0], -1)
                for of in (model, teacher)
            )
            each.append(F.kl_div(ours, theirs, log_target=True, reduction="batchmean"))
    return float(torch.stack(each).mean())


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_student_starts_as_layers_of_its_teacher(family: str) -> None:
    layers = {"n_layer" if family == "gpt2" else "num_hidden_layers": 4}
    teacher = tiny_decoder(family, VOCABULARY, **layers)
    student = apply(Distill(layers=2, epochs=0), copy.deepcopy(teacher), calibration_context())
    theirs, ours = decoder_anatomy(teacher).layers, decoder_anatomy(student).layers
    assert len(ours) == 2
    for number, mine in zip((0, 2), ours, strict=True):
        assert torch.equal(matrix(student, mine.output), matrix(teacher, theirs[number].output))
    assert export(student)[1] < 1e-5


def test_it_learns_what_its_teacher_says() -> None:
    teacher = tiny_decoder("llama", VOCABULARY, num_hidden_layers=3)
    alone = divergence(
        teacher, apply(Distill(layers=2, epochs=0), copy.deepcopy(teacher), calibration_context())
    )
    stage = Distill(layers=2, epochs=6, soft_weight=1.0, temperature=1.0, learning_rate=1e-3)
    taught = divergence(teacher, apply(stage, copy.deepcopy(teacher), calibration_context()))
    assert taught < 0.8 * alone


def test_it_is_narrower_where_that_is_asked_for() -> None:
    student = apply(
        Distill(layers=1, head_ratio=0.5, ffn_ratio=0.5, epochs=0.5),
        tiny_decoder("qwen2", VOCABULARY),
        calibration_context(),
    )
    (layer,) = decoder_anatomy(student).layers
    assert heads_of(student, layer) == (2, 1)
    assert matrix(student, layer.ffn_out).shape == (64, 48)


def test_zeros_of_the_teacher_stay() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    prune_weights(PruneWeights(sparsity=0.5), model, calibration_context())
    student = apply(Distill(layers=1, epochs=0.5), model, calibration_context())
    assert all(
        int((weight == 0).sum()) == weight.numel() // 2
        for weight in encoder_weights(student).values()
    )


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(RecipeError, match="its teacher has only 2"):
        apply(Distill(layers=3), tiny_decoder("llama", VOCABULARY), calibration_context())


def test_recovery_brings_a_cut_model_nearer_to_what_it_was() -> None:
    whole = tiny_decoder("llama", VOCABULARY, num_hidden_layers=3)
    cut = PruneStructure(target="layers", ratio=1 / 3, criterion="activation")
    trained = cut.model_copy(
        update={
            "retrain_epochs": 6.0,
            "learning_rate": 1e-3,
            "distill_weight": 1.0,
            "temperature": 1.0,
        }
    )
    lost, left = (
        divergence(whole, prune_structure(stage, copy.deepcopy(whole), calibration_context()))
        for stage in (cut, trained)
    )
    assert left < 0.8 * lost


def test_zeros_are_held_in_recovery_and_rise_in_steps() -> None:
    model = tiny_decoder("llama", VOCABULARY)
    prune_weights(
        PruneWeights(method="wanda", sparsity=0.6, steps=2, retrain_epochs=1, distill_weight=0.5),
        model,
        calibration_context(),
    )
    for weight in encoder_weights(model).values():
        assert int((weight == 0).sum()) == round(0.6 * weight.numel())
