"""Finished trials: what was measured, with links to Explore and Compare."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.jobs.described import ago, heading, newest, where
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import address
from paretoscope.report.tables.table import Row, row_among
from paretoscope.store.store import TrialRow
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import TrialDocument

NO_BASELINE = "The baseline has not been measured under the same conditions."


def draw(rows: list[TrialRow]) -> None:
    if not rows:
        return
    st.markdown(heading("Finished", len(rows)))
    for trial in newest("done", rows):
        if trial.document is not None:
            _card(trial, row_among(trial.document, data.documents()))


def _card(trial: TrialRow, row: Row) -> None:
    axes = row.document.axes
    numbers = " · ".join(row.number_and_change(key) for key in (axes.quality, axes.time, axes.size))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{title(row)}** :gray[{where(trial)}, {ago(trial)}]  \n"
            f"{metric(axes.quality).before}{numbers}",
            width="stretch",
            help=row.name,
        )
        st.page_link(
            "pages/explore.py",
            label="Explore",
            icon=":material/scatter_plot:",
            query_params=address(row.document),
        )
        _compare(row.document)


def _compare(document: TrialDocument) -> None:
    """The link to the comparison with the baseline; disabled where there is none."""
    if document.is_baseline:
        return
    baseline = baseline_of(document)
    st.page_link(
        "pages/compare.py",
        label="Compare",
        icon=":material/compare_arrows:",
        query_params=[*([("pick", baseline.trial_id)] if baseline else []), *address(document)],
        disabled=baseline is None,
        help=None if baseline else NO_BASELINE,
    )


def baseline_of(document: TrialDocument) -> TrialDocument | None:
    """The measured original of a trial, on the same machine and under the same conditions."""

    def comparable(other: TrialDocument) -> bool:
        return (other.model, other.task, other.measured_under) == (
            document.model,
            document.task,
            document.measured_under,
        )

    found = (other for other in data.documents() if other.is_baseline and comparable(other))
    return next(found, None)
