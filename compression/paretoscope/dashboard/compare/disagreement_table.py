"""The table of texts that two models predict differently, with filters and a CSV download."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from paretoscope.dashboard.compare.text_source import TEXT
from paretoscope.dashboard.parts import tables
from paretoscope.dashboard.shell import url_widgets
from paretoscope.frontier.disagreements import Disagreement, Outcome, disagreements_csv
from paretoscope.report.tables.table import Row
from paretoscope.tasks.splits import Split

HEADING = "##### Texts lost and gained"
OUTCOMES: dict[Outcome, str] = {"lost": "lost", "gained": "gained", "both wrong": "both wrong"}
"""Lost: only the first model is correct. Gained: only the second."""
ANY = "any label"
FIRST, SECOND, OUTCOME, DIFFERENCE = "First", "Second", "Outcome", "Difference"
FIRST_PROBABILITY, SECOND_PROBABILITY = "First probability", "Second probability"


def draw(first: Row, second: Row, split: Split, found: Sequence[Disagreement]) -> None:
    """The filtered texts, those with the largest difference first.

    Selecting a row copies its text to the playground.
    """
    st.markdown(HEADING)
    left = _filtered(split, found)
    records = [_record(split, each) for each in left]
    content = repr((first.id, second.id, [each.place for each in left]))
    key = f"disagreements_{zlib.crc32(content.encode()):08x}"
    copy = partial(_copy_text, key, [split.texts[each.place] for each in left])
    tables.dataframe(
        records,
        key=key,
        columns=_columns(first, second),
        selection=tables.Selection("single-row", copy),
        max_height=420,
        alt=f"Table of {len(records)} examples with different predictions",
    )
    _download(first, second, split, left)
    st.caption(
        f"First: {first.short_name}. Second: {second.short_name}. Lost: only the first is correct;"
        " gained: only the second. Largest difference first. Select a row to copy its text to the"
        " text field below."
    )


def _download(first: Row, second: Row, split: Split, left: Sequence[Disagreement]) -> None:
    names = (first.name, second.name)
    st.download_button(
        f"Download CSV ({len(left)} example{'' if len(left) == 1 else 's'})",
        partial(disagreements_csv, left, split.ids, split.texts, split.classes, names),
        f"disagreements-{first.id}-{second.id}.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
        type="tertiary",
    )


def _filtered(split: Split, found: Sequence[Disagreement]) -> list[Disagreement]:
    counts = {outcome: sum(each.outcome == outcome for each in found) for outcome in OUTCOMES}

    def title(outcome: Outcome) -> str:
        return f"{OUTCOMES[outcome]} ({counts[outcome]})"

    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcomes = url_widgets.chips(
            "Outcome", list(OUTCOMES), key="right", default=list(OUTCOMES), format_func=title
        )
        labels = [ANY, *(split.classes[label] for label in sorted({each.label for each in found}))]
        label = url_widgets.option("Label", labels, key="label", width=200)
        part = url_widgets.text("Text contains", key="contains", width=200).casefold()
    return [
        each
        for each in found
        if each.outcome in outcomes
        and label in (ANY, split.classes[each.label])
        and part in split.texts[each.place].casefold()
    ]


def _record(split: Split, each: Disagreement) -> dict[str, Any]:
    return {
        "Text": split.texts[each.place],
        "Label": split.classes[each.label],
        FIRST: split.classes[each.answers[0]],
        FIRST_PROBABILITY: each.probabilities[0] * 100,
        SECOND: split.classes[each.answers[1]],
        SECOND_PROBABILITY: each.probabilities[1] * 100,
        DIFFERENCE: each.difference * 100,
        OUTCOME: OUTCOMES[each.outcome],
    }


def _columns(first: Row, second: Row) -> dict[str, Any]:
    probability = st.column_config.NumberColumn("Probability", format="%.0f %%", width="small")
    return {
        "Text": st.column_config.TextColumn("Text", width="large"),
        FIRST: st.column_config.TextColumn(FIRST, help=first.name),
        FIRST_PROBABILITY: probability,
        SECOND: st.column_config.TextColumn(SECOND, help=second.name),
        SECOND_PROBABILITY: probability,
        DIFFERENCE: st.column_config.NumberColumn(
            DIFFERENCE,
            format="%+.0f points",
            width="small",
            help="Change of the true label's probability, from the first to the second model.",
        ),
    }


def _copy_text(table: str, texts: Sequence[str]) -> None:
    """Callback of the table: copy the selected text to the playground."""
    event: Any = st.session_state.get(table)
    rows = [int(row) for row in event["selection"]["rows"]] if event else []
    if rows and rows[0] < len(texts):
        st.session_state[TEXT] = texts[rows[0]]
