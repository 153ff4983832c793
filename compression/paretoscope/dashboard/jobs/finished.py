"""Finished trials: what was measured, with links to Explore and Compare."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.jobs.described import ago, newest, where
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import measured
from paretoscope.dashboard.shell.scope import address
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import TrialDocument

NO_BASELINE = "The baseline has not been measured under the same conditions."


def draw() -> None:
    for trial in newest("done", "Finished", "done"):
        if trial.document is not None:
            _card(trial, measured.row_of(trial.document))


def _card(trial: TrialRow, row: Row) -> None:
    axes = row.summary.axes
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
        query_params=[*([("pick", baseline.id)] if baseline else []), *address(document)],
        disabled=baseline is None,
        help=None if baseline else NO_BASELINE,
    )


def baseline_of(document: TrialDocument) -> Row | None:
    """The measured original of a trial, on the same machine and under the same conditions."""
    return measured.table(measured.key_of(document)).by_recipe.get(Recipe().id)
