"""The `compare` command: trials side by side, who is better than whom, what their recipes do
differently, and every two of them on the same examples.

The mathematics is `frontier/comparison.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.cli import text
from paretoscope.cli.source import beside
from paretoscope.errors import ParetoscopeError, StoreError
from paretoscope.frontier.comparison import (
    Pair,
    headline,
    judged_by,
    names,
    one_session_key,
    pairs,
    standings,
    verdict,
)
from paretoscope.frontier.front import Frontier
from paretoscope.recipes.diff import Difference, recipe_differences
from paretoscope.report.tables.table import Row, baseline_of, row_among
from paretoscope.store.store import SHORTEST_ID, Store
from paretoscope.trials.samples import BESIDE, read_samples
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class ComparisonDocument:
    """What the command prints. `beaten` has for each trial those that it dominates; pairs are in
    the order in which the trials were given.
    """

    table: tuple[Row, ...]
    found: Frontier
    beaten: dict[str, tuple[str, ...]]
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        ids = [row.id for row in self.table]
        return {
            "trials": [row.document.to_json() for row in self.table],
            "objectives": [objective.key for objective in self.found.objectives],
            "dominates": {id: list(others) for id, others in self.beaten.items()},
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
        called = names([row.document for row in self.table])
        marks = dict.fromkeys(self.found.on_front, "on the front of these")
        answer = [
            line for line in (*headline(self.found, self.beaten, called), self._apart()) if line
        ]
        parts = [text.table(self.table, marks), "\n".join(answer)]
        if self.differences:
            parts.append(
                text.columns(
                    [
                        ("recipe", *called.values()),
                        *((row.in_words(), *row.values) for row in self.differences),
                    ]
                )
            )
        return "\n\n".join([*parts, "\n".join(_pair_in_words(pair, called) for pair in self.pairs)])

    def _apart(self) -> str:
        if one_session_key([row.document for row in self.table]):
            normalized_to = list(
                dict.fromkeys(
                    row.reference.normalized_to for row in self.table if row.reference.normalized_to
                )
            )
            return (
                f"Timed in sittings of their own: {'; '.join(normalized_to)}."
                if normalized_to
                else ""
            )
        return (
            "Not all were timed on one machine under the same conditions, so their times are not"
            " compared."
        )


def _pair_in_words(pair: Pair, called: dict[str, str]) -> str:
    said = (
        verdict(pair.paired, pair.n) if pair.paired else f"no paired comparison, for {pair.reason}"
    )
    return f"{called[pair.second]} beside {called[pair.first]}: {said}"


def comparison_document(workspace: Workspace, starts: Sequence[str]) -> ComparisonDocument:
    """The comparison of the trials whose ids begin with `starts`; raises `ParetoscopeError` when
    that cannot be made.
    """
    store = Store.open(workspace)
    documents, others = _measured(store, starts)
    store.close()
    if len(documents) < 2:
        raise ParetoscopeError(
            "A comparison needs two different trials; name another one beside the first,"
            " `paretoscope jobs` lists them."
        )
    tasks = {document.task: document for document in documents}
    if len(tasks) > 1:
        listed = ", ".join(f"{document.trial_id} on {task}" for task, document in tasks.items())
        raise ParetoscopeError(
            f"Trials of different tasks cannot be compared ({listed}); name trials of one task."
        )
    table = tuple(row_among(document, others) for document in documents)
    found, beaten = standings([row.point for row in table], judged_by(documents))
    differences = recipe_differences([document.recipe for document in documents])
    kept = {document.trial_id: read_samples(workspace, document.trial_id) for document in documents}
    return ComparisonDocument(
        table, found, beaten, tuple(differences), tuple(pairs(documents, kept))
    )


def _measured(
    store: Store, starts: Sequence[str]
) -> tuple[list[TrialDocument], list[TrialDocument]]:
    """The trials, each once, and what else the workspace has of their models, the shipped study too
    where one of them is of that.
    """
    found = {
        document.trial_id: (document, shipped)
        for document, shipped in (_one(store, start) for start in starts)
    }
    own = beside(
        store, [id.removesuffix(BESIDE) for id, (_, shipped) in found.items() if not shipped]
    )
    study = shipped_study() if any(shipped for _, shipped in found.values()) else []
    return [document for document, _ in found.values()], [*own, *study]


def _one(store: Store, start: str) -> tuple[TrialDocument, bool]:
    """A finished trial of the workspace, the baseline beside one, or a point of the shipped study,
    and whether it is the latter.
    """
    if start.endswith(BESIDE):
        document, shipped = _one(store, start.removesuffix(BESIDE))
        return (baseline_of(document) if document.baseline else document), shipped
    try:
        row = store.find(start)
    except StoreError:
        shipped = (
            [each for each in shipped_study() if each.trial_id.startswith(start)]
            if len(start) >= SHORTEST_ID
            else []
        )
        if len(shipped) != 1:
            raise
        return shipped[0], True
    if row.document is None:
        raise ParetoscopeError(
            f"Trial {row.trial_id} is {row.status} and has nothing to compare; only one that is"
            " done has."
        )
    return row.document, False
