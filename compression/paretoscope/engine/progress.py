"""The progress of a trial: its current step, and the seconds of each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.progress import WAITING, Progress

Report = Callable[[Progress], None]


class Steps:
    """Reports the current step of a trial, and records the seconds of each in `seconds`."""

    def __init__(self, recipe: Recipe, report: Report) -> None:
        self._report = report
        self._count = len(recipe.stages) + 4
        self._number = 0
        self._name, self._part = "", ""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Report and time a step; repeating a name, as for the baseline, adds to its time."""
        if name not in self.seconds:
            self._number = min(self._number + 1, self._count)
        self._name = name
        self.part("")
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)

    def waits(self, name: str) -> None:
        """Report that a step waits for other work on the machine; the wait is not timed."""
        number = self._number if name in self.seconds else min(self._number + 1, self._count)
        self._report(
            Progress(stage=WAITING, stage_number=number, stage_count=self._count, step=0, steps=0)
        )

    def part(self, name: str) -> None:
        """Name the part of the step that runs now; empty for its main part."""
        self._part = name
        self.progress(0, 0)

    def progress(self, step: int, steps: int, *, epochs: float = 0.0) -> None:
        """Report a step; `epochs` are those of a training, over all `steps`."""
        epoch = math.ceil(step * epochs / steps) if epochs and steps else 0
        name = f"{self._name}, {self._part}" if self._part else self._name
        self._report(
            Progress(
                stage=name,
                stage_number=self._number,
                stage_count=self._count,
                step=step,
                steps=steps,
                epoch=min(epoch, math.ceil(epochs)),
                epochs=epochs,
            )
        )
