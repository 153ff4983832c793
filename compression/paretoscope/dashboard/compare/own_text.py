"""A person's own text or prompt on the artefacts of the compared models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from paretoscope.dashboard.compare import generation_playground, text_source
from paretoscope.dashboard.compare.text_answers import answer
from paretoscope.dashboard.parts import downloads
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed

HEADING = "#### Try your own text"
NOTE = (
    "Texts are not stored. They are answered in a process of this machine, and their times are"
    " single requests on a shared machine, not measurements."
)


def draw(scope: Scope, rows: Sequence[Row]) -> None:
    """The field is disabled while no model is on this disk, with the button that makes one."""
    st.markdown(HEADING)
    folders = {row.id: folder for row in rows if (folder := artefact(row))}
    present = [row for row in rows if row.id in folders]
    _missing(scope, [row for row in rows if row.id not in folders])
    if any(row.document.generation for row in rows):
        if present:
            generation_playground.draw(present, folders)
        else:
            st.text_area("Prompt", disabled=True, placeholder="No model is on this disk")
    else:
        _classify(present, folders)


def artefact(row: Row) -> Path | None:
    """The artefact's folder, or that of a trial of this workspace with the same recipe."""
    if found := downloads.folder(row):
        return found
    record = row.document.artifact
    if record is None or record.path:
        return None  # measured in this workspace: its artefact was removed
    return _made_here(row)


def _made_here(row: Row) -> Path | None:
    """The newest artefact of this workspace with the recipe of a trial of the shipped study."""
    same = (row.document.model, row.document.task, row.document.recipe_id)
    for document in reversed(data.newest_documents(model=row.document.model)):
        record = document.artifact
        if record and (document.model, document.task, document.recipe_id) == same:
            folder = data.workspace().root / record.path
            if (folder / "manifest.json").is_file():
                return folder
    return None


def _missing(scope: Scope, missing: Sequence[Row]) -> None:
    if not missing:
        return
    names = [row.short_name for row in missing]
    st.caption(f":material/info: {unavailable(names, demo=scope.demo)}")
    with st.container(horizontal=True):
        for row in missing:
            downloads.make(scope, row, key=f"text_{row.id}", label=f"Make {row.short_name}")


def unavailable(names: Sequence[str], *, demo: bool) -> str:
    """Why models cannot answer."""
    if demo:
        one = len(names) == 1
        return (
            f"{listed(names)} {'is' if one else 'are'} not on this disk: the demo study ships"
            " results, not models."
        )
    return f"Not available, because the artefact was removed from this disk: {listed(names)}."


@st.fragment
def _classify(rows: Sequence[Row], folders: Mapping[str, Path]) -> None:
    """Texts and answers; a new text redraws only this fragment."""
    texts = text_source.draw(disabled=not rows)
    st.caption(NOTE)
    answer(rows, folders, texts)
