"""Trials by the beginning of their id, from the workspace or the shipped study."""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.cli.finding import finished_trial
from paretoscope.cli.source import trials_alike
from paretoscope.store.store import Store
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.study import shipped_study
from paretoscope.trials.summary import Trial
from paretoscope.trials.trial import TrialDocument


def named_trials(store: Store, starts: Sequence[str]) -> tuple[list[TrialDocument], list[Trial]]:
    """The trials whose ids begin with `starts`, each once, and those to normalize their times with.

    The latter are the workspace's, and the shipped study's where one of the trials is of it.
    Raises `ParetoscopeError` for an unknown or unfinished trial.
    """
    found: dict[str, tuple[TrialDocument, bool]] = {}
    for start in starts:
        document, shipped = finished_trial(store, start)
        found[document.trial_id] = document, shipped
    own = [
        trial_id.removesuffix(BASELINE_SUFFIX)
        for trial_id, (_, shipped) in found.items()
        if not shipped
    ]
    study = shipped_study() if any(shipped for _, shipped in found.values()) else []
    return [document for document, _ in found.values()], [*trials_alike(store, own), *study]
