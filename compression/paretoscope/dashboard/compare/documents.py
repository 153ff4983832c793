"""Two language models on the same documents: the change of perplexity of each."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import data, layout
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.document_change import DocumentChange, document_change_figure
from paretoscope.report.tables.table import Row
from paretoscope.statistics.paired import by_document, documents_in_common
from paretoscope.trials.samples import TokenAnswers

HEADING = "##### Change of perplexity by document"
MOST_LETTERS = 70


def draw(scope: Scope, first: Row, second: Row, tokens: tuple[TokenAnswers, TokenAnswers]) -> None:
    """Nothing where the two were not measured on the same documents."""
    found = changes(*tokens, _titles(scope, first))
    if not found:
        return
    st.markdown(HEADING)
    worst = max(found, key=lambda each: each.change)
    alt = (
        f"{second.short_name} against {first.short_name}: perplexity rises on"
        f" {sum(each.change > 0 for each in found)} of {len(found)} documents, at most by"
        f" {100 * worst.change:.1f} %"
    )
    figure = document_change_figure(found, second.family, dark=layout.dark())
    show(figure, key="by_document", alt=alt)
    st.caption(f"{alt}. Hover over a bar for the document and its number of tokens.")


def changes(one: TokenAnswers, other: TokenAnswers, titles: list[str]) -> list[DocumentChange]:
    """The change from the first to the second model on each document that both scored."""
    count = documents_in_common(one, other)
    if not count:
        return []
    before, after = one.first(count), other.first(count)
    sums = by_document(before.log_probability - after.log_probability, before.lengths)
    relative = np.expm1(sums / before.lengths).tolist()
    names = [*titles[:count], *(f"Document {at + 1}" for at in range(len(titles), count))]
    lengths = before.lengths.tolist()
    return [DocumentChange(*each) for each in zip(names, relative, lengths, strict=True)]


def _titles(scope: Scope, row: Row) -> list[str]:
    """The beginning of each document; empty where the texts cannot be read."""
    try:
        texts = data.examples(row.document, demo=scope.demo).texts
    except ParetoscopeError:
        return []
    return [escape(" ".join(text[:MOST_LETTERS].split())) for text in texts]
