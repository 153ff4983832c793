"""A trial from the queue to its result: progress, log, cancellation, failure, result card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from paretoscope.dashboard.parts import chain, downloads, test_summary
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import without_options
from paretoscope.dashboard.shell.scope import Scope, address
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.short_name import short_name
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import plain_notes, speed_with_interval, warnings
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import LIVE

POLL_SECONDS = 1.0
LOG_LINES = 60
QUEUED, STARTING, CANCELLING = "Queued", "Starting", "Cancelling"
CANCELLED = "Cancelled."
NO_REASON = "It failed without an error message; see the log."
EMPTY_LOG = "The log is empty."


def shown(row: Row) -> list[str]:
    """The metrics of a result card."""
    axes = row.summary.axes
    keys = (
        axes.quality,
        axes.time,
        "ttft_ms",
        "tokens_per_s",
        axes.size,
        "peak_memory_bytes",
    )
    return [key for key in keys if row.values.get(key)]


def progress_in_words(row: TrialRow) -> str:
    """The state of a trial: "Stage 2 of 5: quantize, step 3 of 10, 15 to 30 s left"."""
    at = row.progress
    if row.cancel_requested:
        return CANCELLING
    if row.status == "queued":
        return QUEUED
    if at is None:
        return STARTING
    found = f"Stage {at.stage_number} of {at.stage_count}: {at.stage}"
    within = at.within_stage()
    return f"{found}, {within}" if within else found


def share_done(row: TrialRow) -> float:
    """0 to 1: finished stages and the share of the current one."""
    at = row.progress
    if row.status != "running" or at is None or at.stage_count == 0:
        return 0.0
    within = at.step / at.steps if at.steps else 0.0
    return min(1.0, max(0.0, (at.stage_number - 1 + within) / at.stage_count))


def live(row: TrialRow, *, place: str, ahead: int = 0) -> None:
    """A queued or running trial: name, progress, log, cancel button.

    `place` distinguishes the keys of two pages, `ahead` is the number of trials before it.
    """
    recipe = row.request.recipe
    with st.container(border=True):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            st.markdown(f"**{short_name(recipe)}**", width="content", help=recipe.in_words())
            permissions.button(
                "Cancel",
                icon=":material/stop_circle:",
                type="tertiary",
                key=f"cancel_{place}_{row.trial_id}",
                why_not=CANCELLING if row.cancel_requested else "",
                act=partial(cancel, row.trial_id),
            )
        waiting = f", {ahead} ahead" if row.status == "queued" and ahead else ""
        st.progress(share_done(row), text=progress_in_words(row) + waiting)
        log(row, place)


def cancel(trial_id: str) -> None:
    """Callback of a cancel button."""
    if permissions.may_act():
        data.store().request_cancel(trial_id)


def log(row: TrialRow, place: str) -> None:
    """The end of a trial's log, read only while it is open."""
    if st.toggle("Log", key=f"log_{place}_{row.trial_id}"):
        path = data.workspace().log(row.trial_id)
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.is_file() else []
        st.code("\n".join(lines) or EMPTY_LOG, language=None, wrap_lines=True, height=260)


def failed(row: TrialRow, *, place: str) -> None:
    """A failed or cancelled trial: its error, its log and a button to retry it."""
    recipe, cancelled = row.request.recipe, row.status == "cancelled"
    with st.container(border=True):
        icon = ":material/block:" if cancelled else ":red[:material/error:]"
        st.markdown(f"{icon} **{short_name(recipe)}**", help=recipe.in_words())
        st.markdown(row.error or (CANCELLED if cancelled else NO_REASON))
        with st.container(horizontal=True, vertical_alignment="center"):
            if permissions.button(
                "Retry", icon=":material/replay:", key=f"again_{place}_{row.trial_id}"
            ):
                _retry(row)
        log(row, place)


def _retry(row: TrialRow) -> None:
    try:
        permissions.require()
        data.store().retry(row.trial_id)
        data.start_engine()
    except ParetoscopeError as error:
        st.error(str(error))
    else:
        st.rerun()


def result(scope: Scope, row: Row, close: Callable[[], None]) -> None:
    """The measured model compared with the baseline of the same session, until it is closed."""
    with st.container(border=True):
        st.markdown(f"#### {title(row)}: measured", help=row.name)
        with st.container(horizontal=True, gap="large"):
            for key in shown(row):
                _tile(key, row)
        if not row.is_baseline:
            st.markdown(comparison(row))
        timing_note(row)
        chain.draw(scope, row)
        notes(row.document.notes)
        with st.container(horizontal=True, vertical_alignment="center"):
            downloads.artifact(scope, row, key=f"result_{row.id}")
            st.page_link(
                "pages/explore.py",
                label="Show in Explore",
                icon=":material/scatter_plot:",
                query_params=address(row.summary),
            )
            if st.button("Close", icon=":material/close:", type="tertiary", key=f"close_{row.id}"):
                close()


def notes(lines: Sequence[str]) -> None:
    """Warnings as boxes, other notes as captions."""
    for line in warnings(lines):
        text = without_options(line)
        st.warning(text[0].upper() + text[1:], icon=":material/warning:")
    for line in plain_notes(lines):
        st.caption(f":material/info: {without_options(line)}")


def timing_note(row: Row) -> None:
    """The latencies as measured, where the shown ones are normalized."""
    if note := row.timing_note():
        st.caption(f"{note[0].upper()}{note[1:]}.")


def _tile(key: str, row: Row) -> None:
    found = row.values.get(key)
    if found is None:
        return
    of, base = metric(key), row.baseline.get(key)
    text = row.number_and_change(key)
    changes = (row.change(key), "noisy" if text.endswith("noisy") else "")
    baseline = "baseline"
    if base is not None and not row.is_baseline:
        baseline += f" {of.format(base)}"
    st.metric(
        of.label,
        of.format(found.value),
        " · ".join(part for part in changes if part) or None,
        delta_color="off",
        delta_arrow="off",
        help=f"{text}, {baseline}",
        width="content",
    )


def comparison(row: Row) -> str:
    """Quality and speed compared with the baseline, in sentences."""
    paired, speed, quality = row.document.paired, row.document.speedup, row.document.quality
    parts = [test_summary.change_sentence(row)]
    if paired and quality:
        unit = "predicted tokens" if paired.change else "examples"
        parts.append(
            f"Of {quality.n:,} {unit}, {paired.lost} that were correct are wrong now, and"
            f" {paired.gained} that were wrong are correct."
        )
    if speed:
        noisy = " (noisy session)" if row.noisy else ""
        compared = speed_with_interval(speed, row.document.placebo)
        parts.append(f"Speed compared with the baseline{noisy}: {compared}.")
    return " ".join(parts)


def watched(rows: Sequence[TrialRow]) -> bool:
    """Whether any of these still has to be polled."""
    return any(row.status in LIVE for row in rows)
