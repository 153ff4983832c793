"""How long runs take: the expected duration of a new one, and the time left for queued ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from paretoscope.dashboard.shell import data
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration
from paretoscope.trials.trial import Interval
from paretoscope.whatif.durations import OTHER_MACHINE, expected_seconds

UNKNOWN = "Duration unknown: no similar run yet."


class Expected(NamedTuple):
    """Seconds of a run, and whether similar runs on this machine were the basis."""

    interval: Interval
    measured_here: bool

    @property
    def seconds(self) -> float:
        """The upper end when based on the demo study, whose runs shared steps."""
        return self.interval.value if self.measured_here else self.interval.high

    @property
    def range(self) -> tuple[float, float]:
        """The (shortest, longest) duration, wider when based on the demo study."""
        factor = 1 if self.measured_here else OTHER_MACHINE
        return self.interval.low / factor, self.interval.high * factor

    def in_words(self) -> str:
        if self.measured_here:
            return f"About {duration(self.seconds)}."
        return (
            f"About {duration(self.seconds)}, based on the demo study; no similar run on this"
            " machine yet."
        )


def expected_run(model: str, recipe: Recipe, protocol: str) -> Expected | None:
    """Based on similar runs on this machine, else on the shipped study; None without either."""
    machine = data.this_machine().id
    generates = data.architecture(model) == "decoder"
    measured = [
        document
        for document in data.newest_documents(machine_id=machine)
        if (document.generation is not None) == generates
    ]
    if found := expected_seconds(measured, recipe, protocol):
        return Expected(found, measured_here=True)
    shipped = [
        document
        for document in data.demo_documents()
        if (document.generation is not None) == generates
    ]
    same_model = [document for document in shipped if document.model == model]
    found = expected_seconds(same_model or shipped, recipe, protocol)
    return Expected(found, measured_here=False) if found else None


def expected_duration(model: str, recipe: Recipe, protocol: str) -> str:
    found = expected_run(model, recipe, protocol)
    return found.in_words() if found else UNKNOWN


def seconds_left(live: Sequence[TrialRow]) -> tuple[float, float] | None:
    """The (least, most) of running and queued trials; None when it is unknown for one of them."""
    now, low, high = datetime.now(UTC), 0.0, 0.0
    for row in live:
        at = row.progress
        if row.status == "running" and at and at.seconds_left_low is not None:
            low += at.seconds_left_low
            high += at.seconds_left_high or 0.0
            continue
        found = expected_run(row.request.model, row.request.recipe, row.request.protocol)
        if found is None:
            return None
        spent = (now - row.started_at).total_seconds() if row.started_at else 0.0
        low, high = (
            left + max(0.0, end - spent) for left, end in zip((low, high), found.range, strict=True)
        )
    return low, high
