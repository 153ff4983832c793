"""Whether a speed-up is more than a measurement session makes of no change at all.

Every session times the baseline a second time as its placebo. Turns are new processes, so a median
of few turns varies by more than the samples within a turn show; the placebo shows by how much.
"""

from __future__ import annotations

from paretoscope.trials.trial import Interval


def no_measurable_change(speedup: Interval, placebo: Interval | None = None) -> bool:
    """Whether the interval of a speed-up covers 1, or the speed-up lies in the placebo's spread.

    The spread reaches equally far in both directions: a session whose placebo is up to 1.06x slower
    could as well have made it 1.06x faster. Without a `placebo` (an estimate, or a document that
    has none) only the interval counts.

    >>> four_per_cent = Interval(value=1.04, low=1.02, high=1.05)
    >>> no_measurable_change(four_per_cent)
    False
    >>> no_measurable_change(four_per_cent, Interval(value=0.97, low=0.94, high=1.01))
    True
    """
    if speedup.low <= 1 <= speedup.high:
        return True
    if placebo is None:
        return False
    return max(speedup.value, 1 / speedup.value) <= spread(placebo)


def spread(placebo: Interval) -> float:
    """The largest ratio, at least 1, that the placebo's interval reaches in either direction.

    >>> spread(Interval(value=1.0, low=0.8, high=1.1))
    1.25
    """
    return max(placebo.high, 1 / placebo.low, 1.0)
