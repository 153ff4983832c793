"""How long a running trial will still take: the present step by its own pace, the others by what
trials like it took.

Nothing is guessed: while neither its pace nor a comparable step is known, the answer is None.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from paretoscope.trials.trial import WAITING, Progress, TrialDocument, TrialRequest
from paretoscope.whatif.durations import step_seconds, steps_of

REMEMBERED = 200
Plan = list[tuple[str, float | None]]
"""The steps of a trial in order, by name, with the seconds that each usually takes."""


class TimeLeft:
    """Learns from finished trials, and watches the running ones.

    What the workspace has not seen of a model yet comes from `shipped`.
    """

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
        """Forget a trial; the document of one that ended well is what later ones are compared with."""
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
    """The median of the first source that knows any."""
    return next((statistics.median(seconds) for seconds in found if seconds), None)


class _Trial:
    """A trial while it runs. A step may pass through parts of other names, each with a pace of its
    own.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._number, self._begun = 0, 0.0
        self._part, self._part_begun = "", 0.0

    def left(self, progress: Progress, now: float) -> float | None:
        if progress.stage_number != self._number:
            self._number, self._begun = progress.stage_number, now
        if progress.stage != self._part:
            self._part, self._part_begun = progress.stage, now
        here, after = (
            self._here(progress, now),
            [seconds for _, seconds in self._plan[progress.stage_number :]],
        )
        if progress.stage_number >= progress.stage_count:
            return here
        if here is None or None in after or len(self._plan) != progress.stage_count:
            return None
        return here + sum(seconds for seconds in after if seconds)

    def _here(self, progress: Progress, now: float) -> float | None:
        if progress.step and progress.steps:
            return (now - self._part_begun) * (progress.steps - progress.step) / progress.step
        name, usual = (
            self._plan[self._number - 1] if 0 < self._number <= len(self._plan) else ("", None)
        )
        return (
            None
            if usual is None or name != progress.stage
            else max(0.0, usual - (now - self._begun))
        )
