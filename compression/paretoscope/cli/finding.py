"""A trial by the start of its id: its document, and the folder of its artefact."""

from __future__ import annotations

from pathlib import Path

from paretoscope.cli.export import artifact_folder, shipped_only
from paretoscope.errors import ParetoscopeError, StoreError
from paretoscope.report.tables.table import baseline_of
from paretoscope.store.store import SHORTEST_ID, Store, TrialRow
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


def finished_trial(store: Store, start: str) -> tuple[TrialDocument, bool]:
    """A finished trial or the baseline measured with it, and whether it is of the shipped study.

    Raises `ParetoscopeError` when there is none.
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
    if row.document is None or row.document.status != "done":
        raise ParetoscopeError(
            f"Trial {row.trial_id} is {row.status} and has no results; only finished trials have."
        )
    return row.document, False


def trial_with_artifact(store: Store, start: str) -> TrialRow:
    """A trial of the workspace.

    Raises `StoreError`, or `ArtifactError` for a trial of the shipped study, which has no artefact.
    """
    try:
        return store.find(start)
    except StoreError:
        if (shipped := shipped_only(start)) is not None:
            raise shipped from None
        raise


def folder_of(workspace: Workspace, start: str) -> Path:
    """The folder of a trial's artefact; raises `ParetoscopeError` when there is none."""
    store = Store.open(workspace)
    try:
        return artifact_folder(trial_with_artifact(store, start), workspace)
    finally:
        store.close()
