"""The latency distributions of the compared models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.normalize import scale
from paretoscope.report.figures.distribution import Times, distribution_figure
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed
from paretoscope.trials.samples import Samples


def heading(unit: str) -> str:
    return f"#### Latency per {unit}"


def draw(scope: Scope, rows: Sequence[Row], samples: Mapping[str, Samples | None]) -> None:
    """Every timed request or token, normalized like the other latencies."""
    unit = "token" if any(row.summary.generates for row in rows) else "request"
    st.markdown(heading(unit))
    timed = {row.id: found for row in rows if (found := samples[row.id]) and found.turns_ms}
    measured = [row for row in rows if row.id in timed]
    if measured:
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
        st.caption(_caption(scope, measured))
    missing = [row.short_name for row in rows if row.id not in timed]
    if missing:
        st.caption(f":material/info: No single latencies on this machine for {listed(missing)}.")


def _caption(scope: Scope, measured: Sequence[Row]) -> str:
    noisy = [row.short_name for row in measured if row.noisy]
    return (
        f"{scope.conditions.in_words()}. Markers: median and p90. Latencies are normalized by the"
        " baseline of each session." + (f" Noisy: {listed(noisy)}." if noisy else "")
    )
