"""How long a run takes, and each of its steps: what runs like it took, scaled by how much is
trained.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import islice

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.recovery import epochs_of
from paretoscope.recipes.stages import Distill, Quantize, Stage
from paretoscope.trials.trial import Interval, TrialDocument

WITH_TEACHER = 5 / 3
"""How much longer a step takes when the teacher runs too: its forward pass, beside forward and
backward of a student of half its layers.
"""


def expected_seconds(
    points: Sequence[TrialDocument], recipe: Recipe, protocol: str = "quick"
) -> Interval | None:
    """Seconds that a run will take: for each of its steps the median of past ones of the same kind,
    scaled by epochs.

    Low and high add up the quickest and the slowest of the last ten of each. A stage counts with
    what it cost when it was made; of one that is in the cache already the run pays nothing. None
    while a step has never been timed.
    """
    steps = [step_seconds(points, step, protocol) for step in steps_of(recipe).values()]
    if not all(steps):
        return None
    return Interval(
        value=sum(map(statistics.median, steps)),
        low=sum(map(min, steps)),
        high=sum(map(max, steps)),
    )


def steps_of(recipe: Recipe) -> dict[str, Stage | str]:
    """What a run does, in order, by the names under which it reports progress: its stages, and what
    comes before, between and after them.

    >>> list(steps_of(Recipe(stages=(Distill(), Quantize()))))
    ['prepare', 'student-3', 'export', 'int8 dynamic', 'accuracy', 'latency']
    """
    rounded = [
        stage for stage in recipe.stages if isinstance(stage, Quantize) and not stage.train_epochs
    ]
    trained = [stage for stage in recipe.stages if stage not in rounded]
    steps: list[Stage | str] = ["prepare", *trained, "export", *rounded, "accuracy", "latency"]
    return {step if isinstance(step, str) else step.in_words(): step for step in steps}


def step_seconds(points: Sequence[TrialDocument], step: Stage | str, protocol: str) -> list[float]:
    """What a step took in the last ten of the `points` that had one, a stage scaled by epochs; of
    latency those of the protocol.

    Of stages those that went the same way, such as by the same rounding; while there are none, all
    of the kind.
    """
    for comparable in (_way, _kind):
        if found := list(islice(_seconds(points, step, protocol, comparable), 10)):
            return found
    return []


def _kind(stage: Stage) -> Hashable:
    return stage.kind


def _way(stage: Stage) -> Hashable:
    """What decides, beside its epochs, how much a stage has to do."""
    return stage.kind, *(
        getattr(stage, name, None)
        for name in ("scheme", "rounding", "allocation", "method", "target", "criterion")
    )


def _seconds(
    points: Sequence[TrialDocument],
    step: Stage | str,
    protocol: str,
    comparable: Callable[[Stage], Hashable],
) -> Iterator[float]:
    """The newest first."""
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
    """What its time grows with: epochs, a teacher that runs beside its student, and a little for
    the rest.
    """
    beside = isinstance(stage, Distill) and stage.imitates
    return 0.1 + passes(stage) * (WITH_TEACHER if beside else 1)


def passes(stage: Stage) -> float:
    """Passes over as many texts as the training split has."""
    return epochs_of(stage) * (1 + getattr(stage, "augment", 0))
