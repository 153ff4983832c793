"""The `frontier` command: which trials are compared, what lies on their front, what to take.

The mathematics is `frontier.py`'s. Only trials of one machine under one set of conditions are
compared, those of the newest one; the others are counted aside, never mixed in silently.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compression import cli_text
from compression.frontier import Constraint, Frontier, Limit, MaxDrop, Recommendation, front, objectives, recommend
from compression.report.table import Row, rows
from compression.sittings import in_words
from compression.trial import TrialDocument


@dataclass(frozen=True)
class FrontierDocument:
    """What the command prints. `elsewhere` counts trials of other machines or conditions.

    In JSON a trial has its latency as it was timed; `comparable_p50_ms` has what is compared (see `sittings.py`).
    """

    table: tuple[Row, ...]
    found: Frontier
    recommendation: Recommendation
    elsewhere: int

    def to_json(self) -> dict[str, Any]:
        x, y = (objective.key for objective in self.found.objectives)
        took = self.recommendation
        return {
            "trials": [row.document.to_json() for row in self.table],
            "x": x,
            "y": y,
            "on_front": list(self.found.on_front),
            "statistically_on_front": list(self.found.statistically_on_front),
            "knee": self.found.knee,
            "recommendation": {"trial_id": took.best, "runner_up": took.runner_up, "reason": took.reason, "feasible": list(took.feasible)},
            "not_comparable": {trial_id: list(keys) for trial_id, keys in self.found.not_comparable.items()},
            "elsewhere": self.elsewhere,
            "comparable_p50_ms": {row.id: row.point.value("latency_p50_ms") for row in self.table},
            "reference_p50_ms": self.table[0].reference_ms,
        }

    def in_words(self) -> str:
        marks = dict.fromkeys(self.found.on_front, "on the front")
        if self.found.knee:
            marks[self.found.knee] = "on the front, knee"
        footing = in_words((row.document for row in self.table), self.table[0].reference_ms)
        lines = [cli_text.table(self.table, marks), *([footing] if footing else []), "", self.recommendation.reason]
        if self.elsewhere:
            lines.append(f"Left out: {self.elsewhere} trials from another machine or under other conditions.")
        return "\n".join(lines)


def frontier_document(documents: Sequence[TrialDocument], given: Namespace) -> FrontierDocument:
    """The front of the newest machine and conditions; raises `ParetoscopeError` for an unknown metric."""
    axes = objectives(given.x, given.y)
    newest = max(documents, key=lambda document: document.measured_at.timestamp() if document.measured_at else 0)
    here = tuple(document for document in documents if _where(document) == _where(newest))
    table = rows(here)
    points = [row.point for row in table]
    baseline = next((row.point for row in table if row.document.is_baseline), None)
    took = recommend(points, _limits(given), axes, baseline)
    return FrontierDocument(tuple(table), front(points, axes), took, len(documents) - len(here))


def _where(document: TrialDocument) -> tuple[object, ...]:
    at = document.latency
    return (document.machine.id if document.machine else None, *((at.batch, at.sequence, at.threads) if at else ()))


def _limits(given: Namespace) -> list[Limit]:
    limits: list[Limit] = []
    if given.max_drop is not None:
        limits.append(MaxDrop(given.max_drop / 100))
    if given.max_latency_ms is not None:
        limits.append(Constraint("latency_p50_ms", given.max_latency_ms))
    if given.max_size_mb is not None:
        limits.append(Constraint("size_bytes", given.max_size_mb * 1e6))
    return limits
