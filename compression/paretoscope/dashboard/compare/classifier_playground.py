"""The playground of classifiers: predictions for one text. The text is never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from paretoscope.dashboard.parts.figure import WITHOUT_BAR, show
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, layout
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.class_shares import shares_figure
from paretoscope.report.tables.table import Row

if TYPE_CHECKING:
    from paretoscope.inference.classify import Answer, Classifier

TEXT = "asked"
"""Key of the text field."""
ACROSS = 3
MOST_LABELS = 8
CACHED, CACHE_SECONDS = 8, 1800
"""Limits of the cache of open models, each of which holds its weights in memory."""
NOTE = "The text is not stored. Times are single requests on a shared machine, not measurements."
BUSY = "A latency is being measured, which a prediction would disturb. Press Enter again later."


@st.fragment
def draw(rows: Sequence[Row], folders: Mapping[str, Path]) -> None:
    """The text field and the predictions; a new text redraws only this fragment."""
    text = st.text_input(
        "Text", key=TEXT, placeholder="Type a text and press Enter", max_chars=4000
    )
    st.caption(NOTE)
    if not text.strip():
        return
    if data.measuring():
        st.caption(f":material/hourglass: {BUSY}")
        return
    answers: dict[str, Answer] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for row in rows:
        try:
            with st.spinner(f"Running {row.short_name}"):
                folder = folders[row.id]
                changed = (folder / "manifest.json").stat().st_mtime_ns
                classifier = _opened(str(folder), changed)
                labels[row.id], answers[row.id] = classifier.labels, classifier.answer(text)
        except ParetoscopeError as error:
            error_card(error)
    _answers([row for row in rows if row.id in answers], labels, answers)


@st.cache_resource(show_spinner=False, max_entries=CACHED, ttl=CACHE_SECONDS)
def _opened(folder: str, changed_ns: int) -> Classifier:
    # Imported here, so that other pages do not load the runtime.
    from paretoscope.inference.classify import open_classifier

    return open_classifier(Path(folder))


def _answers(
    rows: Sequence[Row], labels: Mapping[str, tuple[str, ...]], answers: Mapping[str, Answer]
) -> None:
    """A card for each model, with the labels in the same order."""
    if not rows:
        return
    order = _order(labels, answers)
    tokens = {answers[row.id].tokens for row in rows}
    across = min(ACROSS, len(rows))
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(st.columns(across), rows[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch"):
                _answer(row, labels[row.id], answers[row.id], order)
                if len(tokens) > 1:
                    st.caption(_tokens(answers[row.id]))
    if len(tokens) == 1:
        st.caption(_tokens(answers[rows[0].id]))


def _order(labels: Mapping[str, tuple[str, ...]], answers: Mapping[str, Answer]) -> list[str]:
    """Labels by their mean probability over all models, the highest first."""
    sums: dict[str, float] = {}
    for trial_id, answer in answers.items():
        for label, share in zip(labels[trial_id], answer.probabilities, strict=True):
            sums[label] = sums.get(label, 0.0) + float(share)
    return sorted(sums, key=lambda label: -sums[label])


def _answer(row: Row, labels: Sequence[str], answer: Answer, order: Sequence[str]) -> None:
    """The predicted label, the latency and the probabilities as bars."""
    shares = dict(zip(labels, (float(share) for share in answer.probabilities), strict=True))
    top = max(shares, key=lambda label: shares[label])
    prediction = f"**{top}** {shares[top] * 100:.1f} %, {answer.ms:.2f} ms"
    st.markdown(f"{title(row)}  \n{prediction}")
    shown = [label for label in order if label in shares][:MOST_LABELS]
    percent = ", ".join(f"{label} {shares[label] * 100:.1f} %" for label in shown)
    show(
        shares_figure(shown, [shares[each] for each in shown], row.family, dark=layout.dark()),
        key=f"shares_{row.id}",
        alt=f"{row.short_name}: {percent}",
        config={**WITHOUT_BAR, "staticPlot": True},
    )


def _tokens(answer: Answer) -> str:
    """The tokens of the text, formatted as code so that none is read as markdown."""
    pieces = " ".join(f"`{token.replace('`', chr(0x2BC))}`" for token in answer.tokens)
    truncated = ", truncated" if answer.cut else ""
    return f"{len(answer.tokens)} tokens{truncated}: {pieces}"
