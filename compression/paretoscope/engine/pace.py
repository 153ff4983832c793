"""The remaining time of counted work, from the pace of its steps so far."""

from __future__ import annotations

from itertools import pairwise

from paretoscope.trials.trial import Interval
from paretoscope.whatif.durations import FEWEST, WIDER

WINDOWS = 8
"""Windows of steps whose pace is compared."""
MARKS = 8 * WINDOWS
"""Reports that are remembered; older ones are thinned out."""


class Pace:
    """Records when each step was reported."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, float]] = []
        """(step, seconds), both ascending."""

    def left(self, step: int, steps: int, now: float) -> Interval | None:
        """Seconds until step `steps`; `now` is the time in seconds at which `step` is reported.

        The value follows from the mean pace, the range from the fastest and the slowest of up to
        `WINDOWS` windows of steps; it is wider while there are fewer than `FEWEST`. None until two
        steps were reported, so the time before the first, which loads data and models, is not
        counted. A lower step than the last one starts again, and so do no `steps`.
        """
        if not steps or (self._marks and step < self._marks[-1][0]):
            self._marks = []
        if not steps:
            return None
        if not self._marks or step > self._marks[-1][0]:
            self._mark(step, now)
        first, begun = self._marks[0]
        if step == first:
            return None
        mean = (now - begun) / (step - first)
        paces = [mean, *self._windows()]
        wider = WIDER if len(paces) <= FEWEST else 1
        remaining = max(0, steps - step)
        return Interval(
            value=remaining * mean,
            low=remaining * min(paces) / wider,
            high=remaining * max(paces) * wider,
        )

    def _mark(self, step: int, now: float) -> None:
        self._marks.append((step, now))
        if len(self._marks) > MARKS:
            self._marks = [*self._marks[:-1:2], self._marks[-1]]

    def _windows(self) -> list[float]:
        """Seconds of a step in each window."""
        last = len(self._marks) - 1
        count = min(WINDOWS, last)
        ends = [self._marks[last * number // count] for number in range(count + 1)]
        return [
            (until - since) / (stop - start) for (start, since), (stop, until) in pairwise(ends)
        ]
