"""The buttons that measure time and sensitivity, with progress, cancellation and errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from paretoscope.dashboard.layers import jobs
from paretoscope.dashboard.layers.content import Content, artifact_reason, measured
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.trials.command import data_options

POLL_SECONDS = 1.0
CLASSIFIERS = "available for classifiers only; of a language model the bytes are shown"
PROFILE_HELP = (
    "Runs the graph in ONNX Runtime's profiler on this machine, about 5 s; nothing else is computed"
    " meanwhile."
)
SCAN_HELP = (
    "Compresses one matrix at a time, at four widths and four sparsities, and compares the outputs"
    " on calibration texts; 1 to 3 min."
)


def draw(here: Scope, content: Content) -> None:
    """Both buttons; a running command is shown in place of its button."""
    own = content.profile is not None and not content.shipped_profile
    again = content.profile_after is not None if content.row else own
    profiled = [content.row] if content.row and own else [measured(here, None), content.row]
    rows = [row for row in profiled if row is not None]
    reasons = [artifact_reason(here, row) for row in rows or [None]]
    reason = CLASSIFIERS if content.decoder else next(filter(None, reasons), "")
    profile = ["profile", *(row.id for row in rows)]
    key, at = " ".join(profile), here.conditions
    for name, value in (("batch", at.batch), ("sequence", at.sequence), ("threads", at.threads)):
        profile += [f"--{name}", str(value)]
    _job(
        key,
        f"Profile{' compressed' if content.row else ''}{' again' if again else ''}",
        profile,
        reason,
        PROFILE_HELP,
    )
    again = content.scan is not None and not content.shipped_scan
    _job(
        f"sensitivity {here.model} {here.task}",
        "Scan again" if again else "Scan sensitivity",
        ["sensitivity", here.model, "--task", here.task, *data_options(here.options)],
        CLASSIFIERS if content.decoder else "",
        SCAN_HELP,
    )


def _job(key: str, label: str, arguments: Sequence[str], reason: str, about: str) -> None:
    found = jobs.job(key)
    if found is not None and found.running:
        st.fragment(_running, run_every=POLL_SECONDS)(key)
        return
    if found is not None and found.error:
        error_card(found.error)
    permissions.button(
        label,
        key=f"ly_{key.partition(' ')[0]}",
        icon=":material/timer:" if key.startswith("profile") else ":material/thermostat:",
        act=partial(_start, key, arguments),
        why_not=f"{reason[0].upper()}{reason[1:]}." if reason else "",
        help=about,
    )


def _start(key: str, arguments: Sequence[str]) -> None:
    """Callback of a button."""
    permissions.require()
    jobs.start(key, [*arguments, "--workspace", str(data.workspace().root)])


def _running(key: str) -> None:
    """Progress and cancellation; the page is drawn again when the command has ended."""
    found = jobs.job(key)
    if found is None or not found.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(found.share, text=found.last_line[:120] or "Starting")
        st.button(
            "Cancel",
            key=f"ly_cancel_{key.partition(' ')[0]}",
            type="tertiary",
            on_click=found.cancel,
        )
