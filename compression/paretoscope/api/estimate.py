"""What is known of a recipe before it runs: its bytes, and estimates with their intervals.

The estimates are `whatif/`'s. They use the trials of the workspace on this machine, and those of
the shipped study while these do not suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from paretoscope.catalog import resolve_request
from paretoscope.machine import Machine, fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import AppliedRecipe, apply_recipe
from paretoscope.shape.bytes import SizeEstimate
from paretoscope.shape.read import read_shape
from paretoscope.store.store import Store
from paretoscope.trials.format import plain
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.advice import advice
from paretoscope.whatif.durations import OTHER_MACHINE, expected_seconds
from paretoscope.whatif.estimate import Estimate, expected
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class Forecast:
    """A trial before it runs. `baseline_bytes` is the size of the uncompressed model.

    `numbers` are estimates in stored units unless `numbers.measured` names the trial that measured
    the recipe. `source` is where they come from, and `machine` whose latency is estimated.
    """

    request: TrialRequest
    size: SizeEstimate
    baseline_bytes: int
    numbers: Estimate
    seconds: Interval | None
    source: Literal["workspace", "shipped study"]
    machine: Machine | None
    advice: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        numbers = self.numbers
        return {
            "trial_id": self.request.trial_id,
            "model": self.request.model,
            "task": self.request.task,
            "recipe": self.request.recipe.model_dump(mode="json"),
            "recipe_in_words": self.request.recipe.in_words(),
            "conditions": self.request.conditions.model_dump(),
            "size_bytes": self.size.total_bytes,
            "size_exact": self.size.exact,
            "baseline_size_bytes": self.baseline_bytes,
            "quality": _ends(numbers.quality),
            "latency_p50_ms": _ends(numbers.latency_p50_ms),
            "speedup": _ends(numbers.speedup),
            "interval_level": numbers.level,
            "measured": numbers.measured,
            "source": self.source,
            "machine": plain(self.machine.in_words()) if self.machine else None,
            "recipes_used": numbers.points,
            "extrapolated": numbers.unlike,
            "reason": numbers.reason,
            "run_seconds": _ends(self.seconds),
            "advice": list(self.advice),
        }


def forecast(request: TrialRequest, workspace: Workspace) -> Forecast:
    """What is known of a checked request.

    Raises `ParetoscopeError` for a model whose shape cannot be read, or a recipe that does not fit
    it.
    """
    model, _ = resolve_request(request)
    shape = read_shape(model)
    applied = apply_recipe(shape, request.recipe)
    here, own, shipped = fingerprint(), _own(workspace), list(shipped_study())
    on_this = [each for each in own if each.machine and each.machine.id == here.id]
    of_study = [each for each in shipped if each.model == request.model]
    numbers, machine = _numbers(request, applied, on_this, shipped, here), here
    source: Literal["workspace", "shipped study"] = "workspace"
    measured_here = any(each.model == request.model for each in on_this)
    if of_study and (numbers.speedup is None or not measured_here):
        source, machine = "shipped study", of_study[-1].machine
        numbers = _numbers(request, applied, shipped, own, machine)
    return Forecast(
        request,
        applied.size,
        apply_recipe(shape, Recipe()).size.total_bytes,
        numbers,
        _seconds(request, on_this, shipped),
        source,
        machine,
        tuple(map(str, advice(request.recipe, here.flags, request.conditions, applied))),
    )


def _numbers(
    request: TrialRequest,
    applied: AppliedRecipe,
    points: Sequence[TrialDocument],
    elsewhere: Sequence[TrialDocument],
    machine: Machine | None,
) -> Estimate:
    return expected(
        points,
        applied,
        elsewhere=elsewhere,
        task=request.task,
        machine=machine,
        conditions=request.conditions,
    )


def _seconds(
    request: TrialRequest, on_this: Sequence[TrialDocument], shipped: Sequence[TrialDocument]
) -> Interval | None:
    """Seconds of the run by those on this machine, else by the study's, with a wider range."""
    here = expected_seconds(on_this, request.recipe, request.protocol)
    if here is not None:
        return here
    found = expected_seconds(shipped, request.recipe, request.protocol)
    if found is None:
        return None
    low, high = found.low / OTHER_MACHINE, found.high * OTHER_MACHINE
    return Interval(value=found.value, low=low, high=high)


def _own(workspace: Workspace) -> list[TrialDocument]:
    store = Store.open(workspace)
    try:
        return store.documents()
    finally:
        store.close()


def _ends(interval: Interval | None) -> dict[str, float] | None:
    return interval.model_dump() if interval else None
