"""The `frontier` command's result, and the front of a sweep.

The mathematics is `frontier/front.py`'s. Only trials of one machine under one set of conditions are
compared, those of the newest one; the others are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.api.frontier import newest_conditions
from paretoscope.api.measured import TrialSet, newest
from paretoscope.cli import text
from paretoscope.cli.requests import FrontierRequest
from paretoscope.cli.source import source_in_words
from paretoscope.cli.verbs import JsonText
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.columns import Points
from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.normalize import text_in_words
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.frontier.recommend import Recommendation, answer, recommend
from paretoscope.report.tables.table import Row, present_metrics, rows
from paretoscope.trials.axes import DROP_POINTS, Axes
from paretoscope.trials.format import conditions_in_words, listed, machine_in_words, short
from paretoscope.trials.summary import Summary, Trial
from paretoscope.trials.trial import TrialDocument

MOST_LINES = 500
"""A longer table is not printed whole."""


@dataclass(frozen=True)
class FrontierDocument:
    """What the command prints.

    Front, knee and recommendation use the same `objectives`, the recommendation also `limits`; `x`
    and `y` are the axes of a plot, and the table is sorted by x. In JSON a trial has its latency as
    it was timed; `comparable_p50_ms` has the normalized ones.
    """

    table: tuple[Row, ...]
    found: Frontier
    recommendation: Recommendation
    limits: tuple[Limit, ...]
    trials: TrialSet
    x: str
    y: str

    @property
    def elsewhere(self) -> int:
        """Trials of other machines or conditions."""
        return len(self.trials.trials) - len(newest_conditions(self.trials.trials))

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.trials.source,
            "trials": documents_json(self.table, self.trials),
            "x": self.x,
            "y": self.y,
            "on_front": list(self.found.on_front),
            "statistically_on_front": list(self.found.statistically_on_front),
            "references": list(self.found.references),
            "knee": self.found.knee,
            "recommendation": self._recommendation_json(),
            "not_comparable": {
                trial_id: list(keys) for trial_id, keys in self.found.not_comparable.items()
            },
            "elsewhere": self.elsewhere,
            "comparable_p50_ms": {
                row.id: row.point.value(row.summary.axes.time) for row in self.table
            },
            "reference_p50_ms": self.table[0].reference.p50_ms,
        }

    def _recommendation_json(self) -> dict[str, Any]:
        return {
            "trial_id": self.recommendation.best,
            "runner_up": self.recommendation.runner_up,
            "reason": self.recommendation.reason,
            "feasible": list(self.recommendation.feasible),
            "objectives": [objective.key for objective in self.found.objectives],
            "limits": [limit.in_words() for limit in self.limits],
        }

    def _shown(self) -> list[Row]:
        """All rows; of very many those on the front and statistically indistinguishable from it."""
        if len(self.table) <= MOST_LINES:
            return list(self.table)
        near = set(self.found.statistically_on_front[:MOST_LINES])
        return [row for row in self.table if row.is_baseline or row.id in near]

    def _left_out(self) -> list[str]:
        further = len(self.table) - len(self._shown())
        return [f"{further:,} further models are dominated; --json has all."] if further else []

    def in_words(self) -> str:
        judged = self.found.objectives
        lines = [
            _heading(self.table[0].summary),
            text.table(_sorted_by(self.x, self._shown()), _marks(self.found)),
            *self._left_out(),
            *_normalized_to(self.table),
            "",
            answer(self.recommendation, judged, self.limits),
        ]
        if self.found.knee and len(judged) > 2:
            lines.append(
                f"The knee is for {listed([one.metric.called for one in judged])} together; a plot"
                " marks the knee for its two axes."
            )
        if self.elsewhere:
            lines.append(
                f"Not shown: {self.elsewhere} trials from another machine or under other"
                " conditions."
            )
        return "\n".join([*lines, *source_in_words(self.trials, len(self.table))])


def frontier_document(trials: TrialSet, request: FrontierRequest) -> FrontierDocument:
    """The front of the newest machine and conditions.

    Raises `ParetoscopeError` for a metric that is unknown or was not measured.
    """
    last = newest(trials.trials)
    axes = last.axes
    x, y = request.x or axes.time, request.y or axes.quality
    judged = requested_objectives(request, axes)
    table = rows(newest_conditions(trials.trials), trials.load)
    _check_measured(dict.fromkeys((x, y, *(objective.key for objective in judged))), table)
    points = Points(row.named_point for row in table)
    baseline = next((row.named_point for row in table if row.is_baseline), None)
    limits = tuple(_limits(request, baseline, axes))
    recommendation = recommend(points, limits, judged, baseline)
    return FrontierDocument(
        tuple(table), front(points, judged), recommendation, limits, trials, x, y
    )


def documents_json(table: Sequence[Row], trials: TrialSet) -> list[dict[str, Any] | JsonText]:
    """The document of each row; more than `MOST_LINES` are passed on as they are stored."""
    stored = trials.stored([row.id for row in table if isinstance(row.measured, Summary)])

    def document(row: Row) -> dict[str, Any] | JsonText:
        if row.id not in stored:
            return row.document.to_json()
        if len(table) > MOST_LINES:
            return JsonText(stored[row.id])
        return TrialDocument.model_validate_json(stored[row.id]).to_json()

    return [document(row) for row in table]


def check_metrics(request: FrontierRequest) -> None:
    """Raise `ParetoscopeError` for a metric that does not exist, before any trial is read."""
    objectives(*(key for key in (request.x, request.y) if key))
    requested_objectives(request, Axes())


def requested_objectives(request: FrontierRequest, axes: Axes) -> tuple[Objective, ...]:
    """The objectives of --by, else the axes that were given, else the default ones."""
    if request.by:
        return objectives(*(key.strip() for key in request.by.split(",")))
    if request.x or request.y:
        return objectives(request.x or axes.time, request.y or axes.quality)
    return objectives(*axes.objectives)


def swept(table: Sequence[Row]) -> str:
    """The trials of a sweep in the order of its grid, with those on their front marked."""
    done = [row for row in table if row.status == "done"]
    axes = done[0].summary.axes if done else Axes()
    found = front([row.point for row in done], objectives(*axes.objectives))
    called = listed([objective.metric.called for objective in found.objectives])
    judged = [f"On the front: by {called}."] if found.on_front else []
    return "\n".join([text.table(table, _marks(found)), *_normalized_to(done), *judged])


def _check_measured(keys: Sequence[str] | dict[str, None], table: Sequence[Row]) -> None:
    measured = [metric.key for metric in present_metrics(table)]
    if missing := [key for key in keys if key not in measured]:
        raise ParetoscopeError(
            f"None of these models has a value for {listed(missing)}; choose from"
            f" {listed(measured)}."
        )


def _heading(first: Trial) -> str:
    """What the trials of a table have in common."""
    return (
        f"{short(first.model)} on {short(first.task)}, {machine_in_words(first)};"
        f" {conditions_in_words(first)}"
    )


def _normalized_to(table: Sequence[Row]) -> list[str]:
    """How times and perplexities of the table were normalized, a line each."""
    lines = [
        line
        for row in table
        for line in (row.reference.normalized_to, text_in_words(row.reference.perplexity))
        if line
    ]
    return list(dict.fromkeys(lines))


def _marks(found: Frontier) -> dict[str, str]:
    marks = dict.fromkeys(found.references, "reference point")
    marks |= dict.fromkeys(found.on_front, "on the front")
    return marks | ({found.knee: "on the front, knee"} if found.knee else {})


def _sorted_by(x: str, table: Sequence[Row]) -> list[Row]:
    """From small to large; rows without a value come last."""

    def order(row: Row) -> tuple[bool, float, str]:
        value = row.point.value(x)
        return value is None, value or 0.0, row.name

    return sorted(table, key=order)


def _limits(request: FrontierRequest, baseline: Point | None, axes: Axes) -> list[Limit]:
    """The limits that were given, and the default drop of quality where there is a baseline."""
    limits: list[Limit] = []
    if request.max_drop is not None:
        limits.append(MaxDrop(request.max_drop / 100, axes.quality))
    elif baseline is not None and baseline.value(axes.quality) is not None:
        limits.append(MaxDrop(DROP_POINTS / 100, axes.quality))
    if request.max_size_mb is not None:
        limits.append(Constraint("size_bytes", request.max_size_mb * 1e6))
    if request.max_latency_ms is not None:
        limits.append(Constraint(axes.time, request.max_latency_ms))
    return limits
