"""The playground: the reader's own text or prompt on the artefacts of the compared models."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.compare import classifier_playground, generation_playground
from paretoscope.dashboard.compare.generation_playground import is_language_model
from paretoscope.dashboard.parts import downloads
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed

HEADING = "#### Try your own text"


def draw(rows: Sequence[Row]) -> None:
    st.markdown(HEADING)
    folders = {row.id: folder for row in rows if (folder := downloads.folder(row))}
    missing = [row.short_name for row in rows if row.id not in folders]
    if missing:
        st.caption(f":material/info: {removed(missing)}")
    present = [row for row in rows if row.id in folders]
    generators = [row for row in present if is_language_model(folders[row.id])]
    if generators:
        generation_playground.draw(generators, folders)
    elif present:
        classifier_playground.draw(present, folders)


def removed(names: Sequence[str]) -> str:
    """The message for models without an artefact on this disk."""
    return f"Not available, because the artefact was removed from this disk: {listed(names)}."
