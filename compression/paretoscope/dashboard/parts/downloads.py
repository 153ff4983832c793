"""Downloads of a model: artefact, recipe, and how to make it on this machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.report.tables.table import Row
from paretoscope.tasks.ref import DataOptions
from paretoscope.trials.command import run_command

MAKE, GET = "Make this model", "Get it"
REMOVED = "Its artefact was removed from this disk."


def folder(row: Row) -> Path | None:
    """The artefact's folder; None when it was measured elsewhere or has been removed."""
    record = row.document.artifact
    if record is None:
        return None
    path = data.workspace().root / record.path
    return path if (path / "manifest.json").is_file() else None


def file_name(row: Row) -> str:
    """The base name of all downloads of a model: the model and the trial id."""
    return f"{row.summary.model.rstrip('/').rsplit('/', 1)[-1]}-{row.id}"


def zipped(folder: Path, name: str) -> Callable[[], bytes]:
    """A function that packs the folder; it runs only on a click.

    Files are stored without compression, which hardly shrinks weights and takes time.
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
    """The model as a zip, or how to make it on this machine; and its recipe."""
    model(scope, row, key=key, primary=primary)
    recipe(row, key=key)


def model(scope: Scope, row: Row, *, key: str, primary: bool = False) -> None:
    """The model as a zip, or how to make it on this machine."""
    name = file_name(row)
    if found := folder(row):
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
            help=glossary.sentence("Artefact"),
        )
    else:
        make(scope, row, key=key, label=GET if primary else MAKE)


def recipe(row: Row, *, key: str) -> None:
    """The recipe as YAML."""
    st.download_button(
        "Recipe",
        row.summary.recipe.to_yaml(),
        file_name=f"{file_name(row)}.yaml",
        mime="application/yaml",
        on_click="ignore",
        icon=":material/description:",
        type="tertiary",
        key=f"yaml_{key}",
        help="Downloads the recipe as YAML.",
    )


def make(scope: Scope, row: Row, *, key: str, label: str = MAKE) -> None:
    """The popover of a model whose artefact is not on this disk."""
    with st.popover(label, icon=":material/compress:"):
        st.markdown(f"{_missing(scope)} Compress and measure it on this machine:")
        if permissions.button(
            "Make model", type="primary", icon=":material/compress:", key=f"make_{key}"
        ):
            _queue(scope, row)
        st.caption("On the command line, with the recipe saved as recipe.yaml:")
        st.code(
            run_command(row.document, scope.model, scope.task), language="shell", wrap_lines=True
        )


def _queue(scope: Scope, row: Row) -> None:
    conditions = default_conditions(scope.model)
    try:
        wanted = request(
            scope.model,
            row.summary.recipe,
            task=scope.task,
            conditions=conditions,
            options=DataOptions.model_validate(row.document.data_options),
        )
        data.queue([wanted])
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()


def _missing(scope: Scope) -> str:
    """Why there is nothing to download."""
    if scope.here:
        return REMOVED
    return f"It was measured on {scope.elsewhere}; its artefact is not included."
