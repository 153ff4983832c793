"""The artefacts of this workspace by model: where they are and how much disk they use."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from paretoscope.dashboard.shell import data


class Artifacts(NamedTuple):
    """The folders of the artefacts of one model that exist, and their bytes."""

    folders: tuple[Path, ...] = ()
    size_bytes: int = 0


def of_model(name: str) -> Artifacts:
    folder = data.workspace().artifacts
    try:
        changed = folder.stat().st_mtime_ns  # an artefact that comes or goes changes it
    except OSError:
        return Artifacts()
    return _by_model(str(folder), (data.version(), changed)).get(name, Artifacts())


@st.cache_resource(show_spinner=False, max_entries=4)
def _by_model(folder: str, state: tuple[int, int]) -> dict[str, Artifacts]:
    """Cached until the store or the folder changes, which is `state`."""
    found: dict[str, Artifacts] = {}
    there = {path.name for path in Path(folder).iterdir()}
    for row in data.trials(sorted(there)):
        document = row.document
        if document is None or document.artifact is None:
            continue
        before = found.get(document.model, Artifacts())
        found[document.model] = Artifacts(
            (*before.folders, Path(folder) / document.trial_id),
            before.size_bytes + sum(document.artifact.files.values()),
        )
    return found
