"""Expected durations of a run and of its steps, from past runs scaled by epochs of training."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, Quantize, Stage
from paretoscope.trials.trial import Interval, TrialDocument

WITH_TEACHER = 5 / 3
"""Duration of a training step with a teacher over one without: forward and backward pass of a
student with half of the layers, and the forward pass of its teacher.
"""

FEWEST = 4
"""Fewer measurements than this do not show how much a duration varies."""
WIDER = 1.5
"""Factor that widens the range of fewer measurements, to both sides."""
OTHER_MACHINE = 2.0
"""Factor that widens the range of durations of another machine, to both sides."""


def duration_of(seconds: Sequence[float], *, measured_here: bool = True) -> Interval:
    """The median of past durations, between the shortest and the longest.

    The range is wider for few durations and for those of another machine.

    >>> duration_of([8, 9, 10, 14]), duration_of([9])
    (Interval(value=9.5, low=8.0, high=14.0), Interval(value=9.0, low=6.0, high=13.5))
    """
    factor = (1 if measured_here else OTHER_MACHINE) * (1 if len(seconds) >= FEWEST else WIDER)
    return Interval(
        value=statistics.median(seconds), low=min(seconds) / factor, high=max(seconds) * factor
    )


def expected_seconds(
    points: Sequence[TrialDocument], recipe: Recipe, protocol: str = "quick"
) -> Interval | None:
    """Expected seconds of a run: the sum over its steps of the median of past durations.

    Low and high are sums of the ranges of the last ten durations of each step (`duration_of`). A
    stage counts with its duration when it was computed; a cached stage takes no time. None if a
    step has never been timed.
    """
    steps = [step_seconds(points, step, protocol) for step in steps_of(recipe).values()]
    return total(map(duration_of, steps)) if all(steps) else None


def total(durations: Iterable[Interval]) -> Interval:
    """The duration of several steps; the ends of its range are the sums of theirs."""
    found = list(durations)
    return Interval(
        value=sum(each.value for each in found),
        low=sum(each.low for each in found),
        high=sum(each.high for each in found),
    )


def steps_of(recipe: Recipe) -> dict[str, Stage | str]:
    """The steps of a run in order, by the names in its progress: stages, and the steps around them.

    >>> list(steps_of(Recipe(stages=(Distill(), Quantize()))))
    ['prepare', 'student-3', 'export', 'int8 dynamic', 'accuracy', 'latency']
    """
    quantized = [
        each for each in recipe.stages if isinstance(each, Quantize) and not each.training_epochs
    ]
    trained = [stage for stage in recipe.stages if stage not in quantized]
    steps: list[Stage | str] = ["prepare", *trained, "export", *quantized, "accuracy", "latency"]
    return {step if isinstance(step, str) else step.in_words(): step for step in steps}


def step_seconds(points: Sequence[TrialDocument], step: Stage | str, protocol: str) -> list[float]:
    """Seconds of a step in the last ten of the `points` that had it; a stage is scaled by epochs.

    Latency is of the same protocol. A stage is compared with stages of the same method, else with
    all of its kind.
    """
    for comparable in (_method, _kind):
        if found := list(islice(_seconds(points, step, protocol, comparable), 10)):
            return found
    return []


def _kind(stage: Stage) -> Hashable:
    return stage.kind


def _method(stage: Stage) -> Hashable:
    """What determines the work of a stage, apart from its epochs."""
    return stage.kind, *(
        getattr(stage, name, None)
        for name in (
            *("scheme", "rounding", "allocation", "method", "target", "criterion"),
            "features",
        )
    )


def _seconds(
    points: Sequence[TrialDocument],
    step: Stage | str,
    protocol: str,
    comparable: Callable[[Stage], Hashable],
) -> Iterator[float]:
    """Seconds of the step, newest first."""
    for document in reversed(points):
        if document.status != "done":
            continue
        if isinstance(step, str):
            if step in document.timings_s and (step != "latency" or document.protocol == protocol):
                yield document.timings_s[step]
            continue
        for other, seconds in zip(document.recipe.stages, document.stage_seconds, strict=False):
            if comparable(other) == comparable(step):
                yield seconds * _work(step) / _work(other)


def _work(stage: Stage) -> float:
    """Relative duration of a stage: its epochs, longer with a teacher, and an overhead."""
    with_teacher = isinstance(stage, Distill) and stage.imitates
    return 0.1 + passes(stage) * (WITH_TEACHER if with_teacher else 1)


def passes(stage: Stage) -> float:
    """Epochs of a stage in passes over the training split, augmented texts included."""
    return stage.training_epochs * (1 + getattr(stage, "augment", 0))
