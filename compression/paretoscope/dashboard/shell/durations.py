"""How long runs take: what is said before one, and what is left of those that wait and run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from paretoscope.dashboard.shell import data
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration
from paretoscope.trials.trial import Interval
from paretoscope.whatif.durations import expected_seconds


def expected_run(model: str, recipe: Recipe, protocol: str) -> tuple[Interval | None, bool]:
    """Seconds of a run, and whether they come from runs like it on this machine; until there are
    some, from those of the shipped study.
    """
    mine = data.this_machine().id
    generates = data.architecture(model) == "decoder"
    here = [
        d
        for d in data.documents()
        if d.machine and d.machine.id == mine and (d.generation is not None) == generates
    ]
    if found := expected_seconds(here, recipe, protocol):
        return found, True
    shipped = [
        document
        for document in data.demo_documents()
        if (document.generation is not None) == generates
    ]
    return (
        expected_seconds(
            [document for document in shipped if document.model == model] or shipped,
            recipe,
            protocol,
        ),
        False,
    )


def beforehand(model: str, recipe: Recipe, protocol: str) -> str:
    found, here = expected_run(model, recipe, protocol)
    if found is None:
        return "How long it takes is known after the first run like it."
    if here:
        return f"About {duration(found.value)}."
    # Its high end: a study shares steps that a first run has to take.
    return (
        f"Roughly {duration(found.high)}, as long as it took in the demo study: no run like it was"
        " timed here yet."
    )


def seconds_left(live: Sequence[TrialRow]) -> float | None:
    """What the running trials say of themselves and what the others usually take; None while that
    is not known of one of them.
    """
    now, left = datetime.now(UTC), 0.0
    for row in live:
        at = row.progress
        if row.status == "running" and at and at.seconds_left is not None:
            left += at.seconds_left
            continue
        found, here = expected_run(row.request.model, row.request.recipe, row.request.protocol)
        if found is None:
            return None
        spent = (now - row.started_at).total_seconds() if row.started_at else 0.0
        left += max(0.0, (found.value if here else found.high) - spent)
    return left
