"""Which measured trials an estimate can use, and how far their speed-ups are from those wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from paretoscope.machine import Machine
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.axes import Axes
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.quantization_effects import has_int8

MOST = 250
"""Most documents that are used, newest first, so that an estimate takes milliseconds."""
OTHER_MACHINE, OTHER_KERNELS, OTHER_CONDITIONS = 1.3, 2.0, 1.5
"""Factors by which a speed-up may differ: on another machine, on one of which only one has int8
instructions, and under other conditions. They are assumptions, which widen intervals.
"""


class About(NamedTuple):
    """What is estimated: a model on a task, timed on a machine under conditions.

    None matches every task, machine and conditions. `axes` are those of trials of this model, and
    by default those of a classifier.
    """

    shape: ModelShape
    task: str | None = None
    machine: Machine | None = None
    conditions: Conditions | None = None
    axes: Axes | None = None


@dataclass(frozen=True)
class Trials:
    """Finished trials: `own` of this model, `every` of all models with the same `axes`.

    `shown` are those of this model in the current scope.
    """

    own: list[TrialDocument]
    every: list[TrialDocument]
    shown: list[TrialDocument]
    axes: Axes


def select(
    about: About, points: Sequence[TrialDocument], elsewhere: Sequence[TrialDocument]
) -> Trials:
    """The trials that an estimate can use; `points` are those of the current scope."""

    def is_own(document: TrialDocument) -> bool:
        return document.model == about.shape.name and about.task in (None, document.task)

    here = _usable(points)
    every = [*_usable(elsewhere), *here]
    own = list(filter(is_own, every))[-MOST:]
    axes = own[-1].axes if own else about.axes or Axes()
    # Ratios of accuracies and of perplexities are not comparable.
    every = [document for document in every if document.axes == axes][-MOST:]
    return Trials(own, every, list(filter(is_own, here)), axes)


def _usable(documents: Sequence[TrialDocument]) -> list[TrialDocument]:
    return [
        document
        for document in documents
        if document.status == "done"
        and document.quality
        and (document.baseline or document.is_baseline)
    ]


def is_timed(document: TrialDocument, about: About) -> bool:
    """Whether a trial has a latency of the wanted machine and conditions."""
    machine, at = about.machine, document.machine
    if document.latency is None or (machine and (at is None or at.id != machine.id)):
        return False
    return about.conditions is None or _same_conditions(document, about.conditions)


def _same_conditions(document: TrialDocument, wanted: Conditions) -> bool:
    at = document.latency
    return at is not None and (at.batch, at.sequence, at.threads) == (
        wanted.batch,
        wanted.sequence,
        wanted.threads,
    )


def apart(document: TrialDocument, about: About) -> float:
    """The factor by which the speed-up of a trial may differ on the wanted machine."""
    factor = 1.0
    wanted, timed_on = about.machine, document.machine
    if wanted and (timed_on is None or timed_on.id != wanted.id):
        same = timed_on is not None and has_int8(timed_on.flags) == has_int8(wanted.flags)
        factor *= OTHER_MACHINE if same else OTHER_KERNELS
    if about.conditions and not _same_conditions(document, about.conditions):
        factor *= OTHER_CONDITIONS
    return factor
