"""Waiting for trials: one line that is overwritten at a terminal, else a line per change."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from paretoscope.engine.client import ensure_engine, wait
from paretoscope.recipes.short_name import short_names
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.format import duration
from paretoscope.trials.progress import Progress
from paretoscope.trials.trial import LIVE
from paretoscope.workspace import Workspace


def wait_for(store: Store, ids: Sequence[str]) -> list[TrialRow]:
    """Start an engine when none is alive, wait for the trials, show their progress on stderr.

    Ctrl-C ends the waiting, not the work, and says so.
    """
    line = ProgressLine()
    try:
        ensure_engine(Workspace(store.root))
        return wait(store, ids, line.show)
    except KeyboardInterrupt:
        live = [row.trial_id for row in store.trials(ids=ids) if row.status in LIVE]
        shown = " ".join(live[:3]) + (" ..." if len(live) > 3 else "")
        raise KeyboardInterrupt(
            f"The engine continues with {len(live)} trials; `paretoscope cancel {shown}` cancels"
            " them, `paretoscope jobs` shows them."
        ) from None
    finally:
        line.close()


def checking() -> None:
    """Say that a model is loaded and checked, which takes seconds."""
    print("Checking the model ...", file=sys.stderr, flush=True)


def show_notes(notes: Sequence[str]) -> None:
    """Print what holds for every result of a model, before it is queued."""
    for note in notes:
        print(f"Note: {note}.", file=sys.stderr, flush=True)


class ProgressLine:
    """The progress of a set of trials, on stderr."""

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
    """`2 of 12 measured · int8: quantize (2 of 5), step 3 of 10, about 20 s left`."""
    ended = sum(row.status not in LIVE for row in rows)
    running = [row for row in rows if row.status == "running"]
    measured = sum(row.status == "done" for row in rows)
    parts = [f"{measured} of {len(rows)} measured"] if len(rows) > 1 else []
    if not running and ended < len(rows):
        parts.append("waiting in the queue" if ended or len(rows) > 1 else "waiting for the engine")
    names = short_names([row.request.recipe for row in rows])
    for row, name in [pair for pair in zip(rows, names, strict=True) if pair[0] in running][:2]:
        parts.append(f"{name}: {_stage(row.progress, steps=steps)}")
    return " · ".join(parts) or "done"


def _stage(at: Progress | None, *, steps: bool) -> str:
    if at is None:
        return "starting"
    found = f"{at.stage} ({at.stage_number} of {at.stage_count})"
    if steps and at.steps > 1:
        found += f", step {at.step} of {at.steps}"
    if steps and at.seconds_left is not None:
        found += f", about {duration(at.seconds_left)} left"
    return found
