"""The test split on the card of a picked model: its result, or the button that evaluates it."""

from __future__ import annotations

import subprocess
import sys

import streamlit as st

from paretoscope.dashboard.parts import downloads
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import held_out_in_words

LABEL = "Evaluate on the test split"
HELP = (
    "Models are chosen on the validation split, which favours the chosen one. Evaluate the final"
    " model here, once."
)
TIMEOUT = 600
NO_MESSAGE = "The evaluation ended without a message; try again."


def key(trial_id: str) -> str:
    """The key of the button."""
    return f"keep_{trial_id}"


def draw(scope: Scope, row: Row) -> None:
    """The result on the test split; before that the button, if the artefact is on this disk."""
    if found := row.document.held_out:
        st.markdown(f"Test split: {held_out_in_words(found)}")
        return
    if not scope.here or downloads.folder(row) is None:
        return
    if permissions.button(
        LABEL, icon=":material/lock_open:", type="tertiary", help=HELP, key=key(row.id)
    ):
        with st.spinner("Evaluating on the test split"):
            reason = _evaluate(row.id)
        if reason:
            st.error(reason, icon=":material/error:")
        else:
            st.rerun()


def _evaluate(trial_id: str) -> str:
    """Run `paretoscope keep`, because a page loads no models; returns its error message."""
    permissions.require()
    workspace = ["--workspace", str(data.workspace().root)]
    command = [sys.executable, "-m", "paretoscope", *workspace, "keep", trial_id, "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return (
            f"The evaluation took longer than {TIMEOUT // 60} minutes and was stopped; run"
            f" `paretoscope keep {trial_id}` on the command line."
        )
    if done.returncode == 0:
        return ""
    return error_in(done.stderr) or NO_MESSAGE


def error_in(stderr: str) -> str:
    """The error that ended a command, without the progress before it.

    >>> error_in("evaluating 1 model on the test split: baseline\\nparetoscope: It is missing.\\n")
    'It is missing.'
    """
    return stderr.rpartition("paretoscope: ")[2].strip()
