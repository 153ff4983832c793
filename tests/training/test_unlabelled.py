"""Texts without labels: only the teacher says something about them, it is asked once, and what is
held out never comes in.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from paretoscope.distillation import student
from paretoscope.errors import RecipeError, TaskError
from paretoscope.pruning import structure
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import Distill, PruneStructure
from paretoscope.tasks.duplicates import normalize
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import NO_LABEL
from paretoscope.training.encoder import batch_loss, train
from paretoscope.training.settings import Training
from paretoscope.training.unlabelled import training_texts
from tests.tiny.context import Recorder, tensors_of, tiny_model, tiny_split, unlabelled_split

REVIEWS = "text,label\n" + "".join(
    f"review {number} is {'good' if number % 2 else 'bad'},{number % 2}\n" for number in range(60)
)


def test_the_cross_entropy_is_that_of_the_labelled_texts() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, teacher = torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)
    labels = torch.tensor([2, NO_LABEL, 0, NO_LABEL])
    training = Training(epochs=1, learning_rate=1e-3, seed=0, temperature=2.0, soft_weight=0.7)
    found = batch_loss(ours, labels, teacher, training)
    hard = F.cross_entropy(ours[[0, 2]], torch.tensor([2, 0]))
    soft = F.kl_div((ours / 2).log_softmax(1), (teacher / 2).softmax(1), reduction="batchmean") * 4
    torch.testing.assert_close(found, 0.3 * hard + 0.7 * soft)


def test_a_batch_without_a_label_has_the_loss_of_the_teacher_alone() -> None:
    ours, teacher = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 2.0]])
    training = Training(epochs=1, learning_rate=1e-3, seed=0, soft_weight=0.5)
    loss = batch_loss(ours, torch.tensor([NO_LABEL]), teacher, training)
    torch.testing.assert_close(
        loss, 0.5 * F.kl_div(ours.log_softmax(1), teacher.softmax(1), reduction="batchmean")
    )


def test_without_a_teacher_such_texts_change_nothing(tmp_path: Path) -> None:
    split = unlabelled_split()
    model = tiny_model(tmp_path)
    before = tensors_of(model)
    train(model, split, Training(epochs=1, learning_rate=1e-3, seed=0, batch_size=4))
    decayed = {
        name: tensor
        for name, tensor in tensors_of(model).items()
        if not torch.allclose(tensor, before[name], atol=1e-4)
    }
    assert not decayed


@pytest.mark.parametrize(
    "stage",
    [
        Distill(layers=1, epochs=2, unlabelled=True),
        PruneStructure(
            target="ffn", ratio=0.5, retrain_epochs=2, distill_weight=0.5, unlabelled=True
        ),
    ],
    ids=lambda stage: stage.in_words(),
)
def test_the_teacher_is_asked_once_about_both_and_both_are_learned_from(
    stage: Distill | PruneStructure, tmp_path: Path
) -> None:
    recorder = Recorder()

    def carried_out(
        stage: Distill | PruneStructure, context: StageContext
    ) -> dict[str, torch.Tensor]:
        model = tiny_model(tmp_path)
        return tensors_of(
            student.apply(stage, model, context)
            if isinstance(stage, Distill)
            else structure.apply(stage, model, context)
        )

    with_them = carried_out(stage, recorder.context())
    assert [len(kept) for kept in recorder.kept.values()] == [
        len(tiny_split()) + len(unlabelled_split())
    ]
    assert recorder.progress[-1] == (4, 4)  # two epochs of 34 texts in batches of 32
    alone = stage.model_copy(update={"unlabelled": False})
    without = carried_out(alone, recorder.context())
    assert any(not torch.equal(with_them[name], without[name]) for name in with_them)
    assert len(recorder.computed) == 2  # other texts, another key


def test_copies_are_made_of_them_too(tmp_path: Path) -> None:
    recorder = Recorder()
    context = (
        replace(recorder.context(), tokenizer=(tmp_path / "tokenizer.json").read_text())
        if tiny_model(tmp_path)
        else recorder.context()
    )
    student.apply(
        Distill(layers=1, epochs=1, augment=1, unlabelled=True), tiny_model(tmp_path), context
    )
    assert [len(kept) for kept in recorder.kept.values()] == [
        2 * (len(tiny_split()) + len(unlabelled_split()))
    ]


def test_a_task_without_such_texts_is_named() -> None:
    none = EncodedSplit([], np.zeros(0, dtype=np.int64), "none")
    context = replace(
        Recorder().context(), encoded=lambda name: none if name == "unlabelled" else tiny_split()
    )
    with pytest.raises(TaskError, match="--unlabelled"):
        training_texts(context, unlabelled=True)


@pytest.mark.parametrize(
    "stage",
    [
        {"kind": "distill", "soft_weight": 0},
        {"kind": "prune-structure", "retrain_epochs": 1},
        {"kind": "prune-weights", "distill_weight": 0.5},
    ],
)
def test_without_a_teacher_it_is_refused(stage: dict[str, object]) -> None:
    parse_recipe({"stages": [stage]})
    with pytest.raises(RecipeError, match="teacher"):
        parse_recipe({"stages": [stage | {"unlabelled": True}]})


# --- whose texts they are -------------------------------------------------------------------------


def test_held_out_texts_never_come_in(tmp_path: Path) -> None:
    data, more = tmp_path / "data.csv", tmp_path / "more.txt"
    data.write_text(REVIEWS)
    task = load_task(resolve_task(str(data)))
    held_out = [
        text
        for name in ("validation", "test", "calibration", "train")
        for text in task.splits[name].texts
    ]
    more.write_text(
        "\n".join(
            [*(text.upper() + "  " for text in held_out), "a new one", "", "A  new one", "another"]
        )
    )
    found = load_task(resolve_task(str(data), DataOptions(unlabelled=str(more)))).unlabelled
    assert found.texts == ("a new one", "another")
    assert found.labels.tolist() == [NO_LABEL, NO_LABEL]


def test_the_file_is_part_of_the_key_and_the_splits_are_not(tmp_path: Path) -> None:
    data, more = tmp_path / "data.csv", tmp_path / "more.csv"
    data.write_text(REVIEWS)
    keys = [resolve_task(str(data)).key]
    for texts in ("one", "two"):
        more.write_text(f"text\n{texts}\n")
        keys.append(resolve_task(str(data), DataOptions(unlabelled=str(more))).key)
    assert len(set(keys)) == 3
    plain, with_them = (
        load_task(resolve_task(str(data))),
        load_task(resolve_task(str(data), DataOptions(unlabelled=str(more)))),
    )
    assert {name: split.sha256 for name, split in plain.splits.items()} == {
        name: split.sha256 for name, split in with_them.splits.items()
    }
    assert plain.key != with_them.key


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", "one\n\ntwo\n"),
        ("t.csv", "text\none\ntwo\n"),
        ("t.jsonl", '{"text":"one"}\n{"text":"two"}\n'),
    ],
)
def test_a_text_a_line_or_a_row(name: str, content: str, tmp_path: Path) -> None:
    data, more = tmp_path / "data.csv", tmp_path / name
    data.write_text(REVIEWS)
    more.write_text(content)
    assert load_task(
        resolve_task(str(data), DataOptions(unlabelled=str(more)))
    ).unlabelled.texts == (
        "one",
        "two",
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.txt", " \n", "is empty"),
        ("t.pdf", "x", "unsupported extension"),
        ("gone.txt", None, "cannot be read"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(
    name: str, content: str | None, words: str, tmp_path: Path
) -> None:
    data, more = tmp_path / "data.csv", tmp_path / name
    data.write_text(REVIEWS)
    if content is not None:
        more.write_text(content)
    with pytest.raises(TaskError, match=words):
        load_task(resolve_task(str(data), DataOptions(unlabelled=str(more))))


def test_a_language_model_takes_none(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("one\n")
    with pytest.raises(TaskError, match="language model"):
        resolve_task("prose", DataOptions(unlabelled=str(tmp_path / "more.txt")))


def test_movies_has_reviews_that_nobody_is_judged_on() -> None:
    task = load_task(resolve_task("movies"))
    held_out = {
        normalize(text) for name in ("validation", "test") for text in task.splits[name].texts
    }
    assert len(task.unlabelled) > 4000
    assert not held_out & {normalize(text) for text in task.unlabelled.texts}
    assert len(load_task(resolve_task("trec")).unlabelled) == 0
