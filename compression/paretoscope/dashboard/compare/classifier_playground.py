"""The playground: a text of one's own through the artefacts of the compared models, side by side.
What is typed is never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from paretoscope.dashboard.compare import generation_playground
from paretoscope.dashboard.parts import downloads
from paretoscope.dashboard.shell import data, layout
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.class_shares import shares_figure
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed

if TYPE_CHECKING:
    from paretoscope.inference.classify import Answer, Classifier

TEXT = "asked"
ACROSS = 3
MOST_LABELS = 8
OPEN_AT_ONCE, OPEN_SECONDS = 8, 1800
"""Artefacts that stay open for the next text, and for how long at most: each holds its weights in
memory.
"""


def draw(rows: Sequence[Row]) -> None:
    st.markdown("#### Try a text of your own")
    there = {row.id: folder for row in rows if (folder := downloads.folder(row))}
    gone = [row.name for row in rows if row.id not in there]
    if gone:
        st.caption(
            ":material/info: Cannot answer, for the files are not on this disk any more:"
            f" {listed(gone)}."
        )
    writers = [
        row for row in rows if row.id in there and generation_playground.is_writer(there[row.id])
    ]
    if writers:
        generation_playground.draw(writers, there)
    elif there:
        _ask([row for row in rows if row.id in there], there)


@st.fragment
def _ask(rows: Sequence[Row], folders: Mapping[str, Path]) -> None:
    """The text and the answers; a new text draws this part alone."""
    text = st.text_input(
        "Text", key=TEXT, placeholder="Type a text and press Enter", max_chars=4000
    )
    st.caption(
        "Not stored anywhere. The milliseconds are those of one request beside whatever else runs"
        " here; the cards have what was measured."
    )
    if not text.strip():
        return
    if data.measuring():
        st.caption(
            ":material/hourglass: A latency is being taken on this machine; asking now would"
            " disturb it. Press Enter again in a moment."
        )
        return
    answers: dict[str, Answer] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for row in rows:
        try:
            with st.spinner(f"Asking {row.name}"):
                classifier = _opened(
                    str(folders[row.id]), (folders[row.id] / "manifest.json").stat().st_mtime_ns
                )
                labels[row.id], answers[row.id] = classifier.labels, classifier.answer(text)
        except ParetoscopeError as error:
            error_card(error)
    _answers([row for row in rows if row.id in answers], labels, answers)


@st.cache_resource(show_spinner=False, max_entries=OPEN_AT_ONCE, ttl=OPEN_SECONDS)
def _opened(folder: str, changed_ns: int) -> Classifier:
    from paretoscope.inference.classify import (
        open_classifier,
    )  # the runtime is loaded when somebody asks

    return open_classifier(Path(folder))


def _answers(
    rows: Sequence[Row], labels: Mapping[str, tuple[str, ...]], answers: Mapping[str, Answer]
) -> None:
    """A card a model, the labels in one order for all, so that bars can be compared across."""
    if not rows:
        return
    order = _order(labels, answers)
    seen = {answers[row.id].tokens for row in rows}
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(
            st.columns(min(ACROSS, len(rows))), rows[start : start + ACROSS], strict=False
        ):
            with column, st.container(border=True, height="stretch"):
                _answer(row, labels[row.id], answers[row.id], order, own_tokens=len(seen) > 1)
    if len(seen) == 1:
        st.caption(_tokens(answers[rows[0].id]))


def _order(labels: Mapping[str, tuple[str, ...]], answers: Mapping[str, Answer]) -> list[str]:
    """Labels by the mean of what all models give them, the likeliest first."""
    sums: dict[str, float] = {}
    for id, answer in answers.items():
        for label, share in zip(labels[id], answer.probabilities, strict=True):
            sums[label] = sums.get(label, 0.0) + float(share)
    return sorted(sums, key=lambda label: -sums[label])


def _answer(
    row: Row, labels: Sequence[str], answer: Answer, order: Sequence[str], *, own_tokens: bool
) -> None:
    shares = dict(zip(labels, (float(share) for share in answer.probabilities), strict=True))
    top = max(shares, key=lambda label: shares[label])
    st.markdown(
        f"{STYLES[row.family].glyph} {row.name}  \n**{top}** {shares[top] * 100:.1f} %,"
        f" {answer.ms:.2f} ms"
    )
    shown = [label for label in order if label in shares][:MOST_LABELS]
    alt = f"{row.name}: " + ", ".join(f"{label} {shares[label] * 100:.1f} %" for label in shown)
    figure = shares_figure(
        shown, [shares[label] for label in shown], row.family, dark=layout.dark()
    )
    st.plotly_chart(
        figure,
        key=f"shares_{row.id}",
        config={"displayModeBar": False, "staticPlot": True},
        alt=alt,
    )
    if own_tokens:
        st.caption(_tokens(answer))


def _tokens(answer: Answer) -> str:
    """What the tokenizer made of the text, as code so that nothing in it is read as markdown."""
    pieces = " ".join(f"`{token.replace('`', chr(0x2BC))}`" for token in answer.tokens)
    return f"{len(answer.tokens)} tokens{', the rest was cut' if answer.cut else ''}: {pieces}"
