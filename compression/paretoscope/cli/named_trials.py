"""Trials by the beginning of their id, from the workspace or the shipped study."""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.cli.source import trials_alike
from paretoscope.errors import ParetoscopeError, StoreError
from paretoscope.report.tables.table import baseline_of
from paretoscope.store.store import SHORTEST_ID, Store
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument


def named_trials(
    store: Store, starts: Sequence[str]
) -> tuple[list[TrialDocument], list[TrialDocument]]:
    """The trials whose ids begin with `starts`, each once, and those to normalize their times with.

    The latter are the workspace's, and the shipped study's where one of the trials is of it.
    Raises `ParetoscopeError` for an unknown or unfinished trial.
    """
    found: dict[str, tuple[TrialDocument, bool]] = {}
    for start in starts:
        document, shipped = _one(store, start)
        found[document.trial_id] = document, shipped
    own = [
        trial_id.removesuffix(BASELINE_SUFFIX)
        for trial_id, (_, shipped) in found.items()
        if not shipped
    ]
    study = shipped_study() if any(shipped for _, shipped in found.values()) else []
    return [document for document, _ in found.values()], [*trials_alike(store, own), *study]


def _one(store: Store, start: str) -> tuple[TrialDocument, bool]:
    """A finished trial or the baseline measured with it, and whether it is of the shipped study."""
    if start.endswith(BASELINE_SUFFIX):
        document, shipped = _one(store, start.removesuffix(BASELINE_SUFFIX))
        return (baseline_of(document) if document.baseline else document), shipped
    try:
        row = store.find(start)
    except StoreError:
        long_enough = len(start) >= SHORTEST_ID
        found = [each for each in shipped_study() if each.trial_id.startswith(start)]
        if not long_enough or len(found) != 1:
            raise
        return found[0], True
    if row.document is None:
        raise ParetoscopeError(
            f"Trial {row.trial_id} is {row.status} and has no results; only finished trials have"
            " them."
        )
    return row.document, False
