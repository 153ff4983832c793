"""Estimates the remaining time of a running trial.

The current step is extrapolated from its own speed, later steps from similar trials. The estimate
is None while neither is known.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.durations import step_seconds, steps_of

REMEMBERED = 200
Plan = list[tuple[str, float | None]]
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
        """The progress with `seconds_left` filled in."""
        if progress.stage == WAITING:
            return progress
        now = self._clock()
        trial = self._running.get(trial_id) or self._running.setdefault(
            trial_id, _Trial(self._plan(request))
        )
        return progress.model_copy(update={"seconds_left": trial.left(progress, now)})

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
        return [
            (name, _usual([step_seconds(past, step, request.protocol) for past in sources]))
            for name, step in steps_of(request.recipe).items()
        ]


def _usual(found: Sequence[Sequence[float]]) -> float | None:
    """The median of the first source with any seconds."""
    return next((statistics.median(seconds) for seconds in found if seconds), None)


class _Trial:
    """A running trial; a step can have named parts with speeds of their own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._number, self._begun = 0, 0.0
        self._part, self._part_begun = "", 0.0

    def left(self, progress: Progress, now: float) -> float | None:
        if progress.stage_number != self._number:
            self._number, self._begun = progress.stage_number, now
        if progress.stage != self._part:
            self._part, self._part_begun = progress.stage, now
        here = self._here(progress, now)
        after = [seconds for _, seconds in self._plan[progress.stage_number :]]
        if progress.stage_number >= progress.stage_count:
            return here
        if here is None or None in after or len(self._plan) != progress.stage_count:
            return None
        return here + sum(seconds for seconds in after if seconds)

    def _here(self, progress: Progress, now: float) -> float | None:
        if progress.step and progress.steps:
            return (now - self._part_begun) * (progress.steps - progress.step) / progress.step
        known = 0 < self._number <= len(self._plan)
        name, usual = self._plan[self._number - 1] if known else ("", None)
        if usual is None or name != progress.stage:
            return None
        return max(0.0, usual - (now - self._begun))
