"""Two models on the same texts: the paired test, and the texts that were lost and gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.compare import disagreement_table
from paretoscope.dashboard.compare.verdict import short_names
from paretoscope.dashboard.parts.test_summary import chance
from paretoscope.dashboard.shell import url_widgets
from paretoscope.frontier.comparison import Pair, pair, verdict
from paretoscope.frontier.disagreements import disagreements
from paretoscope.report.tables.table import Row
from paretoscope.tasks.splits import Split
from paretoscope.trials.samples import Samples

HEADING = "#### Two models on the same texts"
SAME_MODEL = "Choose two different models."
WHOLE_DOCUMENTS = (
    "Perplexity is computed over whole documents, so there are no single predictions. Try a prompt"
    " below."
)
NO_DISAGREEMENT = "They predict the same label for every text."
NOT_STORED = "predictions are not stored on this machine"


def two(rows: Sequence[Row]) -> tuple[Row, Row]:
    """The baseline first; of more than two models a person chooses two."""
    ordered = {row.id: row for row in sorted(rows, key=lambda row: not row.is_baseline)}
    ids = list(ordered)
    if len(ids) == 2:
        return ordered[ids[0]], ordered[ids[1]]
    name = short_names(rows).__getitem__
    left, right = st.columns(2, gap="large")
    with left:
        first = url_widgets.option("First model", ids, key="one", format_func=name)
    with right:
        second = url_widgets.option(
            "Second model", ids, key="two", default=ids[1], format_func=name
        )
    return ordered[first], ordered[second]


def compared(first: Row, second: Row, samples: Mapping[str, Samples | None]) -> Pair:
    """The paired test in a sentence, and why there are no texts to show."""
    found = pair(first.document, second.document, samples[first.id], samples[second.id])
    if found.paired:
        st.markdown(f"**{second.short_name}** against **{first.short_name}**: {in_words(found)}")
    if found.paired and found.paired.change:
        st.caption(f":material/info: {WHOLE_DOCUMENTS}")
    elif found.reason or samples[first.id] is None or samples[second.id] is None:
        st.caption(f":material/info: No predictions to show: {found.reason or NOT_STORED}.")
    return found


def in_words(found: Pair) -> str:
    """Lost and gained texts, whether chance explains them, agreement and divergence."""
    if found.paired is None:
        return found.reason
    if found.paired.change:
        return f"{verdict(found.paired, found.n)}."
    points = 100 * (found.paired.gained - found.paired.lost) / found.n
    kl = found.paired.kl
    divergence = "" if kl is None else f" KL divergence {kl:.3f} nats."
    return (
        f"accuracy {points:+.1f} points, {chance(found.paired, found.n)}. Same prediction for"
        f" {100 * found.paired.agreement:.1f} % of {found.n:,} texts.{divergence}"
    )


def texts(first: Row, second: Row, samples: Mapping[str, Samples | None], split: Split) -> None:
    """The table of texts with different predictions."""
    theirs = samples[first.id], samples[second.id]
    if theirs[0] is None or theirs[1] is None:
        return
    found = disagreements(theirs[0], theirs[1])
    if found:
        disagreement_table.draw(first, second, split, found)
    else:
        st.caption(NO_DISAGREEMENT)
