"""Where a running trial is, as the engine reports it and pages and commands show it."""

from __future__ import annotations

from paretoscope.values import Value

WAITING = "waiting for the machine"
"""Stage of a trial that can be measured only when nothing else computes; it waits, and that is no
part of any step's time.
"""


class Progress(Value):
    """Where a running trial is: `step` of `steps` within `stage`, which is number `stage_number` of
    `stage_count`.
    """

    stage: str
    stage_number: int
    stage_count: int
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
