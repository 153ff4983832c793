"""Bring a model: files from the browser, a path on this machine, or a hub id; then its check."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library import brought, hub_source, uploading
from paretoscope.dashboard.library.model_facts import ModelReport, examine, look_at
from paretoscope.dashboard.shell import permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.library.uploads import MODEL_SUFFIXES
from paretoscope.sources.ref import ModelRef
from paretoscope.trials.format import short

UPLOAD, PATH = "bring_model_files", "bring_model_path"
DROP = "A zip of the model's folder, its single files, or one GGUF file, up to 1 GB"
LABELS_SHOWN = 8


def draw(scope: Scope) -> ModelReport:
    """The three ways, then the model that is used: the one that was brought, or the current one."""
    st.markdown("#### 1 · Model")
    drop, path, hub = st.tabs(["Drop files", "Path on this machine", "Hub id"])
    with drop:
        st.file_uploader(
            DROP,
            type=[suffix.removeprefix(".") for suffix in MODEL_SUFFIXES],
            accept_multiple_files=True,
            max_upload_size=uploading.MOST_MODEL_MB,
            key=UPLOAD,
            on_change=uploading.model,
            args=(UPLOAD,),
            disabled=not permissions.may_act(),
            help=permissions.reason() or None,
        )
    with path:
        _path()
    with hub:
        hub_source.draw()
    if error := brought.error_of("model"):
        error_card(error)
    return _report(scope)


def _path() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Folder with config.json and safetensors, or a GGUF file",
            key=PATH,
            placeholder="/home/me/my-classifier",
        )
        permissions.button("Check", key="bring_model_read", act=_read_path)


def _read_path() -> None:
    """Callback: only a click makes the page read a path."""
    name = st.session_state.get(PATH, "").strip()
    brought.report_error("model", None)
    if not permissions.may_act() or not name:
        return
    brought.set_model(brought.absolute(name))


def _report(scope: Scope) -> ModelReport:
    name = brought.model()
    if name is None:
        found = look_at(scope.model)
        st.caption(f":material/deployed_code: Without a model, **{short(scope.model)}** is used.")
        return found
    found = examine(name)
    if found.problems:
        error_card(found.problems, f"{short(name)} cannot be used.")
    elif found.ref:
        st.success(f"**{short(name)}** can be used.", icon=":material/check_circle:")
    if found.facts:
        st.markdown(found.facts.in_words())
    if found.ref:
        st.caption(outputs_in_words(found.ref))
        for note in found.ref.notes:
            st.caption(f":material/info: {note}")
    return found


def outputs_in_words(ref: ModelRef) -> str:
    """ "6 labels: ABBR, DESC, ... · texts up to 512 tokens"."""
    if ref.architecture == "decoder":
        what = "language model: predicts the next token"
    else:
        labels = ref.labels or ()
        names = ", ".join(labels[:LABELS_SHOWN]) + (", ..." if len(labels) > LABELS_SHOWN else "")
        what = f"{ref.classes} labels" + (f": {names}" if names else " without names")
    length = f"up to {ref.max_tokens:,} tokens" if ref.max_tokens else "no limit of length"
    return f"{what} · {length}"
