"""The test split on the card of a picked model: what it said, or the button that opens it for a
model that is kept.
"""

from __future__ import annotations

import subprocess
import sys

import streamlit as st

from paretoscope.dashboard.parts import downloads
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import held_out_in_words

WHAT_FOR = (
    "Every curve is drawn on the validation split, and the best of many points looks a little"
    " better there than it is. The test split had no part in any choice: open it for the model that"
    " you keep, once, when you have chosen."
)
MOST_SECONDS = 600


def draw(scope: Scope, row: Row) -> None:
    """A line with what the test split said; before that a button, where the model is on this disk."""
    if found := row.document.held_out:
        st.markdown(f"Test split: {held_out_in_words(found)}")
        return
    if not scope.here or downloads.folder(row) is None:
        return
    if st.button(
        "Keep: judge on the test split",
        icon=":material/lock_open:",
        type="tertiary",
        help=WHAT_FOR,
        key=f"keep_{row.id}",
    ):
        with st.spinner("Judging on the test split"):
            reason = _keep(row.id)
        if reason:
            st.error(reason, icon=":material/error:")
        else:
            st.rerun()


def _keep(trial_id: str) -> str:
    """Run the command of that name, for a page's process loads no models; what it complained about,
    if it did.
    """
    command = [
        sys.executable,
        "-m",
        "paretoscope",
        "--workspace",
        str(data.workspace().root),
        "keep",
        trial_id,
        "--json",
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return (
            f"Judging took longer than {MOST_SECONDS // 60} minutes and was ended; try `paretoscope"
            f" keep {trial_id}` on the command line."
        )
    return (
        ""
        if done.returncode == 0
        else done.stderr.strip().removeprefix("paretoscope: ")
        or "Judging ended without a word; try again."
    )
