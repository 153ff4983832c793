"""The remaining time of a trial, by a clock that a test sets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paretoscope.engine.pace import Pace
from paretoscope.engine.time_left import TimeLeft
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.durations import OTHER_MACHINE, WIDER
from tests.documents import document

STEPS = ("prepare", "student-3", "export", "int8 dynamic", "accuracy", "latency")
RECIPE = Recipe(stages=(Distill(), Quantize()))
PAST = {"prepare": 1.0, "export": 2.0, "accuracy": 3.0, "latency": 10.0}
Ask = Callable[..., float | None]
Range = tuple[float | None, float | None]


RANGES: list[Range] = []
"""(least, most) of every estimate of the present test."""


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
        at = Progress(
            stage=name, stage_number=place, stage_count=len(STEPS), step=step, steps=steps
        )
        found = left.update("a", at, request)
        if found.seconds_left is not None:
            low, high = found.seconds_left_low, found.seconds_left_high
            assert low is not None and high is not None
            assert 0 <= low <= found.seconds_left <= high
        ends.append((found.seconds_left_low, found.seconds_left_high))
        return found.seconds_left

    ends = RANGES
    ends.clear()
    return at


def test_without_a_like_only_the_last_step_is_known() -> None:
    now = [0.0]
    at = watched(TimeLeft(clock=lambda: now[0]), now)
    assert at(0, "student-3") is None
    assert at(10, "student-3", 1, 4) is None, "what comes after is not known"
    assert at(50, "latency") is None
    assert at(55, "latency", 1, 3) is None, "the first step is not timed"
    assert at(60, "latency", 2, 3) == 5


def test_steps_ahead_take_what_they_usually_take() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()], clock=lambda: now[0]), now)
    assert at(0, "prepare") == 1 + 60 + 2 + 4 + 3 + 10
    assert at(2, "student-3") == 60 + 19
    assert at(22, "student-3") == 40 + 19, "as long as the one before, less what it had"
    assert at(25, "student-3", 1, 4) == 37 + 19
    assert at(35, "student-3", 2, 4) == 20 + 19, "by its own pace"
    assert at(300, "student-3") == 0 + 19


def test_a_training_has_a_pace_of_its_own_after_its_teacher_was_asked() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()], clock=lambda: now[0]), now)
    at(0, "student-3, computing teacher logits", number=2)
    at(5, "student-3, computing teacher logits", 0, 400, number=2)
    assert at(10, "student-3, computing teacher logits", 100, 400, number=2) == 50 + 19, (
        "the training comes after the teacher's answers"
    )
    assert at(39, "student-3, computing teacher logits", 100, 400, number=2) == pytest.approx(
        3 * 34 + 19
    )
    at(40, "student-3")
    at(42, "student-3", 1, 50)
    assert at(44, "student-3", 2, 50) == 2 * 48 + 19, (
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
    at(5, "student-3 + 3 epochs", 1, 3, number=2)
    assert at(15, "student-3 + 3 epochs", 2, 3, number=2) == 10 + 19
    assert at(20, WAITING, number=3) is None


def test_one_graph_of_the_accuracy_step_is_not_the_whole_step() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()] * 4, clock=lambda: now[0]), now)
    at(0, "accuracy", 0, 100)
    assert at(1, "accuracy", 90, 100) == 2 + 10, "as long as usual"
    at(2, "accuracy", 0, 100)
    assert at(4, "accuracy", 20, 100) == 8 + 10, "slower than usual"


def test_the_stage_has_a_range_where_the_trial_has_none() -> None:
    now = [0.0]
    left = TimeLeft(clock=lambda: now[0])
    request = TrialRequest(model="mine", task="mine", recipe=RECIPE)
    at = Progress(stage="student-3", stage_number=2, stage_count=6)
    left.update("a", at.model_copy(update={"steps": 50}), request)
    now[0] = 10.0
    found = left.update("a", at.model_copy(update={"step": 10, "steps": 50}), request)
    assert found.seconds_left_low is found.seconds_left_high is None
    low, high = found.stage_seconds_left_low, found.stage_seconds_left_high
    assert (low, high) == pytest.approx((40 / WIDER, 40 * WIDER))


def past(latencies: list[float]) -> list[TrialDocument]:
    """Trials with these seconds of latency."""
    return [document(timings_s=PAST | {"latency": seconds}) for seconds in latencies]


def test_the_range_of_a_step_is_that_of_past_durations() -> None:
    now = [0.0]
    at = watched(TimeLeft(past([8, 10, 12, 30]), clock=lambda: now[0]), now)
    assert at(0, "latency") == 11
    assert at(9, "latency") == 2
    assert at(20, "latency") == 0
    assert at(60, "latency") == 0
    assert RANGES == [(8, 30), (0, 21), (0, 10), (0, 60 * WIDER - 60)]


def test_the_range_is_wider_for_few_durations_and_wider_still_for_another_machine() -> None:
    now = [0.0]
    assert watched(TimeLeft(past([12]), clock=lambda: now[0]), now)(0, "latency") == 12
    assert RANGES == [(12 / WIDER, 12 * WIDER)]
    shipped = past([8, 10, 12, 30])
    assert watched(TimeLeft([], shipped, clock=lambda: now[0]), now)(0, "latency") == 11
    assert RANGES == [(8 / OTHER_MACHINE, 30 * OTHER_MACHINE)]


def test_the_ranges_of_steps_add_up() -> None:
    now = [0.0]
    at = watched(TimeLeft([like()] * 4, clock=lambda: now[0]), now)
    at(0, "prepare")
    assert RANGES == [(80, 80)], "four equal durations"


@pytest.mark.parametrize("slow", [0, 40, 90])
def test_the_range_of_a_pace_covers_its_slow_and_fast_windows(slow: int) -> None:
    pace, now = Pace(), 0.0
    pace.left(0, 1000, now)
    found = None
    for step in range(1, 101):
        now += 3.0 if slow <= step < slow + 10 else 1.0
        found = pace.left(step, 1000, now)
    assert found is not None
    assert found.value == pytest.approx(900 * 1.2, rel=0.02)
    assert found.low == pytest.approx(900)
    assert 900 * 1.5 < found.high <= 900 * 3


def test_a_steady_pace_has_a_narrow_range_once_it_is_known() -> None:
    pace = Pace()
    found = [pace.left(step, 1000, 2.0 * step) for step in range(1000)]
    assert found[0] is None
    first, last = found[1], found[-1]
    assert first is not None
    assert (first.low, first.high) == pytest.approx((1998 / WIDER, 1996 * WIDER), rel=0.01)
    assert last is not None
    assert last.low == last.high == pytest.approx(2.0)


def test_a_stalled_pace_slows_down_and_a_new_count_starts_again() -> None:
    pace = Pace()
    for step in range(11):
        pace.left(step, 20, float(step))
    stalled = pace.left(10, 20, 100.0)
    assert stalled is not None
    assert stalled.high >= stalled.value == 100
    assert pace.left(0, 5, 200.0) is None
    again = pace.left(1, 5, 203.0)
    assert again is not None
    assert again.value == 12
