"""Two models on the same examples: whether the difference is more than chance, and the texts on
which they disagree, to filter and take away.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from paretoscope.dashboard.compare import classifier_playground
from paretoscope.dashboard.shell import data, url_widgets
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.comparison import (
    Disagreement,
    Outcome,
    disagreements,
    disagreements_csv,
    names,
    pair,
    verdict,
)
from paretoscope.report.tables.table import Row
from paretoscope.tasks.splits import Split
from paretoscope.trials.samples import Samples

SHOWN: dict[Outcome, str] = {"lost": "first", "gained": "second", "both wrong": "neither"}
"""Which of the two was right."""
ANY = "any label"


def draw(rows: Sequence[Row], kept: Mapping[str, Samples | None]) -> None:
    st.markdown("#### The same examples through two of them")
    first, second = _two(rows)
    if first.id == second.id:
        st.caption("Choose two different models.")
        return
    found = pair(first.document, second.document, kept[first.id], kept[second.id])
    if found.paired:
        divergence = (
            "" if found.paired.kl is None else f" KL divergence {found.paired.kl:.3f} nats."
        )
        st.markdown(
            f"**{second.name}** beside **{first.name}**:"
            f" {verdict(found.paired, found.n)}.{divergence}"
        )
    ours, theirs = kept[first.id], kept[second.id]
    if found.paired and found.paired.change:
        st.caption(
            ":material/info: Perplexity is over whole documents, so there are no answers by example"
            " to read; write a prompt below."
        )
    elif found.reason or ours is None or theirs is None:
        st.caption(
            ":material/info: There is nothing to read by example, for"
            f" {found.reason or 'the answers are not kept on this machine'}."
        )
    else:
        _examples(first, second, ours, disagreements(ours, theirs))


def _two(rows: Sequence[Row]) -> tuple[Row, Row]:
    """The baseline first, where it is among them; with more than two models a person chooses."""
    ordered = {row.id: row for row in sorted(rows, key=lambda row: not row.document.is_baseline)}
    ids = list(ordered)
    if len(ids) == 2:
        return ordered[ids[0]], ordered[ids[1]]
    called = names([row.document for row in rows])
    columns = st.columns(2)
    with columns[0]:
        first = url_widgets.option("First", ids, key="one", format_func=called.__getitem__)
    with columns[1]:
        second = url_widgets.option(
            "Second", ids, key="two", default=ids[1], format_func=called.__getitem__
        )
    return ordered[first], ordered[second]


def _examples(first: Row, second: Row, kept: Samples, found: Sequence[Disagreement]) -> None:
    """The texts, as far as they can still be read and are those that were judged."""
    try:
        split = data.examples(first.id)
    except ParetoscopeError as error:
        st.caption(
            f":material/info: They disagree on {len(found)} examples, but the texts cannot be read:"
            f" {error}"
        )
        return
    if kept.labels is None or not np.array_equal(split.labels, kept.labels):
        st.caption(
            f":material/info: They disagree on {len(found)} examples, but the data has changed"
            " since they were measured."
        )
        return
    if found:
        _table(first, second, split, found)
    else:
        st.caption("They give the same answer to every example.")


def _table(first: Row, second: Row, split: Split, found: Sequence[Disagreement]) -> None:
    """What passes the filters, where both are surest first. A selected row is asked again in the
    playground.
    """
    left = _filtered(split, found)
    shown = [_record(split, each) for each in left]
    key = f"disagreements_{zlib.crc32(repr((first.id, second.id, [each.place for each in left])).encode()):08x}"
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select=partial(_ask_again, key, [split.texts[each.place] for each in left]),
        selection_mode="single-row",
        column_config=_columns(first, second),
        height=min(38 + 35 * max(1, len(shown)), 420),
        alt=f"Table of {len(shown)} examples on which the two disagree",
    )
    st.download_button(
        f"CSV ({len(left)} example{'' if len(left) == 1 else 's'})",
        partial(
            disagreements_csv,
            left,
            split.ids,
            split.texts,
            split.classes,
            (first.name, second.name),
        ),
        f"disagreements-{first.id}-{second.id}.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
        type="tertiary",
    )
    st.caption(
        f"First: {first.name}. Second: {second.name}. A share is what each gives its own answer."
        " Select a text to ask it again below."
    )


def _filtered(split: Split, found: Sequence[Disagreement]) -> list[Disagreement]:
    counts = {outcome: sum(each.outcome == outcome for each in found) for outcome in SHOWN}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcomes = url_widgets.chips(
            "Who was right",
            list(SHOWN),
            key="right",
            default=list(SHOWN),
            format_func=lambda outcome: f"{SHOWN[outcome]} ({counts[outcome]})",
        )
        labels = [ANY, *(split.classes[label] for label in sorted({each.label for each in found}))]
        label = url_widgets.option("Label", labels, key="label", width=200)
        words = st.text_input("Text contains", key="contains", width=200).casefold()
    return [
        each
        for each in found
        if each.outcome in outcomes
        and label in (ANY, split.classes[each.label])
        and words in split.texts[each.place].casefold()
    ]


def _record(split: Split, each: Disagreement) -> dict[str, Any]:
    return {
        "Text": split.texts[each.place],
        "Label": split.classes[each.label],
        "First": split.classes[each.answers[0]],
        "First is sure": each.probabilities[0] * 100,
        "Second": split.classes[each.answers[1]],
        "Second is sure": each.probabilities[1] * 100,
        "Right": SHOWN[each.outcome],
    }


def _columns(first: Row, second: Row) -> dict[str, Any]:
    sure = {
        name: st.column_config.NumberColumn("Sure", format="%.0f %%", width="small")
        for name in ("First", "Second")
    }
    return {
        "Text": st.column_config.TextColumn("Text", width="large"),
        "First": st.column_config.TextColumn("First", help=first.name),
        "First is sure": sure["First"],
        "Second": st.column_config.TextColumn("Second", help=second.name),
        "Second is sure": sure["Second"],
    }


def _ask_again(table: str, texts: Sequence[str]) -> None:
    """Callback of the table: the selected text goes to the playground."""
    event: Any = st.session_state.get(table)
    rows = [int(row) for row in event["selection"]["rows"]] if event else []
    if rows and rows[0] < len(texts):
        st.session_state[classifier_playground.TEXT] = texts[rows[0]]
