"""Finished trials by the beginning of their ids: of the workspace or the shipped study."""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.errors import ParetoscopeError, StoreError
from paretoscope.frontier.normalize import session_key
from paretoscope.report.tables.table import baseline_of
from paretoscope.store.store import SHORTEST_ID, Store
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument


def finished_trial(store: Store, start: str) -> tuple[TrialDocument, bool]:
    """A finished trial or the baseline measured with it, and whether it is of the shipped study.

    `start` is the beginning of its id. Raises `ParetoscopeError` for an unknown or unfinished one.
    """
    if start.endswith(BASELINE_SUFFIX):
        document, shipped = finished_trial(store, start.removesuffix(BASELINE_SUFFIX))
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
            f"Trial {row.trial_id} is {row.status} and has no results yet; give a finished one,"
            " `paretoscope jobs` lists them."
        )
    return row.document, False


def with_their_scopes(store: Store, starts: Sequence[str]) -> tuple[list[str], list[TrialDocument]]:
    """The ids of the trials, and every trial of their models, tasks, machines and conditions.

    Trials of the shipped study come with those of the study, others with those of the workspace.
    Scopes are in the order of the trials.
    """
    found = {
        document.trial_id: (document, shipped)
        for document, shipped in (finished_trial(store, start) for start in starts)
    }
    sources = {True: shipped_study, False: store.documents}
    documents: dict[str, TrialDocument] = {}
    for document, shipped in found.values():
        scope = session_key(document)
        alike = (each for each in sources[shipped]() if session_key(each) == scope)
        documents |= {each.trial_id: each for each in alike}
    return list(found), list(documents.values())
