"""The answers of the compared models to a person's texts: cards for one text, a table for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from paretoscope.dashboard.compare.text_source import Texts
from paretoscope.dashboard.parts import tables
from paretoscope.dashboard.parts.figure import WITHOUT_BAR, show
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, layout
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ArtifactError
from paretoscope.inference.text_run import TextAnswer, TextRun
from paretoscope.inference.text_table import TextRow, text_rows, text_rows_csv
from paretoscope.report.figures.class_shares import shares_figure
from paretoscope.report.tables.table import Row

RUN = "text_run"
"""Session state: the run, and the texts and folders that it answers."""
CANCEL, TABLE = "cancel_texts", "text_answers"
AT_ONCE_S, POLL_S = 3.0, 0.5
"""Seconds for which a page waits for answers, and between two looks at a longer run."""
ACROSS = 3
MOST_LABELS = 8
BUSY = "A latency is being measured, which a prediction would disturb. Try again later."
CANCELLED = "Cancelled: these are the texts that every model had answered."
DIFFERENT = "Different labels"


def answer(rows: Sequence[Row], folders: Mapping[str, Path], texts: Texts) -> None:
    """Start a run when it was requested, and show the answers of the last one."""
    wanted = texts.texts, tuple(folders.values())
    run: TextRun | None = st.session_state.get(RUN, (None, None))[0]
    if texts.texts and texts.requested and st.session_state.get(RUN, (None, None))[1] != wanted:
        if data.measuring():
            st.caption(f":material/hourglass: {BUSY}")
            return
        if run:
            run.cancel()
        run = TextRun(folders, texts.texts)
        st.session_state[RUN] = run, wanted
        with st.spinner("Answering"):
            run.wait(AT_ONCE_S)
    if run is None or st.session_state[RUN][1][1] != wanted[1]:
        return
    if run.running:
        _progress()
    else:
        _finished(rows, run)


@st.fragment(run_every=POLL_S)
def _progress() -> None:
    """A bar that follows the run, and the button that ends it."""
    run: TextRun = st.session_state[RUN][0]
    if not run.running:
        st.rerun()
    st.progress(run.share, f"{run.share * 100:.0f} % of the answers to {len(run.texts):,} texts")
    st.button("Cancel", icon=":material/stop_circle:", key=CANCEL, on_click=run.cancel)


def _finished(rows: Sequence[Row], run: TextRun) -> None:
    for message in [*run.errors.values(), *([run.problem] if run.problem else [])]:
        error_card(ArtifactError(message))
    answered = [row for row in rows if run.answers.get(row.id)]
    if run.cancelled:
        st.caption(f":material/info: {CANCELLED}")
    if not answered:
        return
    if len(run.texts) == 1:
        _cards(answered, run)
    else:
        _table(answered, run)


def _cards(rows: Sequence[Row], run: TextRun) -> None:
    """A card for each model, with the labels in the same order."""
    answers = {row.id: run.answers[row.id][0] for row in rows}
    order = _order(run.labels, answers)
    tokens = {found.tokens for found in answers.values()}
    across = min(ACROSS, len(rows))
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(st.columns(across), rows[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(row, run.labels[row.id], answers[row.id], order)
                if len(tokens) > 1:
                    st.caption(_tokens(answers[row.id]))
    if len(tokens) == 1:
        st.caption(_tokens(answers[rows[0].id]))


def _order(labels: Mapping[str, Sequence[str]], answers: Mapping[str, TextAnswer]) -> list[str]:
    """Labels by their mean probability over all models, the highest first."""
    sums: dict[str, float] = {}
    for trial_id, found in answers.items():
        for label, share in zip(labels[trial_id], found.probabilities, strict=True):
            sums[label] = sums.get(label, 0.0) + share
    return sorted(sums, key=lambda label: -sums[label])


def _card(row: Row, labels: Sequence[str], found: TextAnswer, order: Sequence[str]) -> None:
    """The predicted label, the latency and the probabilities as bars."""
    shares = dict(zip(labels, found.probabilities, strict=True))
    top = max(shares, key=lambda label: shares[label])
    st.markdown(f"{title(row)}  \n**{top}** {shares[top] * 100:.1f} %, {found.ms:.2f} ms")
    shown = [label for label in order if label in shares][:MOST_LABELS]
    percent = ", ".join(f"{label} {shares[label] * 100:.1f} %" for label in shown)
    show(
        shares_figure(shown, [shares[each] for each in shown], row.family, dark=layout.dark()),
        key=f"shares_{row.id}",
        alt=f"{row.short_name}: {percent}",
        config={**WITHOUT_BAR, "staticPlot": True},
    )


def _tokens(found: TextAnswer) -> str:
    """The tokens of the text, formatted as code so that none is read as markdown."""
    pieces = " ".join(f"`{token.replace('`', chr(0x2BC))}`" for token in found.tokens)
    truncated = ", truncated" if found.cut else ""
    return f"{len(found.tokens)} tokens{truncated}: {pieces}"


def _table(rows: Sequence[Row], run: TextRun) -> None:
    """The texts with the labels of each model, those with different labels first."""
    names = {row.id: row.short_name for row in rows}
    labels = {key: run.labels[key] for key in names}
    found = text_rows(run.texts, labels, {key: run.answers[key] for key in names})
    different = sum(each.different > 1 for each in found)
    st.markdown(f"**{in_words(different, len(found), len(rows))}**")
    tables.dataframe(
        [_record(each, names) for each in found],
        key=TABLE,
        columns={"Text": st.column_config.TextColumn("Text", width="large")},
        selection=None,
        max_height=420,
        alt=f"Table of {len(found)} texts with the labels of {len(rows)} models",
    )
    st.download_button(
        f"Download CSV ({len(found):,} texts)",
        partial(text_rows_csv, found, names),
        "answers.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
        type="tertiary",
    )


def in_words(different: int, count: int, models: int) -> str:
    """How many texts got different labels.

    >>> in_words(3, 40, 2), in_words(0, 2, 1)
    ('The models disagree on 3 of 40 texts', '2 texts answered')
    """
    if models < 2:
        return f"{count:,} text{'' if count == 1 else 's'} answered"
    return f"The models disagree on {different:,} of {count:,} texts"


def _record(row: TextRow, names: Mapping[str, str]) -> dict[str, Any]:
    answers = {
        name: f"{row.labels[key]} · {100 * row.probabilities[key]:.0f} %"
        for key, name in names.items()
    }
    cut = {"Truncated": True} if row.cut else {}
    return {"Text": row.text, **answers, DIFFERENT: row.different, **cut}
