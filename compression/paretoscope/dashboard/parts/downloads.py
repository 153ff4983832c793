"""What a person takes away: the artefact as a zip made on demand, the recipe, the table; and for
points whose model is not here, the button and the command that make it."""

from __future__ import annotations

import io
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.report.tables.table import Row


def folder(row: Row) -> Path | None:
    """Where the artefact lies on this machine; None when it was measured elsewhere or has been
    removed.
    """
    record = row.document.artifact
    if record is None:
        return None
    path = data.workspace().root / record.path
    return path if (path / "manifest.json").is_file() else None


def file_name(row: Row) -> str:
    """Of everything that is downloaded of one model, without an ending: the model and the id of the
    trial, the one that export takes.
    """
    return f"{row.document.model.rstrip('/').rsplit('/', 1)[-1]}-{row.id}"


def zipped(folder: Path, name: str) -> Callable[[], bytes]:
    """A function that packs the folder: called at the click, so that no page run pays for it.

    Stored without compression: weights hardly get smaller, and the file is ready at once.
    """

    def pack() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, f"{name}/{path.relative_to(folder)}")
        return buffer.getvalue()

    return pack


def artifact(scope: Scope, row: Row, *, key: str, primary: bool = False) -> None:
    """The model as a zip, or the way to make it here; and its recipe."""
    found = folder(row)
    name = file_name(row)
    if found:
        size = sum(row.document.artifact.files.values()) / 1e6 if row.document.artifact else 0
        st.download_button(
            f"Download model ({size:.3g} MB)",
            zipped(found, name),
            file_name=f"{name}.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if primary else "secondary",
            key=f"zip_{key}",
        )
    else:
        _make_here(scope, row, key)
    st.download_button(
        "Recipe",
        row.document.recipe.to_yaml(),
        file_name=f"{name}.yaml",
        mime="application/yaml",
        on_click="ignore",
        icon=":material/description:",
        type="tertiary",
        key=f"yaml_{key}",
    )


def _make_here(scope: Scope, row: Row, key: str) -> None:
    """The model is not on this disk; the same recipe makes it."""
    with st.popover("Make this model", icon=":material/compress:"):
        st.markdown(f"{_where_it_is(scope)} The same recipe makes and measures it on this machine:")
        if st.button("Make it here", type="primary", icon=":material/compress:", key=f"make_{key}"):
            try:
                data.queue(
                    [
                        request(
                            scope.model,
                            row.document.recipe,
                            task=scope.task,
                            conditions=default_conditions(scope.model),
                        )
                    ]
                )
            except ParetoscopeError as error:
                error_card(error)
            else:
                st.rerun()
        st.caption("Or on the command line, with the recipe saved as recipe.yaml:")
        st.code(
            f"paretoscope run {shlex.quote(scope.model)} --task {shlex.quote(scope.task)} --recipe"
            " recipe.yaml",
            language="shell",
            wrap_lines=True,
        )


def _where_it_is(scope: Scope) -> str:
    return (
        "Its folder is not on this disk any more."
        if scope.here
        else f"This point was measured on {scope.elsewhere} and its model does not ship."
    )
