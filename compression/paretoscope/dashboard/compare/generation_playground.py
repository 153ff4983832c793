"""The playground of language models: one prompt, every model's text beside the others' as it is
written, and where it parts from the first's.

What is typed and what is written stays in the memory of this session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.inference.side_by_side import Writer, Written, first_difference, interleaved
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row

MOST = 3
"""So many write at once: each holds its weights in memory, and all share the cores."""
PROMPT, STATE, ASKED = "prompt", "written", "written_for"
LENGTHS = (16, 32, 64, 128, 256)
Place = tuple[DeltaGenerator, DeltaGenerator]
"""Of one model: where its text goes, and where its speed."""


def is_writer(folder: Path) -> bool:
    """Whether an artefact is a language model, which carries the configuration of a generation
    loop.
    """
    return (folder / "genai_config.json").is_file()


@dataclass(frozen=True)
class Settings:
    """How to write on: a `temperature` of 0 takes the likeliest token each time."""

    chat: bool
    length: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


def draw(rows: Sequence[Row], folders: Mapping[str, Path]) -> None:
    """The prompt, how to write on from it, and a card a model. Any press, as on Stop, ends the run
    that writes; what is written stays.

    No fragment: streamlit lets a fragment's run go on to its end before it looks at what was
    pressed.
    """
    shown = rows[:MOST]
    prompt = st.text_area("Prompt", key=PROMPT, placeholder="Once upon a time", max_chars=8000)
    settings = _settings()
    with st.container(horizontal=True):
        start = st.button("Write", type="primary", icon=":material/edit_note:", key="write")
        stop = st.empty()
    st.caption(
        "Neither the prompt nor the texts are stored. They write a token each in turn; speeds are"
        " those of this page, not the measured ones."
    )
    if len(rows) > MOST:
        st.caption(f":material/info: The first {MOST} of {len(rows)} models write.")
    if start and (reason := _not_now(prompt)):
        st.caption(reason)
        start = False
    writers = _writers(shown, folders) if start or STATE in st.session_state else {}
    if start:
        stop.button("Stop", icon=":material/stop_circle:", key="stop")
        st.session_state[STATE], st.session_state[ASKED] = (
            {id: Written() for id in writers},
            (prompt, settings),
        )
    written: dict[str, Written] = st.session_state.get(STATE, {})
    if written and st.session_state[ASKED] != (prompt, settings):
        st.caption(
            ":material/history: These were written before prompt or settings changed; press Write"
            " for new ones."
        )
    places = _cards([row for row in shown if row.id in writers and row.id in written])
    for id in places:
        _show(id, places, written, writers)
    if start:
        _write(prompt, settings, writers, written, places)
        stop.empty()


def _not_now(prompt: str) -> str:
    """Why nothing is written; empty when it can be."""
    if not prompt.strip():
        return ":material/info: Type a prompt first."
    if data.measuring():
        return (
            ":material/hourglass: A latency is being taken on this machine; writing now would"
            " disturb it. Press Write again in a moment."
        )
    return ""


def _write(
    prompt: str,
    how: Settings,
    writers: Mapping[str, Writer],
    written: Mapping[str, Written],
    places: Mapping[str, Place],
) -> None:
    """Token by token, each shown as soon as it is there."""
    try:
        streams = {
            id: writer.stream(
                writer.encode(writer.chat_prompt(prompt) if how.chat else prompt),
                max_new_tokens=how.length,
                temperature=how.temperature,
                top_p=how.top_p,
                seed=how.seed,
            )
            for id, writer in writers.items()
        }
        for id in interleaved(streams, written):
            _show(id, places, written, writers, writes=True)
    except ParetoscopeError as error:  # such as a prompt that is longer than the context
        error_card(error)


def _settings() -> Settings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chat = st.segmented_control(
            "Prompt is",
            ["a message", "the start of a text"],
            default="a message",
            required=True,
            key="prompt_is",
        )
        how = st.segmented_control(
            "Next token", ["greedy", "sampled"], default="greedy", required=True, key="next_token"
        )
        length = st.select_slider("New tokens", LENGTHS, 64, key="new_tokens", width=220)
    plain = Settings(chat == "a message", length)
    if how == "greedy":
        return plain
    with st.container(horizontal=True, vertical_alignment="bottom"):
        temperature = st.slider("Temperature", 0.1, 2.0, 0.8, 0.1, key="temperature", width=220)
        top_p = st.slider("Top-p", 0.05, 1.0, 0.95, 0.05, key="top_p", width=220)
        seed = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            0,
            key="seed",
            width=140,
            help="The same for all, so that equal models write equal texts.",
        )
    return replace(plain, temperature=temperature, top_p=top_p, seed=int(seed))


def _writers(rows: Sequence[Row], folders: Mapping[str, Path]) -> dict[str, Writer]:
    found: dict[str, Writer] = {}
    for row in rows:
        try:
            with st.spinner(f"Opening {row.name}"):
                found[row.id] = _opened(
                    str(folders[row.id]), (folders[row.id] / "manifest.json").stat().st_mtime_ns
                )
        except ParetoscopeError as error:
            error_card(error)
    return found


@st.cache_resource(show_spinner=False, max_entries=MOST, ttl=1800)
def _opened(folder: str, changed_ns: int) -> Writer:
    from paretoscope.inference.generate import (
        open_decoder,
    )  # the runtime is loaded when somebody asks

    manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    return open_decoder(Path(folder), manifest["conditions"]["threads"], spinning=False)


def _cards(rows: Sequence[Row]) -> dict[str, Place]:
    """A card a model, with a place for its text and one for its speed."""
    places: dict[str, Place] = {}
    for column, row in zip(st.columns(len(rows)) if rows else [], rows, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"{STYLES[row.family].glyph} **{row.name}**")
            places[row.id] = st.empty(), st.empty()
    return places


def _show(
    id: str,
    places: Mapping[str, Place],
    written: Mapping[str, Written],
    writers: Mapping[str, Writer],
    *,
    writes: bool = False,
) -> None:
    """The text so far, which may still grow while it `writes`. From where it parts from the first
    model's the next word is marked.
    """
    first, one = next(iter(places)), written[id]
    text, reference = (
        writers[each].decode(written[each].ids).rstrip("\ufffd") for each in (id, first)
    )  # half a character waits for the rest
    at = first_difference(text, reference)
    spot, pace = places[id]
    spot.markdown(plain(text) if at is None else marked(text, at))
    if not one.ids:
        return
    said = [f"{len(one.ids)} tokens", f"first after {one.seconds[0] * 1000:.0f} ms"]
    said += [f"{one.tokens_per_s:.1f} tokens/s"] if one.tokens_per_s else []
    said += (
        []
        if id == first
        else [
            "no other word so far" if at is None else f"parts from the first after {at} characters"
        ]
    )
    said += [] if writes and not one.ended else [_end(one)]
    pace.caption(", ".join(said))


def _end(one: Written) -> str:
    """Whether a text that does not grow any more is whole."""
    if not one.ended:
        return "stopped"
    length = st.session_state[ASKED][1].length
    return f"cut at {length} tokens" if len(one.ids) >= length else "ended"


def marked(text: str, at: int) -> str:
    r"""Markdown of `text` with the word that begins at `at` on a coloured ground.

    >>> marked("It is so.", 3)
    'It :orange-background[is] so\\.'
    """
    word = re.match(r"\s*\S+", text[at:])
    end = at + (word.end() if word else 0)
    return f"{plain(text[:at])}:orange-background[{plain(text[at:end])}]{plain(text[end:])}"


def plain(text: str) -> str:
    r"""Markdown that shows exactly `text`: what a model writes is never read as markup.

    >>> plain("# 1 < 2\n*so* $x$")
    '\\# 1 \\< 2  \n\\*so\\* \\$x\\$'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).replace("\n", "  \n")
