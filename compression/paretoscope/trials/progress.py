"""Where a running trial is, as the engine reports it and pages and commands show it."""

from __future__ import annotations

from paretoscope.trials.format import duration_range
from paretoscope.values import Value

WAITING = "waiting for the machine"
"""Stage of a trial that can be measured only when nothing else computes; it waits, and that is no
part of any step's time.
"""


class Progress(Value):
    """Where a running trial is: `step` of `steps` within `stage`, which is number `stage_number` of
    `stage_count`.

    In training the steps are those of all epochs; `epoch` counts from 1, and both are 0 elsewhere.
    `epochs` can be a fraction. The time left of the trial lies between `seconds_left_low` and
    `seconds_left_high`, that of the stage between the two values named so. A time that is unknown
    is None.
    """

    stage: str
    stage_number: int
    stage_count: int
    step: int = 0
    steps: int = 0
    epoch: int = 0
    epochs: float = 0.0
    seconds_left: float | None = None
    seconds_left_low: float | None = None
    seconds_left_high: float | None = None
    stage_seconds_left_low: float | None = None
    stage_seconds_left_high: float | None = None

    def in_words(self) -> str:
        """The stage, and where the trial is within it.

        >>> Progress(stage="int8", stage_number=2, stage_count=5, step=3, steps=10).in_words()
        'int8 (2 of 5), step 3 of 10'
        """
        return ", ".join(part for part in (self.stage_in_words(), self.within_stage()) if part)

    def stage_in_words(self) -> str:
        return f"{self.stage} ({self.stage_number} of {self.stage_count})"

    def within_stage(self) -> str:
        """Epoch, step and time left, each if it is known; the time of the stage only where that of
        the trial is unknown.

        >>> at = Progress(stage="student-3", stage_number=2, stage_count=6, step=130, steps=400)
        >>> left = {"seconds_left_low": 120, "seconds_left_high": 240}
        >>> at.model_copy(update={"epoch": 2, "epochs": 6.0, **left}).within_stage()
        'epoch 2 of 6, step 130 of 400, 2 to 4 min left'
        >>> at.model_copy(update={"epoch": 1, "epochs": 0.5}).within_stage()
        '0.16 of 0.5 epochs, step 130 of 400'
        >>> left = {"stage_seconds_left_low": 39.9, "stage_seconds_left_high": 40.1}
        >>> at.model_copy(update=left).within_stage()
        'step 130 of 400, about 40 s left in this stage'
        >>> Progress(stage="export", stage_number=3, stage_count=6).within_stage()
        ''
        """
        return ", ".join(part for part in (self._epoch(), self._step(), self._left()) if part)

    def _epoch(self) -> str:
        if not (self.epochs and self.steps):
            return ""
        if self.epochs.is_integer():
            return f"epoch {self.epoch} of {self.epochs:.0f}"
        return f"{self.epochs * self.step / self.steps:.2g} of {self.epochs:g} epochs"

    def _step(self) -> str:
        return f"step {self.step:,} of {self.steps:,}" if self.steps > 1 else ""

    def _left(self) -> str:
        for low, high, what in (
            (self.seconds_left_low, self.seconds_left_high, "left"),
            (self.stage_seconds_left_low, self.stage_seconds_left_high, "left in this stage"),
        ):
            if low is not None and high is not None:
                return f"{duration_range(low, high)} {what}"
        return ""
