"""Failed and cancelled trials: the error, what to change, and the button that tries again."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.jobs.described import ago, newest, where
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card, without_options
from paretoscope.dashboard.shell.scope import OVERRIDE
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.short_name import short_name
from paretoscope.store.store import TrialRow
from paretoscope.trials.trial import Status

ADVICE = (
    (
        r"disk|space left|full\b",
        "Free space in the Library: delete the cache, artefacts or the trash; then retry.",
    ),
    (
        r"memory|killed|SIGKILL",
        "Close other programs, or use a smaller model or fewer layers; then retry.",
    ),
    (r"changed since", "Select model and data again in the Library, and queue the recipe anew."),
    (r"There is no|cannot be read|missing", "Put the file back, or bring it again; then retry."),
    (r"diverged|NaN", "Lower the learning rate or the number of epochs of the recipe."),
)
"""Words of an error -> what to change; the first that is found applies."""
OTHERWISE = "Retry it; if it fails again, change the recipe."


def draw(statuses: Sequence[Status]) -> None:
    for row in newest("failed", "Failed or cancelled", *statuses):
        _card(row)


def advice(error: str) -> str:
    """What to change after an error.

    >>> advice("The disk of the cache is full.")
    'Free space in the Library: delete the cache, artefacts or the trash; then retry.'
    >>> advice("")
    'Retry it; if it fails again, change the recipe.'
    """
    found = (fix for words, fix in ADVICE if re.search(words, error, re.IGNORECASE))
    return next(found, OTHERWISE)


def _card(row: TrialRow) -> None:
    recipe, cancelled = row.request.recipe, row.status == "cancelled"
    with st.container(border=True):
        icon = ":material/block:" if cancelled else ":red[:material/error:]"
        st.markdown(
            f"{icon} **{short_name(recipe)}** :gray[{where(row)}, {ago(row)}]",
            help=recipe.in_words(),
        )
        error = row.error or (runs.CANCELLED if cancelled else runs.NO_REASON)
        st.markdown(without_options(error))
        if not cancelled:
            st.markdown(f":material/build: {advice(error)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if permissions.button(
                "Retry", icon=":material/replay:", key=f"again_jobs_{row.trial_id}"
            ):
                _retry(row)
            st.page_link(
                "pages/compress.py",
                label="Change the recipe",
                icon=":material/compress:",
                query_params=[
                    ("model", row.request.model),
                    ("task", row.request.task),
                    (OVERRIDE, "1"),
                ],
            )
            st.page_link("pages/library.py", label="Library", icon=":material/inventory_2:")
        runs.log(row, "jobs")


def _retry(row: TrialRow) -> None:
    try:
        permissions.require()
        data.store().retry(row.trial_id)
        data.start_engine()
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()
