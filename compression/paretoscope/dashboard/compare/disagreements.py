"""The paired test of two models, and the examples that they predict differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from paretoscope.dashboard.compare import disagreement_table
from paretoscope.dashboard.compare.cards import short_names
from paretoscope.dashboard.shell import data, url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.comparison import pair, verdict
from paretoscope.frontier.disagreements import Disagreement, disagreements
from paretoscope.report.tables.table import Row
from paretoscope.trials.samples import Samples

HEADING = "#### Paired comparison on the same examples"
SAME_MODEL = "Choose two different models."
WHOLE_DOCUMENTS = (
    "Perplexity is computed over whole documents, so there are no single predictions. Try a prompt"
    " below."
)
NO_DISAGREEMENT = "They predict the same label for every example."
NOT_STORED = "predictions are not stored on this machine"


def draw(scope: Scope, rows: Sequence[Row], samples: Mapping[str, Samples | None]) -> None:
    st.markdown(HEADING)
    first, second = _two(rows)
    if first.id == second.id:
        st.caption(SAME_MODEL)
        return
    theirs = samples[first.id], samples[second.id]
    found = pair(first.document, second.document, *theirs)
    if found.paired:
        kl = found.paired.kl
        divergence = "" if kl is None else f" KL divergence {kl:.3f} nats."
        st.markdown(
            f"**{second.short_name}** compared with **{first.short_name}**:"
            f" {verdict(found.paired, found.n)}.{divergence}"
        )
    if found.paired and found.paired.change:
        st.caption(f":material/info: {WHOLE_DOCUMENTS}")
    elif found.reason or theirs[0] is None or theirs[1] is None:
        st.caption(f":material/info: No predictions to show: {found.reason or NOT_STORED}.")
    else:
        found = disagreements(theirs[0], theirs[1])
        _examples(first, second, theirs[0], found, demo=scope.demo)


def _two(rows: Sequence[Row]) -> tuple[Row, Row]:
    """The baseline first; of more than two models a person chooses two."""
    ordered = {row.id: row for row in sorted(rows, key=lambda row: not row.document.is_baseline)}
    ids = list(ordered)
    if len(ids) == 2:
        return ordered[ids[0]], ordered[ids[1]]
    name = short_names(rows).__getitem__
    left, right = st.columns(2)
    with left:
        first = url_widgets.option("First model", ids, key="one", format_func=name)
    with right:
        second = url_widgets.option(
            "Second model", ids, key="two", default=ids[1], format_func=name
        )
    return ordered[first], ordered[second]


def disagree(count: int) -> str:
    """The number of examples with different predictions."""
    return f"The predictions differ for {count} example{'' if count == 1 else 's'}"


def _examples(
    first: Row, second: Row, stored: Samples, found: Sequence[Disagreement], *, demo: bool
) -> None:
    """The table, if the texts can be read and are those of the measurement."""
    try:
        split = data.examples(first.document, demo=demo)
    except ParetoscopeError as error:
        st.caption(f":material/info: {disagree(len(found))}; the texts cannot be read: {error}")
        return
    if stored.labels is None or not np.array_equal(split.labels, stored.labels):
        st.caption(
            f":material/info: {disagree(len(found))}; the data has changed since the measurement."
        )
    elif found:
        disagreement_table.draw(first, second, split, found)
    else:
        st.caption(NO_DISAGREEMENT)
