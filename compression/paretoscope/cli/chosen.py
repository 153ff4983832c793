"""Chosen trials with the trials of their scopes, from the workspace or the shipped study."""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.cli.finding import finished_trial
from paretoscope.frontier.normalize import session_key
from paretoscope.store.store import Store
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument


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
