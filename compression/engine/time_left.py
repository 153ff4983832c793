"""How long a running trial will still take, from its own pace and from trials like it.

Nothing is guessed: while neither its pace nor a comparable trial is known, the answer is None.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable

from compression.trial import WAITING, Progress

Timings = tuple[tuple[str, float], ...]
"""The stages of one finished trial in order, with their seconds."""
REMEMBERED = 200
COMPARED = 5


class TimeLeft:
    """Learns from finished trials, and watches the running ones."""

    def __init__(self, past: Iterable[Timings] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self.past: deque[Timings] = deque(past, maxlen=REMEMBERED)
        self._clock = clock
        self._running: dict[str, list[_Stage]] = {}

    def update(self, trial_id: str, progress: Progress) -> Progress:
        """The progress with `seconds_left` filled in."""
        now = self._clock()
        stages = self._running.setdefault(trial_id, [])
        if progress.stage == WAITING:
            if stages and stages[-1].ended is None:
                stages[-1].ended = now
            return progress
        if not stages or stages[-1].number != progress.stage_number:
            stages.append(_Stage(progress.stage_number, progress.stage, now))
        return progress.model_copy(update={"seconds_left": self._estimate(progress, stages[-1], now)})

    def ended(self, trial_id: str, *, well: bool) -> None:
        """Forget a trial; one that ended well is what later ones are compared with."""
        stages = self._running.pop(trial_id, [])
        ends = [stage.started for stage in stages[1:]] + [self._clock()]
        if well and stages:
            self.past.append(tuple((stage.name, (stage.ended or end) - stage.started) for stage, end in zip(stages, ends, strict=True)))

    def _estimate(self, progress: Progress, stage: _Stage, now: float) -> float | None:
        alike = self._alike(progress, stage.name)
        place = progress.stage_number - 1
        if (pace := stage.pace(progress, now)) is not None:
            here = pace
        elif alike:
            here = max(0.0, statistics.median(timings[place][1] for timings in alike) - (now - stage.started))
        else:
            return None
        if progress.stage_number >= progress.stage_count:
            return here
        if not alike:
            return None
        return here + statistics.median(sum(seconds for _, seconds in timings[place + 1 :]) for timings in alike)

    def _alike(self, progress: Progress, name: str) -> list[Timings]:
        """The latest trials with as many stages and the same one at this place."""
        place = progress.stage_number - 1
        found = (t for t in reversed(self.past) if len(t) == progress.stage_count and 0 <= place < len(t) and t[place][0] == name)
        return [timings for timings, _ in zip(found, range(COMPARED), strict=False)]


class _Stage:
    """A stage while it runs. It may pass through parts of other names, each with steps of its own."""

    def __init__(self, number: int, name: str, started: float) -> None:
        self.number, self.name, self.started = number, name, started
        self.ended: float | None = None
        """When it ended, where what came next had to wait."""
        self._part, self._part_started = name, started

    def pace(self, progress: Progress, now: float) -> float | None:
        """Seconds left by the steps done so far; None while there are none to judge by."""
        if progress.stage != self._part:
            self._part, self._part_started = progress.stage, now
        if not progress.step or not progress.steps:
            return None
        return (now - self._part_started) * (progress.steps - progress.step) / progress.step
