"""The size of an artefact: bytes on disk and sha256 of every file in its folder.

Theoretical sizes (non-zero weights times bits) are computed in `graphs/theoretical.py`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from paretoscope.errors import ArtifactError
from paretoscope.trials.trial import ArtifactRecord


def artifact_record(folder: Path) -> ArtifactRecord:
    """Bytes and sha256 of every file under `folder`, by relative path; `size_bytes` is their sum.

    Raises `ArtifactError` for a folder that is missing, empty or unreadable.
    """
    if not folder.is_dir():
        raise ArtifactError(
            f'There is no artefact folder "{folder}": run the trial again to make it.'
        )
    files: dict[str, int] = {}
    hashes: dict[str, str] = {}
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
                files[name] = file.tell()
    except OSError as error:
        raise ArtifactError(
            f'The artefact "{folder}" cannot be read ({error}): run the trial again to make it.'
        ) from error
    if not files:
        raise ArtifactError(
            f'The artefact folder "{folder}" is empty: run the trial again to make it.'
        )
    return ArtifactRecord(
        path=str(folder), size_bytes=sum(files.values()), files=files, sha256=hashes
    )
