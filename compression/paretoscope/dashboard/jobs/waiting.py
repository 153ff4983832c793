"""The queue: position, when a trial is expected to start, why it waits, and its order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from paretoscope.dashboard.jobs.described import heading, where
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.durations import seconds_left
from paretoscope.recipes.short_name import short_names
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration_range

ABOUT = (
    "The first one runs next: one job for every two cores. A speed measurement has the machine to"
    " itself, so that nothing disturbs it."
)
NO_ENGINE = "The engine is not running: start it in the sidebar."
NEXT = "It runs next already."


def draw(live: Sequence[TrialRow]) -> None:
    """The queued ones of the `live` trials, in the order of execution."""
    queued = [row for row in live if row.status == "queued"]
    if not queued:
        return
    st.markdown(heading("Waiting", len(queued)))
    engine = data.store().engine()
    st.caption(ABOUT if engine and engine.alive else NO_ENGINE)
    running = [row for row in live if row.status == "running"]
    names = short_names([row.request.recipe for row in queued])
    for index, (row, name) in enumerate(zip(queued, names, strict=True)):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{index + 1}. **{name}** :gray[{where(row)}]  \n"
                f":small[{waits_for([*running, *queued[:index]])}]",
                width="stretch",
                help=row.request.recipe.in_words(),
            )
            _buttons(queued, index)


def waits_for(ahead: Sequence[TrialRow]) -> str:
    """What a trial waits for, and for how long: "waits for 2 jobs, 40 s to 3 min"."""
    if not ahead:
        return "starts next"
    jobs = "1 job" if len(ahead) == 1 else f"{len(ahead)} jobs"
    left = seconds_left(ahead)
    return f"waits for {jobs}" + (f", {duration_range(*left)}" if left else "")


def _buttons(queued: Sequence[TrialRow], index: int) -> None:
    """Up, down, first and cancel."""
    row = queued[index]
    last = len(queued) - 1
    actions = (
        ("first", "vertical_align_top", "Run next", NEXT if not index else "", (0,)),
        ("up", "arrow_upward", "One place up", NEXT if not index else "", (index - 1,)),
        (
            "down",
            "arrow_downward",
            "One place down",
            "It is the last one." if index == last else "",
            (index + 1,),
        ),
    )
    for name, icon, words, why_not, (place,) in actions:
        permissions.button(
            "",
            icon=f":material/{icon}:",
            help=words,
            type="tertiary",
            key=f"{name}_{row.trial_id}",
            why_not=why_not,
            act=partial(move, row.trial_id, place),
        )
    permissions.button(
        "",
        icon=":material/close:",
        help="Cancel",
        type="tertiary",
        key=f"drop_{row.trial_id}",
        act=lambda: runs.cancel(row.trial_id),
    )


def move(trial_id: str, place: int) -> None:
    """Callback: put a queued trial at a place of the queue, 0 for the first.

    Priorities decide the order, and trials of one priority run in the order of queueing, so those
    that stay ahead are raised above it.
    """
    if not permissions.may_act():
        return
    queued = data.store().trials(statuses=["queued"])
    moved = next((row for row in queued if row.trial_id == trial_id), None)
    if moved is None:
        return
    rest = [row for row in queued if row is not moved]
    ahead, behind = rest[:place], rest[place:]
    wanted = behind[0].priority + 1 if behind else ahead[-1].priority - 1
    if ahead and ahead[-1].priority <= wanted and behind:
        for row in ahead:
            data.store().prioritize(row.trial_id, wanted + 1 - ahead[-1].priority)
    data.store().prioritize(trial_id, wanted - moved.priority)
