"""Copying an artefact out of the workspace, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from paretoscope.errors import ArtifactError
from paretoscope.store.store import SHORTEST_ID, TrialRow
from paretoscope.trials.format import machine_in_words
from paretoscope.trials.study import shipped_study
from paretoscope.workspace import Workspace, whole_folder


def copy_artifact(row: TrialRow, workspace: Workspace, to: Path) -> Path:
    """Copy the artefact of a trial to a new folder, or into a new file when `to` ends in .zip.

    Raises `ArtifactError` when there is no artefact, `to` exists, or it cannot be written.
    """
    source = artifact_folder(row, workspace)
    to = to.expanduser().absolute()
    if to.exists() and (to.is_file() or any(to.iterdir())):
        raise ArtifactError(f'"{to}" exists already and is not empty; choose a new folder or file.')
    try:
        if to.suffix == ".zip":
            _zip(source, to)
        else:
            with whole_folder(to) as making:
                shutil.copytree(source, making, dirs_exist_ok=True)
    except OSError as error:
        raise ArtifactError(
            f'The model cannot be written to "{to}": {error.strerror or error}; free some space or'
            " choose another place."
        ) from error
    return to


def shipped_only(start: str) -> ArtifactError | None:
    """What to say of an id that only the shipped study knows: numbers ship, models do not, and the
    recipe makes the model here.
    """
    found = (
        [document for document in shipped_study() if document.trial_id.startswith(start)]
        if len(start) >= SHORTEST_ID
        else []
    )
    if len(found) != 1:
        return None
    (document,) = found
    return ArtifactError(
        f"Trial {document.trial_id} ({document.recipe.in_words()}) is of the shipped study,"
        f" measured on {machine_in_words(document)}: its numbers ship, its model does not. Make it"
        f" here: save {document.recipe.canonical_json()} as recipe.json, then `paretoscope run"
        f" {document.model} --task {document.task} --recipe recipe.json` prints an id to export."
    )


def artifact_folder(row: TrialRow, workspace: Workspace) -> Path:
    """Where the artefact of a trial is; raises `ArtifactError` when it has none."""
    if row.document is None or row.document.artifact is None:
        raise ArtifactError(
            f"Trial {row.trial_id} is {row.status} and has no model to export; only one that is"
            " done has."
        )
    folder = workspace.root / row.document.artifact.path
    if not folder.is_dir():
        raise ArtifactError(
            f'The model of trial {row.trial_id} is no longer at "{folder}"; make it again with'
            " `paretoscope run ... --again`."
        )
    return folder


def _zip(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
    try:
        with (
            os.fdopen(handle, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for path in sorted(path for path in source.rglob("*") if path.is_file()):
                archive.write(path, Path(to.stem) / path.relative_to(source))
        Path(name).chmod(0o644)
        os.replace(name, to)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
