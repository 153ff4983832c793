"""The playground of language models: their texts for one prompt, generated side by side.

Prompt and texts are kept only in the memory of the session.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from paretoscope.dashboard.compare import generated_text, generation_settings
from paretoscope.dashboard.compare.generation_settings import Settings
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.inference.sampling import Sampling
from paretoscope.inference.side_by_side import Generated, Generator, first_difference, interleaved
from paretoscope.report.tables.table import Row

MOST = 3
"""Models that generate at once: each holds its weights in memory, and all share the cores."""
PROMPT, TEXTS, GENERATED_FOR = "prompt", "written", "written_for"
GENERATE, STOP = "write", "stop"
"""Keys of the session state."""
NOTE = (
    "Prompt and texts are not stored. The models take turns for each token; speeds are those of"
    " this page, not measurements."
)
OUTDATED = "Prompt or settings have changed since these texts were generated."
NO_PROMPT = ":material/info: Enter a prompt first."
BUSY = (
    ":material/hourglass: A latency is being measured, which text generation would disturb. Try"
    " again later."
)


class Place(NamedTuple):
    """Where a card shows its text and the notes below it."""

    text: DeltaGenerator
    notes: DeltaGenerator


@dataclass(frozen=True)
class Session:
    """Open models, their texts so far and their cards, by trial id."""

    models: Mapping[str, Generator]
    texts: Mapping[str, Generated]
    places: Mapping[str, Place]


def draw(rows: Sequence[Row], folders: Mapping[str, Path]) -> None:
    """Prompt, settings, and a card for each model.

    Any interaction, such as Stop, ends the run that generates; the texts so far remain. A fragment
    is not used, because Streamlit finishes its run before it handles the interaction.
    """
    shown = rows[:MOST]
    prompt = st.text_area("Prompt", key=PROMPT, placeholder="Once upon a time", max_chars=8000)
    settings = generation_settings.draw()
    with st.container(horizontal=True):
        start = permissions.button(
            "Generate", type="primary", icon=":material/edit_note:", key=GENERATE
        )
        stop = st.empty()
    st.caption(NOTE)
    if len(rows) > MOST:
        st.caption(f":material/info: Only the first {MOST} of {len(rows)} models are used.")
    if start and (reason := _unavailable(prompt)):
        st.caption(reason)
        start = False
    models = _open(shown, folders) if start or TEXTS in st.session_state else {}
    if start:
        stop.button("Stop", icon=":material/stop_circle:", key=STOP)
        st.session_state[TEXTS] = {trial_id: Generated() for trial_id in models}
        st.session_state[GENERATED_FOR] = prompt, settings
    texts: dict[str, Generated] = st.session_state.get(TEXTS, {})
    if texts and st.session_state[GENERATED_FOR] != (prompt, settings):
        st.caption(f":material/history: {OUTDATED}")
    places = _cards([row for row in shown if row.id in models and row.id in texts])
    session = Session(models, texts, places)
    for trial_id in places:
        _show(trial_id, session)
    if start:
        _generate(prompt, settings, session)
        stop.empty()


def _unavailable(prompt: str) -> str:
    """Why no text can be generated; empty when it can."""
    if not prompt.strip():
        return NO_PROMPT
    return BUSY if data.measuring() else ""


def _generate(prompt: str, settings: Settings, session: Session) -> None:
    """Generate token by token and show each at once."""
    permissions.require()  # it holds the weights of up to three models and all cores
    try:
        streams = {
            trial_id: model.stream(
                model.encode(model.chat_prompt(prompt) if settings.chat else prompt),
                max_new_tokens=settings.length,
                sampling=Sampling(
                    temperature=settings.temperature, top_p=settings.top_p, seed=settings.seed
                ),
            )
            for trial_id, model in session.models.items()
        }
        for trial_id in interleaved(streams, session.texts):
            _show(trial_id, session, running=True)
    except ParetoscopeError as error:  # such as a prompt that exceeds the context
        error_card(error)


def _open(rows: Sequence[Row], folders: Mapping[str, Path]) -> dict[str, Generator]:
    found: dict[str, Generator] = {}
    for row in rows:
        try:
            with st.spinner(f"Loading {row.short_name}"):
                folder = folders[row.id]
                changed = (folder / "manifest.json").stat().st_mtime_ns
                found[row.id] = _opened(str(folder), changed)
        except ParetoscopeError as error:
            error_card(error)
    return found


@st.cache_resource(show_spinner=False, max_entries=MOST, ttl=1800)
def _opened(folder: str, changed_ns: int) -> Generator:
    # Imported here, so that other pages do not load the runtime.
    from paretoscope.inference.generate import open_decoder

    manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    return open_decoder(Path(folder), manifest["conditions"]["threads"], spinning=False)


def _cards(rows: Sequence[Row]) -> dict[str, Place]:
    """A card for each model, with places for its text and notes."""
    places: dict[str, Place] = {}
    for column, row in zip(st.columns(len(rows)) if rows else [], rows, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{title(row)}**")
            places[row.id] = Place(st.empty(), st.empty())
    return places


def _show(trial_id: str, session: Session, *, running: bool = False) -> None:
    """The text so far, with the first word marked that differs from the first model's."""
    first, found = next(iter(session.places)), session.texts[trial_id]
    text, reference = _text(trial_id, session), _text(first, session)
    at = first_difference(text, reference)
    place = session.places[trial_id]
    place.text.markdown(
        generated_text.plain(text) if at is None else generated_text.marked(text, at)
    )
    if not found.ids:
        return
    notes = generated_text.speed(found)
    if trial_id != first:
        notes.append(generated_text.difference(at))
    if found.ended or not running:
        length = st.session_state[GENERATED_FOR][1].length
        notes.append(generated_text.end(found, length))
    place.notes.caption(", ".join(notes))


def _text(trial_id: str, session: Session) -> str:
    """The decoded text without an incomplete character at its end."""
    return session.models[trial_id].decode(session.texts[trial_id].ids).rstrip("\ufffd")
