"""Which step a trial is at, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.trial import WAITING, Progress

Report = Callable[[Progress], None]


class Steps:
    """Which step a trial is at, for the person who waits, and how long each took, for the document."""

    def __init__(self, recipe: Recipe, report: Report) -> None:
        self._report = report
        self._count = len(recipe.stages) + 4
        self._number = 0
        self._name, self._part = "", ""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Announce a step and time it; the same name again (the baseline after the model) adds to
        its time.
        """
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
        """Say that the step of this name waits for other work on the machine to end; waiting is no
        part of its time.
        """
        number = self._number if name in self.seconds else min(self._number + 1, self._count)
        self._report(
            Progress(stage=WAITING, stage_number=number, stage_count=self._count, step=0, steps=0)
        )

    def part(self, name: str) -> None:
        """What the step is busy with from now on; nothing for its main work."""
        self._part = name
        self.progress(0, 0)

    def progress(self, step: int, steps: int) -> None:
        name = f"{self._name}, {self._part}" if self._part else self._name
        self._report(
            Progress(
                stage=name,
                stage_number=self._number,
                stage_count=self._count,
                step=step,
                steps=steps,
            )
        )
