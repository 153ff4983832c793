"""The `compare` command's result: trials side by side, their recipes, and every pair of them.

The mathematics is `frontier/comparison.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.cli import text
from paretoscope.cli.named_trials import named_trials
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.comparison import (
    Pair,
    headline,
    judged_by,
    one_session_key,
    pairs,
    standings,
    verdict,
)
from paretoscope.frontier.front import Frontier
from paretoscope.recipes.diff import Difference, recipe_differences
from paretoscope.report.tables.table import Row, row_among
from paretoscope.store.store import Store
from paretoscope.trials.samples import Samples, read_samples
from paretoscope.trials.study_samples import shipped_samples
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class ComparisonDocument:
    """What the command prints; `dominated` has for each trial the ids that it dominates."""

    table: tuple[Row, ...]
    found: Frontier
    dominated: dict[str, tuple[str, ...]]
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        ids = [row.id for row in self.table]
        return {
            "trials": [row.document.to_json() for row in self.table],
            "objectives": [objective.key for objective in self.found.objectives],
            "dominates": {trial_id: list(others) for trial_id, others in self.dominated.items()},
            "comparable_p50_ms": {
                row.id: row.point.value(row.document.axes.time) for row in self.table
            },
            "recipe_differences": [
                {
                    "stage": row.stage,
                    "field": row.field,
                    "values": dict(zip(ids, row.values, strict=True)),
                }
                for row in self.differences
            ],
            "pairs": [pair.to_json() for pair in self.pairs],
        }

    def in_words(self) -> str:
        called = text.names([row.document for row in self.table])
        lines = [*headline(self.found, self.dominated, called), self._normalization()]
        parts = [
            text.table(self.table, dict.fromkeys(self.found.on_front, "on the front of these")),
            "\n".join(line for line in lines if line),
            text.columns([(called[row.id], row.name) for row in self.table]),
            self._differences(list(called.values())),
            "\n".join(_pair_in_words(pair, called) for pair in self.pairs),
        ]
        return "\n\n".join(part for part in parts if part)

    def _differences(self, names: list[str]) -> str:
        if not self.differences:
            return ""
        rows = ((row.in_words(), *row.values) for row in self.differences)
        return text.columns([("setting", *names), *rows])

    def _normalization(self) -> str:
        if not one_session_key([row.document for row in self.table]):
            return (
                "Latencies are not compared: not all trials were measured on one machine under the"
                " same conditions."
            )
        lines = dict.fromkeys(
            row.reference.normalized_to for row in self.table if row.reference.normalized_to
        )
        return f"Latencies are normalized: {'; '.join(lines)}." if lines else ""


def _pair_in_words(pair: Pair, names: dict[str, str]) -> str:
    if pair.paired:
        found = verdict(pair.paired, pair.n)
    else:
        found = f"no paired comparison: {pair.reason}"
    return f"{names[pair.second]} vs {names[pair.first]}: {found}"


def comparison_document(workspace: Workspace, starts: Sequence[str]) -> ComparisonDocument:
    """The comparison of the trials whose ids begin with `starts`.

    Raises `ParetoscopeError` for fewer than two trials and for trials of different tasks.
    """
    store = Store.open(workspace)
    documents, others = named_trials(store, starts)
    store.close()
    if len(documents) < 2:
        raise ParetoscopeError(
            "A comparison needs two different trials; give the id of another one, `paretoscope"
            " jobs` lists them."
        )
    tasks = {document.task: document for document in documents}
    if len(tasks) > 1:
        listed = ", ".join(f"{document.trial_id} on {task}" for task, document in tasks.items())
        raise ParetoscopeError(
            f"Trials of different tasks cannot be compared ({listed}); give trials of one task."
        )
    table = tuple(row_among(document, others) for document in documents)
    front, dominated = standings([row.point for row in table], judged_by(documents))
    differences = recipe_differences([document.recipe for document in documents])
    kept = {document.trial_id: _samples(workspace, document) for document in documents}
    return ComparisonDocument(
        table, front, dominated, tuple(differences), tuple(pairs(documents, kept))
    )


def _samples(workspace: Workspace, document: TrialDocument) -> Samples | None:
    """The samples of a trial of the workspace, else those that ship with the study."""
    return read_samples(workspace, document.trial_id) or shipped_samples(
        document.model, document.trial_id
    )
