"""The latency distributions of the compared models, and why a model is not faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.normalize import scale
from paretoscope.report.figures.distribution import Times, distribution_figure, shown_quantiles
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed
from paretoscope.trials.samples import Samples
from paretoscope.whatif.advice import advice

MARKERS = "Markers: {}; a quantile that the number of requests does not support has none."
WHY = "##### What does not make a model faster here"


def heading(unit: str) -> str:
    return f"#### Latency per {unit}"


def draw(scope: Scope, rows: Sequence[Row], samples: Mapping[str, Samples | None]) -> None:
    """Every timed request or token, normalized like the other latencies."""
    unit = "token" if any(row.summary.generates for row in rows) else "request"
    timed = {row.id: found for row in rows if (found := samples[row.id]) and found.turns_ms}
    measured = [row for row in rows if row.id in timed]
    if measured:
        st.markdown(heading(unit))
        _distributions(scope, measured, timed, unit)
    missing = [row.short_name for row in rows if row.id not in timed]
    if missing and (measured or not scope.demo):
        st.caption(f":material/info: No single latencies are stored for {listed(missing)}.")
    _reasons(scope, rows)


def _distributions(
    scope: Scope, measured: Sequence[Row], timed: Mapping[str, Samples], unit: str
) -> None:
    models = [
        Times(
            row.short_name,
            row.family,
            timed[row.id].latencies_ms * scale(row.summary, row.reference),
            row.name,
        )
        for row in measured
    ]
    alt = (
        f"Share of {unit}s within a latency, a line for each of"
        f" {listed([model.name for model in models])}"
    )
    show(distribution_figure(models, unit=unit, dark=layout.dark()), key="times", alt=alt)
    fewest, most = (pick(len(model.ms) for model in models) for pick in (min, max))
    counts = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    quantiles = listed([f"p{100 * share:.0f}" for share in shown_quantiles(most)])
    noisy = [row.short_name for row in measured if row.noisy]
    at = scope.conditions.in_words()
    st.caption(
        f"{at[0].upper()}{at[1:]}; {counts} {unit}s for each model. {MARKERS.format(quantiles)}"
        " Latencies are normalized by the baseline of each session."
        + (f" Noisy: {listed(noisy)}." if noisy else "")
    )


def _reasons(scope: Scope, rows: Sequence[Row]) -> None:
    """What keeps a stage of a recipe from being faster on this machine."""
    lines = [
        f"- **{row.short_name}**: {' '.join(found)}"
        for row in rows
        if (found := reasons(scope, row))
    ]
    if lines:
        st.markdown(f"{WHY}\n" + "\n".join(lines))
        st.caption(f"At {scope.conditions.in_words()} on {scope.where}.")


def reasons(scope: Scope, row: Row) -> list[str]:
    """The advice on stages that cannot make the model faster, each once."""
    found = advice(row.document.recipe, scope.machine.flags, scope.conditions)
    return list(dict.fromkeys(each.text for each in found if not each.speed))
