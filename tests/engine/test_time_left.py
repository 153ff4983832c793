"""How long a trial will still take, by a clock that stands still until it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paretoscope.engine.time_left import TimeLeft
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from tests.documents import document

STEPS = ("prepare", "student-3", "export", "int8 dynamic", "accuracy", "latency")
RECIPE = Recipe(stages=(Distill(), Quantize()))
PAST = {"prepare": 1.0, "export": 2.0, "accuracy": 3.0, "latency": 10.0}
Ask = Callable[..., float | None]


def like(model: str = "minilm-trec") -> TrialDocument:
    """A trial whose student took 60 s and whose rounding took 4 s."""
    return document(Distill(), Quantize(), model=model, timings_s=PAST, stage_seconds=(60.0, 4.0))


def watched(left: TimeLeft, now: list[float], recipe: Recipe = RECIPE) -> Ask:
    request = TrialRequest(model="minilm-trec", task="trec", recipe=recipe)

    def at(
        seconds: float, name: str, step: int = 0, steps: int = 0, number: int | None = None
    ) -> float | None:
        now[0] = seconds
        place = STEPS.index(name) + 1 if number is None else number
        return left.update(
            "a",
            Progress(
                stage=name, stage_number=place, stage_count=len(STEPS), step=step, steps=steps
            ),
            request,
        ).seconds_left

    return at


def test_without_a_like_only_the_last_step_is_known() -> None:
    now = [0.0]
    at = watched(TimeLeft(clock=lambda: now[0]), now)
    assert at(0, "student-3") is None
    assert at(10, "student-3", 1, 4) is None, "what comes after is not known"
    assert at(50, "latency") is None
    assert at(55, "latency", 1, 3) == 10


def test_steps_ahead_take_what_they_usually_take() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()], clock=lambda: now[0]), now)
    assert at(0, "prepare") == 1 + 60 + 2 + 4 + 3 + 10
    assert at(2, "student-3") == 60 + 19
    assert at(22, "student-3") == 40 + 19, "as long as the one before, less what it had"
    assert at(32, "student-3", 1, 4) == 90 + 19, "by its own pace"
    assert at(300, "student-3") == 0 + 19


def test_a_training_has_a_pace_of_its_own_after_its_teacher_was_asked() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()], clock=lambda: now[0]), now)
    at(0, "student-3, computing teacher logits", number=2)
    assert at(10, "student-3, computing teacher logits", 100, 400, number=2) == 30 + 19
    at(40, "student-3")
    assert at(42, "student-3", 1, 50) == 2 * 49 + 19, (
        "the 40 s of the teacher are no part of a step"
    )


def test_a_longer_training_is_expected_to_take_longer() -> None:
    now = [0.0]
    at = watched(
        TimeLeft([like()], clock=lambda: now[0]),
        now,
        Recipe(stages=(Distill(epochs=12), Quantize())),
    )
    assert at(0, "student-3 + 12 epochs", number=2) == pytest.approx(60 * 12.1 / 6.1 + 19)


def test_the_shipped_study_answers_until_this_machine_knows() -> None:
    now = [0.0]
    left = TimeLeft([like("another-model")], [like()], clock=lambda: now[0])
    assert watched(left, now)(0, "latency") == 10
    left.ended("a", document(timings_s=PAST | {"latency": 30.0}))
    assert watched(left, now)(0, "latency") == 30


def test_a_step_of_another_name_is_judged_by_its_pace_alone() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()], clock=lambda: now[0]), now)
    assert at(0, "student-3 + 3 epochs", number=2) is None
    assert at(10, "student-3 + 3 epochs", 1, 2, number=2) == 10 + 19
    assert at(20, WAITING, number=3) is None
