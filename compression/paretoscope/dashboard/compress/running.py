"""The trial of the recipe in the form, and others that were started here: steps and errors."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.state import RECIPE, compact
from paretoscope.dashboard.compress.request import Wanted
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import OVERRIDE, Scope, conditions_key, machine_key
from paretoscope.recipes.short_name import short_name
from paretoscope.store.store import TrialRow
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.trial import LIVE
from paretoscope.whatif.durations import steps_of

WATCHING = "watching"
"""Session state: ids of the trials that were started here."""
MOST = 3
"""Other live trials that are shown."""
PLACE = "bench"
"""Part of the widget keys of this page."""
REPEATS = (
    "Other work disturbed the speed measurement, so it is repeated; the steadier of the two counts."
)
WAITS = "The measurement waits for other work on this machine to end."
STEP_WORDS = {"latency": "speed"}
"""Steps that the page calls by another name."""


def draw(scope: Scope, wanted: Wanted) -> None:
    """Progress or error of the recipe's trial, then other trials of this model."""
    mine = wanted.trial
    if mine and mine.status == "done":
        mine = None
    watched = data.trials(st.session_state.get(WATCHING, []))
    running = [row for row in data.live_trials() if row.status == "running"]
    found = {row.trial_id: row for row in (*running, *watched) if row.status != "done"}
    others = [
        row
        for row in found.values()
        if row.request.model == scope.model and (mine is None or row.trial_id != mine.trial_id)
    ]
    if mine is None and not others:
        return
    every = runs.POLL_SECONDS if runs.watched([*([mine] if mine else []), *others]) else None
    ids = [row.trial_id for row in others]
    st.fragment(_trials, run_every=every)(mine.trial_id if mine else "", ids)


def _trials(mine: str, others: list[str]) -> None:
    queued = [row for row in data.live_trials() if row.status == "queued"]
    for row in data.trials([mine] if mine else []):
        _one(row, queued.index(row) if row in queued else 0)
    rest = data.trials(others)
    for row in sorted(rest, key=lambda row: row.status != "running")[:MOST]:
        if row.status in LIVE:
            runs.live(row, place=PLACE, ahead=queued.index(row) if row in queued else 0)
        elif row.status in ("failed", "cancelled"):
            runs.failed(row, place=PLACE)
    if len(rest) > MOST:
        label = f"{len(rest) - MOST} more in Jobs"
        st.page_link("pages/jobs.py", label=label, icon=":material/list_alt:")


def _one(row: TrialRow, ahead: int) -> None:
    """The trial of the recipe in the form."""
    if row.status in ("failed", "cancelled"):
        runs.failed(row, place=PLACE)
        return
    if row.status not in LIVE:
        return  # the sidebar draws the whole page again
    runs.live(row, place=PLACE, ahead=ahead)
    st.caption(steps_in_words(row, row.progress))
    banner = _disturbed(row.trial_id, row.progress) if row.progress else ""
    if row.status == "running" and banner:
        st.warning(banner, icon=":material/warning:")


def steps_in_words(row: TrialRow, at: Progress | None) -> str:
    """The steps of a run, the finished ones ticked: "prepare ✓ · **student-3 220/660** · speed"."""
    parts: list[str] = []
    for number, name in enumerate(steps_of(row.request.recipe), start=1):
        word = STEP_WORDS.get(name, name)
        if at is None:
            parts.append(word)
        elif number < at.stage_number:
            parts.append(f"{word} ✓")
        elif number == at.stage_number:
            within = f" {at.step:,}/{at.steps:,}" if at.steps > 1 else ""
            parts.append(f"**{word}{within}**")
        else:
            parts.append(word)
    return " · ".join(parts)


def _disturbed(trial_id: str, at: Progress) -> str:
    """Whether the speed measurement waits or repeats itself: then it has twice as many turns."""
    if at.stage == WAITING:
        return WAITS
    if not at.stage.startswith("latency") or not at.steps:
        return ""
    turns: dict[str, int] = st.session_state.setdefault("turns", {})
    return REPEATS if at.steps > turns.setdefault(trial_id, at.steps) else ""


def address(row: TrialRow) -> list[tuple[str, str]]:
    """The query of this page with a trial's recipe, on the machine that measured it."""
    request = row.request
    return [
        ("model", request.model),
        ("task", request.task),
        ("machine", machine_key(data.this_machine(), demo=False)),
        ("at", conditions_key(request.conditions)),
        (RECIPE, compact(request.recipe)),
        (OVERRIDE, "1"),
    ]


def finished(scope: Scope, wanted: Wanted) -> None:
    """Links to models that were measured here and are not on the page."""
    mine = wanted.trial
    watched = data.trials(st.session_state.get(WATCHING, []))
    found = {row.trial_id: row for row in (*watched, *([mine] if mine else []))}
    for row in found.values():
        if row.status != "done" or (row == mine and scope.here):
            continue
        name = short_name(row.request.recipe)
        st.page_link(
            "pages/compress.py",
            label=f"{name}: measured on this machine. Show it.",
            icon=":material/check_circle:",
            query_params=address(row),
        )
