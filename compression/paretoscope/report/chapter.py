"""A chapter of a report: the models of one scope, their front and the recommended one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.limits import Limit, MaxDrop
from paretoscope.frontier.normalize import session_key
from paretoscope.frontier.points import Objective, objectives
from paretoscope.frontier.recommend import Recommendation, recommend
from paretoscope.report.alternatives import Alternative, alternatives
from paretoscope.report.plain_answer import KEEP, sentence
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials import axes as defaults
from paretoscope.trials.axes import Axes
from paretoscope.trials.trial import TrialDocument

RECOMMENDED, ORIGINAL = "Recommended", "Original"


@dataclass(frozen=True)
class Chapter:
    """Models of one model, task, machine and set of conditions; `picked` are ids of rows."""

    table: tuple[Row, ...]
    picked: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Row]:
        return {row.id: row for row in self.table}

    @property
    def axes(self) -> Axes:
        return self.table[0].document.axes

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return objectives(*self.axes.objectives)

    @cached_property
    def baseline(self) -> Row | None:
        return next((row for row in self.table if row.is_baseline), None)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The default limit on the loss of quality, where there is a baseline to lose against."""
        drop = MaxDrop(defaults.DROP_POINTS / 100, self.axes.quality)
        return (drop,) if self.baseline else ()

    @cached_property
    def found(self) -> Frontier:
        """The front in quality, size and time."""
        return front([row.point for row in self.table], self.objectives)

    @cached_property
    def advice(self) -> Recommendation:
        """The recommendation under the default limits."""
        baseline = self.baseline.named_point if self.baseline else None
        points = [row.named_point for row in self.table]
        return recommend(points, self.limits, self.objectives, baseline)

    @property
    def best(self) -> Row | None:
        """The recommended model."""
        return self.by_id.get(self.advice.best or "")

    @cached_property
    def cards(self) -> tuple[Alternative, ...]:
        """The models that are shown as cards: those picked, else the recommended and alternatives.

        The recommended model follows those picked when it is not among them.
        """
        best = [Alternative(RECOMMENDED, self.best)] if self.best else []
        if not self.picked:
            return (*best, *alternatives(self.found, self.advice, self.by_id))
        chosen = [
            Alternative(self._title(self.by_id[each]), self.by_id[each]) for each in self.picked
        ]
        return (*chosen, *(each for each in best if each.row.id not in self.picked))

    def _title(self, row: Row) -> str:
        if row is self.best:
            return f"Shared, {RECOMMENDED.lower()}"
        return ORIGINAL if row.is_baseline else "Shared"

    @property
    def answer(self) -> str:
        """The answer in a sentence: of the first compressed model that is picked, else of the
        recommended one.
        """
        chosen = [self.by_id[each] for each in self.picked]
        shown = next((row for row in chosen if not row.is_baseline), self.best)
        if shown is None:
            return self.advice.why
        return KEEP if shown.is_baseline else sentence(shown)


def chapters(documents: Iterable[TrialDocument], picked: Sequence[str] = ()) -> list[Chapter]:
    """A chapter for each model, task, machine and set of conditions, in the order of `documents`.

    `picked` are ids of trials; of a recipe that was measured twice the row that shows it is picked.
    Documents without measurements are left out.
    """
    groups: dict[tuple[object, ...], list[TrialDocument]] = {}
    for document in documents:
        if document.latency and document.quality:
            groups.setdefault(session_key(document), []).append(document)
    return [_chapter(group, picked) for group in groups.values()]


def _chapter(documents: Sequence[TrialDocument], picked: Sequence[str]) -> Chapter:
    table = tuple(rows(documents))
    shown = {row.document.recipe_id: row.id for row in table}
    of_trial = {document.trial_id: shown[document.recipe_id] for document in documents}
    of_trial |= {row.id: row.id for row in table}
    found = (of_trial[each] for each in picked if each in of_trial)
    return Chapter(table, tuple(dict.fromkeys(found)))
