"""Cards of all models: built-in ones, added ones, and those that were measured here."""

from __future__ import annotations

from functools import partial

import streamlit as st

from paretoscope.dashboard.library import artifacts, brought, deleting, grid
from paretoscope.dashboard.library.model_facts import ModelReport, look_at
from paretoscope.dashboard.library.model_source import outputs_in_words
from paretoscope.dashboard.library.wording import counted, in_bytes
from paretoscope.dashboard.shell import data, measured, permissions, scope_choice
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.trials.format import short

BUILT_IN = "It is built in."
NO_ARTIFACTS = "It has no artefacts on this disk."
KEPT = "Measured results stay. Files outside the workspace are not touched."


def draw(scope: Scope) -> None:
    names = _names()
    st.markdown(f"#### Models ({len(names)})")
    grid.draw(names, partial(_card, scope))


def _names() -> list[str]:
    """Added models first, then built-in ones, then others that were measured here."""
    added = [entry.name for entry in reversed(data.library()) if entry.kind == "model"]
    builtin = [ref.name for ref in data.builtin_models()]
    known = [each.example.model for each in measured.scopes()]
    return list(dict.fromkeys([*added, *builtin, *known]))


def _card(scope: Scope, name: str) -> None:
    found = look_at(name)
    own = found.ref is None or found.ref.kind != "builtin"
    badge = ":blue-badge[yours]" if own else ":gray-badge[built-in]"
    current = " :green-badge[selected]" if name == scope.model else ""
    st.markdown(f"**{short(name)}** {badge}{current}")
    st.markdown(found.facts.in_words() if found.facts else "")
    st.caption(_state(name, found))
    if not own and found.ref:
        st.caption(f"{found.ref.source}.")
    if found.problems:
        st.caption(f":red[:material/error:] {found.problems}")
    with st.container(horizontal=True, gap="xsmall"):
        permissions.button(
            "Use",
            key=f"use_model_{name}",
            why_not="It cannot be used; see the reason above." if found.problems else "",
            act=partial(_use, name),
        )
        with st.popover("Details", type="tertiary", key=f"details_model_{name}"):
            _details(name, found)
        with st.popover("Delete", type="tertiary", key=f"delete_model_{name}"):
            _delete(name, own=own)


def _state(name: str, found: ModelReport) -> str:
    """Task, trials measured and disk used."""
    task = f"task {found.ref.task}" if found.ref and found.ref.task else ""
    here = sum(each.trials for each in measured.scopes() if each.example.model == name)
    demo = sum(document.model == name for document in data.demo_documents())
    used = artifacts.of_model(name)
    parts = [
        task,
        f"{counted(here, 'trial')} here",
        f"{demo:,} in the demo study" if demo else "",
        f"{in_bytes(used.size_bytes)} of artefacts" if used.folders else "no artefacts",
    ]
    return " · ".join(filter(None, parts))


def _use(name: str) -> None:
    """Callback: the model with the data that it was used with last, else ask for data."""
    tasks = [entry.name for entry in data.library() if entry.kind == "data" and entry.model == name]
    tasks += [each.example.task for each in measured.scopes() if each.example.model == name]
    tasks += [ref.task for ref in data.builtin_models() if ref.name == name and ref.task]
    if tasks:
        scope_choice.select(name, tasks[0] if name in _builtin() else tasks[-1])
        st.session_state[brought.USED] = (name, st.session_state["task"])
    else:
        brought.set_model(name)


def _builtin() -> set[str]:
    return {ref.name for ref in data.builtin_models()}


def _details(name: str, found: ModelReport) -> None:
    ref = found.ref
    if ref is None:
        st.code(name, language=None, wrap_lines=True)
        return
    st.markdown(f"{ref.about}.")
    st.markdown(outputs_in_words(ref))
    if ref.labels:
        st.caption(", ".join(ref.labels))
    st.markdown(f"**Source and licence:** {ref.source}")
    for note in ref.notes:
        st.caption(f":material/info: {note}")
    st.code(f"{name}\ncontent {ref.key}", language=None, wrap_lines=True)


def _delete(name: str, *, own: bool) -> None:
    used, busy = artifacts.of_model(name), deleting.in_use(model=name)
    count = len(used.folders)
    permissions.button(
        f"Delete {counted(count, 'artefact')} ({in_bytes(used.size_bytes)})",
        key=f"drop_artifacts_{name}",
        why_not=busy if count else NO_ARTIFACTS,
        act=partial(
            deleting.delete, f"{counted(count, 'artefact')} of {short(name)}", used.folders
        ),
    )
    entries = [entry for entry in data.library() if (entry.kind, entry.name) == ("model", name)]
    permissions.button(
        "Remove the model",
        key=f"drop_model_{name}",
        why_not=busy if own and entries else "It was not added here." if own else BUILT_IN,
        act=partial(deleting.delete, f"Model {short(name)}", deleting.uploaded(name), entries),
    )
    st.caption(KEPT)
