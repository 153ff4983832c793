"""The `impact` command: what a trial's model saves in a year."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paretoscope.cli import text
from paretoscope.cli.named_trials import named_trials
from paretoscope.cli.requests import ImpactRequest
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError, did_you_mean
from paretoscope.impact.assumptions import LIMITS, Assumptions, from_tables
from paretoscope.impact.figures import Shape, figures
from paretoscope.impact.saving import Impact
from paretoscope.impact.saving import impact as impact_of
from paretoscope.impact.tables import shipped
from paretoscope.impact.wording import amount, answer, days, span
from paretoscope.impact.yearly import MEASURES, Measure
from paretoscope.report.tables.table import Row, row_among
from paretoscope.store.store import Store
from paretoscope.trials.format import conditions_in_words, duration, machine_in_words
from paretoscope.workspace import Workspace

TABLES = {
    "instance": "instances",
    "grid": "grid",
    "electricity": "electricity",
    "device": "devices",
}
LABELS: dict[Measure, str] = {
    "usd": "cost ($)",
    "kwh": "energy (kWh)",
    "kg": "carbon (kg CO2)",
    "hours": "busy vCPU hours",
}


def impact(request: ImpactRequest, workspace: Workspace) -> Answer:
    """The saving of a trial's model against its baseline."""
    at = assumptions(request)
    store = Store.open(workspace)
    documents, others = named_trials(store, [request.trial])
    store.close()
    row = row_among(documents[0], others)
    made = impact_of(figures(row, Shape(request.prompt_tokens, request.new_tokens)), at)
    return Answer(_content(row, made), _in_words(row, made, request))


def assumptions(request: ImpactRequest) -> Assumptions:
    """Those of the tables, with the numbers that were given; raises `ParetoscopeError`."""
    rows = {option: getattr(request, option) for option in TABLES}
    for option, name in rows.items():
        known = [row.name for row in getattr(shipped(), TABLES[option])]
        if name and name not in known:
            raise ParetoscopeError(f'--{option} cannot be "{name}"; {did_you_mean(name, known)}')
    names = (*LIMITS, "billing", "energy")
    given = {name: getattr(request, name, None) for name in names}
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(from_tables(**rows), **chosen)


def _content(row: Row, made: Impact) -> dict[str, Any]:
    even = {measure: made.break_even(measure) for measure in ("usd", "kwh", "kg")}
    battery = made.battery(made.figures.model)
    return {
        "trial_id": row.id,
        "assumptions": made.at.to_json(),
        "energy_source": made.figures.energy_source,
        "within_noise": made.figures.within_noise,
        "noisy": made.figures.noisy,
        "baseline": vars(made.baseline),
        "model": vars(made.model),
        "saved": {measure: vars(made.saved(measure)) for measure in MEASURES},
        "making_seconds": made.figures.making_seconds,
        "break_even_days": {
            measure: found.days.value if found.days else None for measure, found in even.items()
        },
        "requests_per_charge": vars(battery.requests),
        "answer": answer(made),
    }


def _in_words(row: Row, made: Impact, request: ImpactRequest) -> str:
    base, model = made.baseline, made.model
    lines: list[tuple[str, ...]] = [("a year", "baseline", row.short_name, "saved")]
    saved = base.instances - model.instances
    lines += [("instances", f"{base.instances:,}", f"{model.instances:,}", f"{saved:,}")]
    for measure, label in LABELS.items():
        both = (amount(getattr(each, measure)) for each in (base, model))
        interval = span(made.saved(measure))
        lines.append((label, *both, interval))
    notes = [
        f"Measured: {conditions_in_words(row.document)}, {machine_in_words(row.document)}.",
        f"Energy: {made.figures.energy_source}."
        if made.at.energy == "trial"
        else "Energy: estimate, the provider's watts per vCPU, idle time included.",
        _making(made),
        _sources(made, request),
    ]
    noisy = ["The measurement session was noisy; measure again."] if made.figures.noisy else []
    return "\n\n".join([answer(made), text.columns(lines), "\n".join([*notes, *noisy])])


def _making(made: Impact) -> str:
    if not made.figures.making_seconds:
        return "The cost of making the model was not measured."
    even = made.break_even("kwh")
    back = f"; its energy is saved in {days(even.days.value)}" if even.days else ""
    return (
        f"Making the model took {duration(made.figures.making_seconds)} on"
        f" {made.figures.cores} cores{back}."
    )


def _sources(made: Impact, request: ImpactRequest) -> str:
    """Name, date and source of the table rows that count."""
    used = ["instance", "grid", *(["electricity"] if made.at.pays_electricity else [])]
    rows = [shipped().named(TABLES[option], getattr(request, option)) for option in used]
    return "\n".join(f"{row.name}: {row.source}, {row.as_of}" for row in rows)
