"""The `frontier` command: which trials are compared, what lies on their front, what to take; and
what a sweep says of its own.

The mathematics is `frontier/front.py`'s. Only trials of one machine under one set of conditions are
compared, those of the newest one; the others are counted aside, never mixed in silently.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.cli import text
from paretoscope.cli.source import Source
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.normalize import text_in_words
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.frontier.recommend import Recommendation, answer, recommend
from paretoscope.report.tables.table import Row, present_metrics, rows
from paretoscope.trials import axes as defaults
from paretoscope.trials.format import conditions_in_words, listed, machine_in_words, short
from paretoscope.trials.trial import TrialDocument


@dataclass(frozen=True)
class FrontierDocument:
    """What the command prints. Front, knee and recommendation judge by the same `objectives`, the
    recommendation under `limits`; `x` and `y` are the axes of a plot, and the table runs along x.

    `elsewhere` counts trials of other machines or conditions. In JSON a trial has its latency as it
    was timed; `comparable_p50_ms` has what is compared (see `frontier/normalize.py`).
    """

    table: tuple[Row, ...]
    found: Frontier
    recommendation: Recommendation
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    elsewhere: int
    source: Source
    x: str
    y: str

    def to_json(self) -> dict[str, Any]:
        took = self.recommendation
        judged = {
            "objectives": [objective.key for objective in self.objectives],
            "limits": [limit.in_words() for limit in self.limits],
        }
        return {
            "source": self.source.name,
            "trials": [row.document.to_json() for row in self.table],
            "x": self.x,
            "y": self.y,
            "on_front": list(self.found.on_front),
            "statistically_on_front": list(self.found.statistically_on_front),
            "knee": self.found.knee,
            "recommendation": {
                "trial_id": took.best,
                "runner_up": took.runner_up,
                "reason": took.reason,
                "feasible": list(took.feasible),
                **judged,
            },
            "not_comparable": {
                trial_id: list(keys) for trial_id, keys in self.found.not_comparable.items()
            },
            "elsewhere": self.elsewhere,
            "comparable_p50_ms": {
                row.id: row.point.value(row.document.axes.time) for row in self.table
            },
            "reference_p50_ms": self.table[0].reference.p50_ms,
        }

    def in_words(self) -> str:
        lines = [
            _heading(self.table[0].document),
            text.table(_along_x(self.table, self.x), _marks(self.found)),
            *_normalized_to(self.table),
            "",
        ]
        lines.append(answer(self.recommendation, self.objectives, self.limits))
        if self.found.knee and len(self.objectives) > 2:
            lines.append(
                f"The knee is that of {listed([one.metric.called for one in self.objectives])}"
                " together; a plot marks that of its own two."
            )
        if self.elsewhere:
            lines.append(
                f"Left out: {self.elsewhere} trials from another machine or under other conditions."
            )
        return "\n".join([*lines, *self.source.in_words(len(self.table))])


def frontier_document(
    documents: Sequence[TrialDocument], given: Namespace, source: Source
) -> FrontierDocument:
    """The front of the newest machine and conditions; raises `ParetoscopeError` for an unknown
    metric.
    """
    newest = max(
        documents,
        key=lambda document: document.measured_at.timestamp() if document.measured_at else 0,
    )
    x, y = (
        objective.key
        for objective in objectives(given.x or newest.axes.time, given.y or newest.axes.quality)
    )
    judged = judged_objectives(given, newest.axes)
    here = tuple(
        document for document in documents if document.measured_under == newest.measured_under
    )
    table = rows(here)
    measured = [each.key for each in present_metrics(table)]
    if missing := [
        key for key in dict.fromkeys((x, y, *(each.key for each in judged))) if key not in measured
    ]:
        raise ParetoscopeError(
            f"None of these models was measured in {listed(missing)}; what they have is"
            f" {listed(measured)}."
        )
    points = [row.point for row in table]
    baseline = next((row.point for row in table if row.document.is_baseline), None)
    limits = tuple(_limits(given, baseline, newest.axes))
    took = recommend(points, limits, judged, baseline)
    return FrontierDocument(
        tuple(table),
        front(points, judged),
        took,
        judged,
        limits,
        len(documents) - len(here),
        source,
        x,
        y,
    )


def judged_objectives(given: Namespace, axes: defaults.Axes) -> tuple[Objective, ...]:
    """What front and recommendation judge by: what is asked for, else the axes that are, else the
    usual; raises `ParetoscopeError` for an unknown metric."""
    if given.by:
        return objectives(*(key.strip() for key in given.by.split(",")))
    return (
        objectives(given.x or axes.time, given.y or axes.quality)
        if given.x or given.y
        else objectives(*axes.objectives)
    )


def _heading(first: TrialDocument) -> str:
    """What the trials of a table have in common."""
    return (
        f"{short(first.model)} on {short(first.task)}, {machine_in_words(first)};"
        f" {conditions_in_words(first)}"
    )


def swept(table: Sequence[Row]) -> str:
    """The trials of a sweep as a table in the order of its grid, with those on their own front
    marked.
    """
    done = [row for row in table if row.document.status == "done"]
    axes = done[0].document.axes if done else defaults.Axes()
    found = front([row.point for row in done], objectives(*axes.objectives))
    judged = (
        [f"On the front: by {listed([one.metric.called for one in found.objectives])}."]
        if done
        else []
    )
    return "\n".join([text.table(table, _marks(found)), *_normalized_to(done), *judged])


def _normalized_to(table: Sequence[Row]) -> list[str]:
    """How the numbers of the table can share an axis, a line each."""
    said = [
        line
        for row in table
        for line in (row.reference.normalized_to, text_in_words(row.reference.perplexity))
        if line
    ]
    return list(dict.fromkeys(said))


def _marks(found: Frontier) -> dict[str, str]:
    marks = dict.fromkeys(found.on_front, "on the front")
    return marks | ({found.knee: "on the front, knee"} if found.knee else {})


def _along_x(table: Sequence[Row], x: str) -> list[Row]:
    """From small to large; what was not measured in x comes last."""

    def place(row: Row) -> tuple[bool, float, str]:
        value = row.point.value(x)
        return value is None, value or 0.0, row.name

    return sorted(table, key=place)


def _limits(given: Namespace, baseline: Point | None, axes: defaults.Axes) -> list[Limit]:
    """The limits that were given; a drop that was not is the usual one, where there is a baseline
    to drop from.
    """
    limits: list[Limit] = []
    if given.max_drop is not None:
        limits.append(MaxDrop(given.max_drop / 100, axes.quality))
    elif baseline is not None and baseline.value(axes.quality) is not None:
        limits.append(MaxDrop(defaults.DROP_POINTS / 100, axes.quality))
    if given.max_size_mb is not None:
        limits.append(Constraint("size_bytes", given.max_size_mb * 1e6))
    if given.max_latency_ms is not None:
        limits.append(Constraint(axes.time, given.max_latency_ms))
    return limits
