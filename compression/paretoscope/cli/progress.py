"""Progress on stderr: one line that is overwritten at a terminal, else a line per change of stage
and at most one every 15 seconds within a stage.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from paretoscope.engine.client import ensure_engine, wait
from paretoscope.engine.pace import Pace
from paretoscope.recipes.short_name import short_names
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.format import duration_range
from paretoscope.trials.progress import Progress
from paretoscope.trials.trial import LIVE, WARNING
from paretoscope.workspace import Workspace

LINE_SECONDS = 15.0
"""Between two lines within a stage, where stderr is no terminal."""


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
        mark = "" if note.startswith(WARNING) else "Note: "
        print(f"{mark}{note.rstrip('.')}.", file=sys.stderr, flush=True)


class ProgressLine:
    """The progress of trials or of an evaluation, on stderr."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.terminal = sys.stderr.isatty()
        self.last = ""
        self._clock = clock
        self._stage, self._shown_at = "", 0.0

    def show(self, rows: list[TrialRow]) -> None:
        self.write(in_words(rows), in_words(rows, steps=False))

    def write(self, text: str, stage: str) -> None:
        """Show `text`; where lines are not overwritten, only if `stage` has changed or the last
        line is 15 seconds old.
        """
        now = self._clock()
        soon = stage == self._stage and now - self._shown_at < LINE_SECONDS
        if text == self.last or (soon and not self.terminal):
            return
        self.last, self._stage, self._shown_at = text, stage, now
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.terminal and self.last:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def evaluation_progress(
    models: int, clock: Callable[[], float] = time.monotonic
) -> Generator[Callable[[int, str, int, int], None]]:
    """A function that shows which of the `models`, counted from 1, is evaluated on the test split,
    which of its graphs, and how much of that is (done, of). The time left is that of the graph.
    """
    line = ProgressLine(clock)
    what = "1 model" if models == 1 else f"{models} models"
    pace, stage = Pace(), ""

    def show(number: int, graph: str, done: int, of: int) -> None:
        nonlocal pace, stage
        text = f"evaluating {what} on the test split: "
        text += graph if models == 1 else f"{number} of {models}, {graph}"
        pace, stage = (pace if text == stage else Pace()), text
        left = pace.left(done, of, clock())
        text += f" {100 * done // of} %" if of else ""
        text += f", {duration_range(left.low, left.high)} left" if left and done < of else ""
        line.write(text, stage)

    try:
        yield show
    finally:
        line.close()


def in_words(rows: Sequence[TrialRow], *, steps: bool = True) -> str:
    """`2 of 12 measured · int8: quantize (2 of 5), step 3 of 10, 15 to 30 s left`."""
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
    return at.in_words() if steps else at.stage_in_words()
