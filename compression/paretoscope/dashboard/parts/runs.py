"""A trial from the moment it is asked for to its result: progress in place, cancel, log, and the
card beside the baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from paretoscope.dashboard.parts import chain, downloads, test_summary
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope, address
from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, speed_with_interval
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import LIVE

POLL_SECONDS = 1.0
LOG_LINES = 60


def shown(row: Row) -> list[str]:
    """The metrics of a result card."""
    axes = row.document.axes
    return [
        key
        for key in (
            axes.quality,
            axes.time,
            "ttft_ms",
            "tokens_per_s",
            axes.size,
            "peak_memory_bytes",
        )
        if row.values.get(key)
    ]


def progress_in_words(row: TrialRow) -> str:
    """Where a trial is: "Stage 2 of 5: quantize, step 3 of 10, about 20 s left"."""
    at = row.progress
    if row.cancel_requested:
        return "Cancelling"
    if row.status == "queued":
        return "Waiting for its turn"
    if at is None:
        return "Starting"
    steps = f", step {at.step:,} of {at.steps:,}" if at.steps else ""
    left = f", about {duration(at.seconds_left)} left" if at.seconds_left is not None else ""
    return f"Stage {at.stage_number} of {at.stage_count}: {at.stage}{steps}{left}"


def share_done(row: TrialRow) -> float:
    """0 to 1: stages that are over, and the share of the present one."""
    at = row.progress
    if row.status != "running" or at is None or at.stage_count == 0:
        return 0.0
    within = at.step / at.steps if at.steps else 0.0
    return min(1.0, max(0.0, (at.stage_number - 1 + within) / at.stage_count))


def live(row: TrialRow, *, place: str, ahead: int = 0) -> None:
    """A queued or running trial: its recipe, a bar, the log on demand, cancel."""
    with st.container(border=True):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            st.markdown(f"**{row.request.recipe.in_words()}**", width="content")
            st.button(
                "Cancel",
                icon=":material/stop_circle:",
                type="tertiary",
                key=f"cancel_{place}_{row.trial_id}",
                on_click=_cancel,
                args=(row.trial_id,),
                disabled=row.cancel_requested,
            )
        waiting = f", {ahead} before it" if row.status == "queued" and ahead else ""
        st.progress(share_done(row), text=progress_in_words(row) + waiting)
        log(row, place)


def _cancel(trial_id: str) -> None:
    data.store().request_cancel(trial_id)


def log(row: TrialRow, place: str) -> None:
    """The end of a trial's log, read only while it is open."""
    if st.toggle("Log", key=f"log_{place}_{row.trial_id}"):
        path = data.workspace().log(row.trial_id)
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.is_file() else []
        st.code(
            "\n".join(lines) or "Nothing has been written yet.",
            language=None,
            wrap_lines=True,
            height=260,
        )


def failed(row: TrialRow, *, place: str) -> None:
    """Why it has no result, in its one sentence, with its log and another try."""
    with st.container(border=True):
        icon = ":material/block:" if row.status == "cancelled" else ":red[:material/error:]"
        st.markdown(f"{icon} **{row.request.recipe.in_words()}**")
        st.markdown(
            row.error
            or (
                "Cancelled."
                if row.status == "cancelled"
                else "It failed without a reason; its log may say more."
            )
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Try again", icon=":material/replay:", key=f"again_{place}_{row.trial_id}"
            ):
                try_again(row)
        log(row, place)


def try_again(row: TrialRow) -> None:
    try:
        data.store().retry(row.trial_id)
        data.start_engine()
    except ParetoscopeError as error:
        st.error(str(error))
    else:
        st.rerun()


def result(scope: Scope, row: Row, close: Callable[[], None]) -> None:
    """The measured model beside the baseline of the same sitting: deltas, intervals, the paired
    test in words; until it is closed.
    """
    style = STYLES[row.family]
    with st.container(border=True):
        st.markdown(f"#### {style.glyph} {row.name}: measured")
        with st.container(horizontal=True, gap="large"):
            for key in shown(row):
                _tile(key, row)
        if not row.document.is_baseline:
            st.markdown(_sentence(row))
        if timed := row.timing_note():
            st.caption(f"{timed[0].upper()}{timed[1:]}.")
        chain.draw(scope, row)
        for line in row.document.notes:
            st.caption(f":material/info: {line}")
        with st.container(horizontal=True, vertical_alignment="center"):
            downloads.artifact(scope, row, key=f"result_{row.id}")
            st.page_link(
                "pages/explore.py",
                label="See it on the curves",
                icon=":material/scatter_plot:",
                query_params=address(row.document),
            )
            if st.button("Close", icon=":material/close:", type="tertiary", key=f"close_{row.id}"):
                close()


def _tile(key: str, row: Row) -> None:
    found = row.values.get(key)
    if found is None:
        return
    of, base = metric(key), row.baseline.get(key)
    said = row.number_and_change(key)
    change = (
        " · ".join(
            part for part in (row.change(key), "noisy" if said.endswith("noisy") else "") if part
        )
        or None
    )
    beside = (
        f"baseline {of.format(base)}"
        if base is not None and not row.document.is_baseline
        else "baseline"
    )
    st.metric(
        of.label,
        of.format(found.value),
        change,
        delta_color="off",
        delta_arrow="off",
        help=f"{said}, {beside}",
        width="content",
    )


def _sentence(row: Row) -> str:
    paired, speed = row.document.paired, row.document.speedup
    parts = [test_summary.lost(row)]
    if paired and row.document.quality:
        n = row.document.quality.n
        asked = "tokens to foretell" if paired.change else "examples"
        parts.append(
            f"Of {n:,} {asked} it lost {paired.lost} that the baseline had right and gained"
            f" {paired.gained}."
        )
    if speed:
        noisy = ", in a noisy sitting" if row.noisy else ""
        parts.append(f"Measured in turns with the baseline{noisy}: {speed_with_interval(speed)}.")
    return " ".join(parts)


def watched(rows: Sequence[TrialRow]) -> bool:
    """Whether any of these still has to be polled."""
    return any(row.status in LIVE for row in rows)
