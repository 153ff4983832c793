"""Estimates the remaining time of a running trial.

The current step is extrapolated from its own speed, later steps from similar trials. The estimate
is a range: the spread of the current step's pace, and of the past durations of later steps. Where a
later step was never timed, only the current step has an estimate.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from paretoscope.engine.pace import Pace
from paretoscope.recipes.stages import Stage
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.durations import WIDER, duration_of, step_seconds, steps_of, total

REMEMBERED = 200
ONE_OF_SEVERAL = "accuracy"
"""The step that counts anew for each graph, so its count does not show how long it takes."""
Plan = list[tuple[str, Interval | None]]
"""(name, usual seconds) of each step of a trial, in order."""


class TimeLeft:
    """Estimates from finished trials of the workspace, else from the `shipped` study."""

    def __init__(
        self,
        past: Iterable[TrialDocument] = (),
        shipped: Iterable[TrialDocument] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._past: deque[TrialDocument] = deque(past, maxlen=REMEMBERED)
        self._shipped = tuple(shipped)
        self._clock = clock
        self._running: dict[str, _Trial] = {}

    def update(self, trial_id: str, progress: Progress, request: TrialRequest) -> Progress:
        """The progress with the time left and its range filled in."""
        if progress.stage == WAITING:
            return progress
        now = self._clock()
        trial = self._running.get(trial_id) or self._running.setdefault(
            trial_id, _Trial(self._plan(request))
        )
        here = trial.here(progress, now)
        left = trial.whole(progress, here)
        found: dict[str, float] = {}
        if here is not None:
            found |= {"stage_seconds_left_low": here.low, "stage_seconds_left_high": here.high}
        if left is not None:
            found |= {
                "seconds_left": left.value,
                "seconds_left_low": left.low,
                "seconds_left_high": left.high,
            }
        return progress.model_copy(update=found)

    def ended(self, trial_id: str, document: TrialDocument | None = None) -> None:
        """Remove a trial; the `document` of a finished one is used for later estimates."""
        self._running.pop(trial_id, None)
        if document is not None:
            self._past.append(document)

    def _plan(self, request: TrialRequest) -> Plan:
        sources = [
            [document for document in past if document.model == request.model]
            for past in (self._past, self._shipped)
        ]

        def usual(step: Stage | str) -> Interval | None:
            here, shipped = (step_seconds(past, step, request.protocol) for past in sources)
            found = here or shipped
            return duration_of(found, measured_here=bool(here)) if found else None

        return [(name, usual(step)) for name, step in steps_of(request.recipe).items()]


class _Trial:
    """A running trial; a step can have named parts with speeds of their own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._number, self._begun = 0, 0.0
        self._part, self._pace = "", Pace()

    def here(self, progress: Progress, now: float) -> Interval | None:
        """The time left of the current step."""
        if progress.stage_number != self._number:
            self._number, self._begun = progress.stage_number, now
        if progress.stage != self._part:
            self._part, self._pace = progress.stage, Pace()
        return self._here(progress, now)

    def whole(self, progress: Progress, here: Interval | None) -> Interval | None:
        """The time left of the trial, of which that of the current step is known."""
        after = [seconds for _, seconds in self._plan[progress.stage_number :]]
        if progress.stage_number >= progress.stage_count:
            return here
        if here is None or None in after or len(self._plan) != progress.stage_count:
            return None
        return total([here, *(seconds for seconds in after if seconds)])

    def _here(self, progress: Progress, now: float) -> Interval | None:
        """A part of a step, or one of its counts, ends no earlier than the step usually does."""
        pace = self._pace.left(progress.step, progress.steps, now)
        known = 0 < self._number <= len(self._plan)
        name, usual = self._plan[self._number - 1] if known else ("", None)
        if name != progress.stage and not progress.stage.startswith(f"{name}, "):
            return pace
        rest = None if usual is None else _rest(usual, now - self._begun)
        if name == progress.stage != ONE_OF_SEVERAL:
            return pace or rest
        return rest if rest is None or pace is None else _longer(pace, rest)


def _rest(usual: Interval, spent: float) -> Interval:
    """The rest of a step after `spent` seconds of its `usual` duration.

    A step that takes longer than usual may take longer than ever.
    """
    longest = usual.high if spent <= usual.value else max(usual.high, WIDER * spent)
    return Interval(
        value=max(0.0, usual.value - spent),
        low=max(0.0, usual.low - spent),
        high=longest - spent,
    )


def _longer(one: Interval, other: Interval) -> Interval:
    """The later of both at either end."""
    return Interval(
        value=max(one.value, other.value),
        low=max(one.low, other.low),
        high=max(one.high, other.high),
    )
