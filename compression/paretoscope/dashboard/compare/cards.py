"""The comparison in words, and a card with the numbers of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts import downloads, model_heading, runs, test_summary
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.comparison import headline, judged_by, leaders, standings
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import listed
from paretoscope.trials.metrics import metric

ACROSS = 3
NUMBERS = (
    "quality",
    "perplexity",
    "latency_p50_ms",
    "ttft_ms",
    "tpot_ms",
    "tokens_per_s",
    "size_bytes",
    "peak_memory_bytes",
)
"""The metrics of a card, where they were measured."""
BEST, UNCLEAR = "best", "best, intervals overlap"
TESTED_BELOW = "significance tests are below"


def short_names(rows: Sequence[Row]) -> dict[str, str]:
    """Short names by trial id."""
    return {row.id: row.short_name for row in rows}


def answer(rows: Sequence[Row], *, tested: bool) -> None:
    """Which model dominates which, and which is best in what, as measured."""
    documents = [row.document for row in rows]
    basis = judged_by(documents)
    found, dominated = standings([row.point for row in rows], basis)
    dominance, best = headline(found, dominated, short_names(rows))
    with st.container(border=True):
        by = f"By {listed([objective.metric.called for objective in basis])} as measured"
        st.caption(f"{by}; {TESTED_BELOW}:" if tested else f"{by}:")
        st.markdown(f"### {dominance}")
        st.markdown(best)
        if normalized := rows[0].reference.normalized_to:
            st.caption(f":material/info: Latencies are normalized: {normalized}.")


def draw(scope: Scope, rows: Sequence[Row]) -> None:
    """A card for each model, with the best numbers marked."""
    documents = [row.document for row in rows]
    _, dominated = standings([row.point for row in rows], judged_by(documents))
    best = {key: found for key in NUMBERS if (found := _best(rows, key))}
    names = short_names(rows)
    across = min(ACROSS, len(rows))
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(st.columns(across), rows[start : start + ACROSS], strict=False):
            marks = {key: mark for key, (winner, mark) in best.items() if winner == row.id}
            with column, st.container(border=True, height="stretch"):
                _card(scope, row, marks, [names[each] for each in dominated[row.id]])


def _card(scope: Scope, row: Row, marks: Mapping[str, str], dominated: Sequence[str]) -> None:
    model_heading.draw(row)
    keys = [key for key in NUMBERS if row.values.get(key)]
    st.markdown("  \n".join(_number(row, key, marks.get(key)) for key in keys))
    runs.timing_note(row)
    if row.document.paired:
        st.caption(test_summary.change_sentence(row))
    if dominated:
        st.markdown(f":material/check: Dominates {listed(dominated)}.")
    with st.container(horizontal=True):
        downloads.artifact(scope, row, key=f"compare_{row.id}")


def _number(row: Row, key: str, mark: str | None) -> str:
    badge = f" :gray-badge[{mark}]" if mark else ""
    return f"{metric(key).label}: {row.number_and_change(key)}{badge}"


def _best(rows: Sequence[Row], key: str) -> tuple[str, str] | None:
    """The one model with the best number and its mark; None when several share it."""
    values = {row.id: value for row in rows if (value := row.point.value(key)) is not None}
    if len(values) < 2:
        return None
    winners = leaders(metric(key), values)
    if len(winners) > 1:
        return None
    ends = {row.id: _ends(row, key) for row in rows if row.id in values}
    low, high = ends.pop(winners[0])
    clear = all(high < other[0] or other[1] < low for other in ends.values())
    return winners[0], BEST if clear else UNCLEAR


def _ends(row: Row, key: str) -> tuple[float, float]:
    """The interval of a number; for perplexity that of its change, over the same tokens."""
    paired = "perplexity_change" if key == "perplexity" else key
    return row.point.interval(paired) or (0.0, 0.0)  # the baseline has no change
