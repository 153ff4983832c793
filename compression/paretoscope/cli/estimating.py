"""The command `estimate`: what is known of a recipe before it runs."""

from __future__ import annotations

from paretoscope import catalog
from paretoscope.api.estimate import Forecast, forecast
from paretoscope.cli.requests import EstimateRequest
from paretoscope.cli.text import columns
from paretoscope.cli.verbs import Answer
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.format import duration_range, elsewhere, plain, size_in_words
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import Interval
from paretoscope.workspace import Workspace


def estimate(request: EstimateRequest, workspace: Workspace) -> Answer:
    """The bytes of a recipe, and estimates of its quality and speed."""
    recipe = Recipe() if request.recipe is None else load_recipe(request.recipe)
    found = forecast(
        catalog.request(
            request.model,
            recipe,
            task=request.task,
            protocol=request.protocol,
            conditions=request.conditions,
            options=request.options,
        ),
        workspace,
    )
    return Answer(found.to_json(), in_words(found))


def in_words(found: Forecast) -> str:
    """The forecast as text: size, then estimates with their intervals, then advice."""
    numbers, request = found.numbers, found.request
    decoder = numbers.quality is not None and numbers.quality.value > 1
    quality, time = ("perplexity", "tpot_ms") if decoder else ("quality", "latency_p50_ms")
    size = METRICS["size_bytes"].format(found.size.total_bytes)
    ratio = size_in_words(found.baseline_bytes / found.size.total_bytes)
    rows = [
        ("size", f"{'' if found.size.exact else 'about '}{size} ({ratio})"),
        (METRICS[quality].called, _shown(quality, numbers.quality)),
        (METRICS[time].called, _shown(time, numbers.latency_p50_ms)),
        ("speed-up", _shown("speedup", numbers.speedup)),
    ]
    if found.seconds:
        rows.append(("run", duration_range(found.seconds.low, found.seconds.high)))
    lines = [
        f"{request.model} on {request.task}: {request.recipe.in_words()}",
        columns([(f"  {name}", value) for name, value in rows]),
        f"  {_basis(found)}",
        *(f"  {text}" for text in found.advice),
    ]
    return "\n".join(lines)


def _shown(key: str, interval: Interval | None) -> str:
    row = METRICS[key]
    if interval is None:
        return "no estimate"
    return f"{row.format(interval.value)} {row.interval(interval.low, interval.high)}"


def _basis(found: Forecast) -> str:
    """Whether the numbers are measured or estimated, from what and for which machine."""
    numbers, where, unconfirmed = found.numbers, "this machine", ""
    if found.source == "shipped study":
        machine = plain(found.machine.in_words()) if found.machine else "not known"
        where = f"{elsewhere(found.machine, fingerprint())} ({machine}) for the shipped study"
        unconfirmed = "; not confirmed on this machine"
    if numbers.measured:
        return f"Measured on {where}, trial {numbers.measured}{unconfirmed}."
    reason = f"; {numbers.reason}" if numbers.reason else ""
    if numbers.quality is None and numbers.speedup is None:
        return f"Only the size is known{reason}."
    return (
        f"Estimates from {numbers.points} recipes measured on {where}, with"
        f" {100 * (numbers.level or 0):.0f} % prediction intervals{unconfirmed}{reason}."
    )
