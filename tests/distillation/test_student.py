"""The stage distill: what the student starts from, what it learns from, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.distillation.student import apply
from paretoscope.errors import RecipeError
from paretoscope.models.content import model_key
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning import weights
from paretoscope.recipes.stages import Distill, PruneWeights
from paretoscope.training.encoder import logits
from paretoscope.training.sparsity_masks import encoder_weights
from paretoscope.training.teacher import TEACHER_PART
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model, tiny_split
from tests.tiny.encoders import FAMILIES


@pytest.fixture
def teacher(tmp_path: Path) -> PreTrainedModel:
    return tiny_model(tmp_path / "teacher", layers=4)


@pytest.mark.parametrize(
    ("layers", "teacher_count", "chosen"),
    [
        (3, 6, (0, 2, 4)),
        (2, 6, (0, 3)),
        (1, 6, (0,)),
        (6, 6, (0, 1, 2, 3, 4, 5)),
        (6, 12, (0, 2, 4, 6, 8, 10)),
        (5, 12, (0, 2, 4, 7, 9)),
    ],
)
def test_layers_are_spread_evenly(layers: int, teacher_count: int, chosen: tuple[int, ...]) -> None:
    assert Distill(layers=layers).kept(teacher_count) == chosen


@pytest.mark.parametrize("family", FAMILIES)
def test_before_training_the_student_is_its_teachers_layers(tmp_path: Path, family: str) -> None:
    model = tiny_model(tmp_path / family, family, layers=4)
    before = tensors_of(model)
    path = anatomy(model).layer_list
    student = apply(Distill(layers=2, teacher_layers=(1, 3), epochs=0), model, Recorder().context())
    assert student.config.num_hidden_layers == len(anatomy(student).layers) == 2
    for name, tensor in student.state_dict().items():
        teachers = name.replace(f"{path}.1.", f"{path}.3.").replace(f"{path}.0.", f"{path}.1.")
        assert torch.equal(tensor, before[teachers])
    assert logits_of(student).isfinite().all()


def test_a_student_of_all_layers_without_training_is_the_teacher(teacher: PreTrainedModel) -> None:
    before = logits_of(teacher)
    assert torch.equal(
        logits_of(apply(Distill(layers=4, epochs=0), teacher, Recorder().context())), before
    )


def test_training_brings_the_student_closer_to_its_teacher(
    tmp_path: Path, teacher: PreTrainedModel
) -> None:
    wanted = torch.from_numpy(logits(teacher, tiny_split())).softmax(1)

    def distance(epochs: int) -> float:
        stage = Distill(layers=2, epochs=epochs, soft_weight=1, temperature=1, learning_rate=2e-3)
        student = apply(stage, tiny_model(tmp_path / "teacher", layers=4), Recorder().context())
        said = torch.from_numpy(logits(student, tiny_split())).log_softmax(1)
        return float(torch.nn.functional.kl_div(said, wanted, reduction="batchmean"))

    assert distance(15) < 0.5 * distance(0)


def test_teacher_outputs_are_computed_once_for_equal_teachers(tmp_path: Path) -> None:
    recorder = Recorder()
    for layers in (1, 2, 2):
        apply(
            Distill(layers=layers, epochs=1),
            tiny_model(tmp_path / "teacher", layers=4),
            recorder.context(),
        )
    assert len(recorder.computed) == 1
    other = tiny_model(tmp_path / "teacher", layers=4)
    with torch.no_grad():
        other.get_parameter(anatomy(other).matrices[0])[0, 0] += 1
    apply(Distill(layers=1, epochs=1), other, recorder.context())
    assert len(recorder.computed) == 2


def test_whoever_waits_hears_how_many_texts_the_teacher_answered(teacher: PreTrainedModel) -> None:
    heard: list[tuple[str, int, float]] = []
    parts: list[str] = []

    def report(step: int, steps: int, *, epochs: float = 0.0) -> None:
        heard.append((parts[-1] if parts else "", step, epochs))

    context = replace(Recorder().context(), part=parts.append, progress=report)
    apply(Distill(layers=1, epochs=1.5), teacher, context)
    asked = [step for part, step, _ in heard if part]
    assert {(bool(part), epochs) for part, _, epochs in heard} == {(True, 0), (False, 1.5)}
    assert parts == [TEACHER_PART, ""]
    assert asked == sorted(set(asked))
    assert asked[-1] == len(tiny_split())
    assert heard[-1][0] == ""


def test_the_control_never_asks_the_teacher_and_differs(tmp_path: Path) -> None:
    def run(soft_weight: float) -> tuple[Recorder, torch.Tensor]:
        recorder = Recorder()
        stage = Distill(layers=2, epochs=2, soft_weight=soft_weight)
        return recorder, logits_of(
            apply(stage, tiny_model(tmp_path / "teacher", layers=4), recorder.context())
        )

    control, without = run(0)
    student, with_teacher = run(0.7)
    assert control.computed == []
    assert len(student.computed) == 1
    assert not torch.equal(without, with_teacher)


def test_the_key_depends_on_the_content_only(tmp_path: Path, teacher: PreTrainedModel) -> None:
    key = model_key(teacher)
    assert model_key(tiny_model(tmp_path / "elsewhere", layers=4)) == key
    assert model_key(tiny_model(tmp_path / "smaller", layers=3)) != key
    teacher.config.num_attention_heads = 2
    assert model_key(teacher) != key


def test_one_seed_one_student(tmp_path: Path) -> None:
    def run(seed: int) -> torch.Tensor:
        return logits_of(
            apply(
                Distill(layers=2, epochs=1),
                tiny_model(tmp_path / "teacher", layers=4),
                Recorder().context(seed),
            )
        )

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_zeros_of_a_pruned_teacher_stay_zeros_in_the_student(teacher: PreTrainedModel) -> None:
    weights.apply(PruneWeights(sparsity=0.5), teacher, Recorder().context())
    student = apply(Distill(layers=2, epochs=2), teacher, Recorder().context())
    assert all(
        int((weight == 0).sum()) == round(0.5 * weight.numel())
        for weight in encoder_weights(student).values()
    )


def test_progress_reaches_its_end(teacher: PreTrainedModel) -> None:
    recorder = Recorder()
    apply(Distill(layers=2, epochs=2), teacher, recorder.context())
    assert recorder.progress
    assert recorder.progress[-1][0] == recorder.progress[-1][1]


def test_more_layers_than_the_teacher_has_are_refused(teacher: PreTrainedModel) -> None:
    with pytest.raises(RecipeError, match=r"to have 6 layers.*teacher has only 4"):
        apply(Distill(layers=6), teacher, Recorder().context())


def test_a_layer_that_the_teacher_lacks_is_refused(teacher: PreTrainedModel) -> None:
    with pytest.raises(RecipeError, match=r"names layer 4.*4 layers are 0 to 3"):
        apply(Distill(layers=2, teacher_layers=(0, 4)), teacher, Recorder().context())
