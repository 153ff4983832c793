"""Waiting for trials at a terminal: one line that is written over, or plain lines where there is no
terminal.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from paretoscope.engine.client import ensure_engine, wait
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.format import duration
from paretoscope.trials.trial import LIVE
from paretoscope.workspace import Workspace


def finished(store: Store, workspace: Workspace, ids: Sequence[str]) -> list[TrialRow]:
    """Start an engine when none is alive, wait for the trials, show how far they are on stderr.

    Ctrl-C ends the waiting, not the work, and says so.
    """
    line = ProgressLine()
    try:
        ensure_engine(workspace)
        return wait(store, ids, line.show)
    except KeyboardInterrupt:
        live = [row.trial_id for row in store.trials(ids=ids) if row.status in LIVE]
        shown = " ".join(live[:3]) + (" ..." if len(live) > 3 else "")
        raise KeyboardInterrupt(
            f"The engine goes on with {len(live)} trials; `paretoscope cancel {shown}` ends them,"
            " `paretoscope jobs` shows them."
        ) from None
    finally:
        line.close()


class ProgressLine:
    """How far a set of trials is, on stderr."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.last = ""

    def show(self, rows: list[TrialRow]) -> None:
        text = in_words(rows, steps=self.terminal)
        if text == self.last:
            return
        self.last = text
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.terminal and self.last:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def in_words(rows: Sequence[TrialRow], *, steps: bool = True) -> str:
    """`2 of 12 measured · int8 dynamic: quantize (2 of 5), step 3 of 10, about 20 s left`."""
    ended = sum(row.status not in LIVE for row in rows)
    running = [row for row in rows if row.status == "running"]
    measured = sum(row.status == "done" for row in rows)
    parts = [f"{measured} of {len(rows)} measured"] if len(rows) > 1 else []
    if not running and ended < len(rows):
        parts.append("waiting in the queue" if ended or len(rows) > 1 else "waiting for the engine")
    for row in running[:2]:
        at = row.progress
        said = f"{row.request.recipe.in_words()}: " + (
            f"{at.stage} ({at.stage_number} of {at.stage_count})" if at else "starting"
        )
        if at and steps and at.steps > 1:
            said += f", step {at.step} of {at.steps}"
        if at and steps and at.seconds_left is not None:
            said += f", about {duration(at.seconds_left)} left"
        parts.append(said)
    return " · ".join(parts) or "done"
