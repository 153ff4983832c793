"""Models side by side: which are compared, the answer in words, a card for each, what their recipes
and their times do differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts import charts, downloads, test_summary
from paretoscope.dashboard.shell import data, layout, selection
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.comparison import headline, judged_by, leaders, names, standings
from paretoscope.frontier.limits import MaxDrop
from paretoscope.frontier.normalize import pace
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.recipes.diff import recipe_differences
from paretoscope.report.figures.distribution import Times, distribution_figure
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row
from paretoscope.trials import axes as defaults
from paretoscope.trials.format import listed, lost_and_gained
from paretoscope.trials.metrics import metric
from paretoscope.trials.samples import Samples

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
"""What a card says, as far as it was measured."""
CHOICE = "compared"


# --- which ----------------------------------------------------------------------------------------


def chosen(table: Sequence[Row]) -> list[Row]:
    """The picked models. One alone stands beside the baseline; while none is picked, what Explore
    recommends does.
    """
    by_id = {row.id: row for row in table}
    picked = selection.picked(list(by_id))
    ids = picked if len(picked) > 1 else _beside_the_baseline(table, picked)
    st.session_state[CHOICE] = ids
    ink = {
        "format_func": lambda id: _called(by_id[id]),
        "max_selections": selection.MOST,
        "persist_state": "session",
    }
    st.multiselect("Models", list(by_id), key=CHOICE, on_change=_chosen, **ink)
    if not picked:
        st.caption(
            "Nothing is picked yet, so this is the baseline beside what Explore recommends. Pick up"
            " to six here, or click points there."
        )
    return [by_id[id] for id in ids]


def _chosen() -> None:
    selection.write(st.session_state[CHOICE])


def _called(row: Row) -> str:
    return f"{STYLES[row.family].glyph} {row.name}"


def _beside_the_baseline(table: Sequence[Row], picked: Sequence[str]) -> list[str]:
    """The baseline, then what is picked, else what is recommended under the usual limits."""
    baseline = next((row for row in table if row.document.is_baseline), None)
    axes = table[-1].document.axes
    limits = (MaxDrop(defaults.DROP_POINTS / 100, axes.quality),) if baseline else ()
    best = recommend(
        [row.point for row in table],
        limits,
        objectives(*axes.objectives),
        baseline.point if baseline else None,
    ).best
    wanted = [baseline.id if baseline else None, *(picked or [best])]
    return list(dict.fromkeys(id for id in wanted if id))


def too_few() -> None:
    with st.container(border=True):
        st.markdown("### One model alone cannot be compared")
        st.markdown("Choose a second one above, or make another.")
        st.page_link("pages/compress.py", label="Make a recipe", icon=":material/compress:")


def only_numbers() -> None:
    """What the points of the shipped study cannot show here."""
    st.caption(
        ":material/info: The shipped study keeps numbers only. Make these models here with the"
        " buttons above to see how long every request took, to read where two of them disagree, and"
        " to try them on a text of your own."
    )


def kept(rows: Sequence[Row]) -> dict[str, Samples | None]:
    """What the trials kept, by id."""
    found: dict[str, Samples | None] = {}
    for row in rows:
        try:
            found[row.id] = data.samples(row.id)
        except ParetoscopeError as error:
            error_card(error)
            found[row.id] = None
    return found


# --- numbers --------------------------------------------------------------------------------------


def answer(rows: Sequence[Row], *, tested: bool) -> None:
    """Who is better than whom, before the picture; what is more than chance is tested further down,
    or not at all.
    """
    documents = [row.document for row in rows]
    judged = judged_by(documents)
    beats, best = headline(*standings([row.point for row in rows], judged), names(documents))
    with st.container(border=True):
        by = f"By {listed([objective.metric.called for objective in judged])} as measured"
        st.caption(f"{by}; what is more than chance stands further down:" if tested else f"{by}:")
        st.markdown(f"### {beats}")
        st.markdown(best)
        if caveat := rows[0].reference.normalized_to:
            st.caption(f":material/info: Timed in sittings of their own: {caveat}.")


def cards(scope: Scope, rows: Sequence[Row]) -> None:
    """One card a model: every number with interval and change, the best of each marked, and whom it
    dominates.
    """
    called = names([row.document for row in rows])
    _, beaten = standings([row.point for row in rows], judged_by([row.document for row in rows]))
    best = {key: found for key in NUMBERS if (found := _best(rows, key))}
    for start in range(0, len(rows), ACROSS):
        for column, row in zip(
            st.columns(min(ACROSS, len(rows))), rows[start : start + ACROSS], strict=False
        ):
            with column, st.container(border=True, height="stretch"):
                _card(
                    scope,
                    row,
                    {key: word for key, (id, word) in best.items() if id == row.id},
                    [called[id] for id in beaten[row.id]],
                )


def _card(scope: Scope, row: Row, best: Mapping[str, str], dominated: Sequence[str]) -> None:
    style = STYLES[row.family]
    st.markdown(f"**{row.name}**")
    st.caption(
        f"{style.glyph} {style.label.lower()} · {row.document.protocol} protocol · trial `{row.id}`"
    )
    keys = [key for key in NUMBERS if row.values.get(key)]
    st.markdown(
        "  \n".join(
            f"{metric(key).label}:"
            f" {row.number_and_change(key)}{f' :gray-badge[{best[key]}]' if key in best else ''}"
            for key in keys
        )
    )
    if timed := row.timing_note():
        st.caption(f"{timed[0].upper()}{timed[1:]}.")
    if row.document.paired:
        paired = row.document.paired
        answers = "" if paired.change else f" {lost_and_gained(paired)}."
        st.caption(f"{test_summary.lost(row)}{answers}")
    if dominated:
        st.markdown(f":material/check: Nowhere worse than {listed(dominated)}.")
    with st.container(horizontal=True):
        downloads.artifact(scope, row, key=f"compare_{row.id}")


def _best(rows: Sequence[Row], key: str) -> tuple[str, str] | None:
    """The one model with the best number, and what it is called for it; None when several share it
    or it was measured for one only.
    """
    values = {row.id: value for row in rows if (value := row.point.value(key)) is not None}
    if len(values) < 2:
        return None
    winners = leaders(metric(key), values)
    if len(winners) > 1:
        return None
    ends = {row.id: _ends(row, key) for row in rows if row.id in values}
    low, high = ends.pop(winners[0])
    return winners[0], (
        "best"
        if all(high < its[0] or its[1] < low for its in ends.values())
        else "best, intervals overlap"
    )


def _ends(row: Row, key: str) -> tuple[float, float]:
    """The interval of a number; of a perplexity that of its change, which is over the same tokens
    for all.
    """
    paired = "perplexity_change" if key == "perplexity" else key
    return row.point.interval(paired) or (0.0, 0.0)  # the baseline changes nothing


# --- recipes and times ----------------------------------------------------------------------------


def recipes(rows: Sequence[Row]) -> None:
    """A line for each field in which the recipes differ, a column for each model."""
    found = recipe_differences([row.document.recipe for row in rows])
    st.markdown("#### What their recipes do differently")
    if not found:
        st.caption("Nothing: the recipes are equal.")
        return
    columns = map(list, zip(*(each.values for each in found), strict=True))
    models = dict(zip(names([row.document for row in rows]).values(), columns, strict=True))
    lines = {"": [each.in_words() for each in found], **models}
    st.table(
        lines,
        hide_index=True,
        width="content",
        alt=f"Table of {len(found)} lines in which the recipes differ",
    )


def times(scope: Scope, rows: Sequence[Row], kept: Mapping[str, Samples | None]) -> None:
    """Every request that was timed, on the footing of the other pages."""
    one = "token" if any(row.document.generation for row in rows) else "request"
    st.markdown(f"#### How long {one}s took")
    called = names([row.document for row in rows])
    timed = [
        (row, found.latencies_ms) for row in rows if (found := kept[row.id]) and found.turns_ms
    ]
    if timed:
        models = [
            Times(called[row.id], row.family, ms * pace(row.document, row.reference))
            for row, ms in timed
        ]
        figure = distribution_figure(models, unit=one, dark=layout.dark())
        alt = (
            f"Share of {one}s answered within a time, a line for each of"
            f" {listed([model.name for model in models])}"
        )
        st.plotly_chart(
            figure, key="times", config={**charts.CONFIG, "displayModeBar": False}, alt=alt
        )
        noisy = [called[row.id] for row, _ in timed if row.noisy]
        st.caption(
            f"{scope.conditions.in_words()}. Marks: median and p90. Each sitting is put on the"
            " footing of its own baseline." + (f" Noisy: {listed(noisy)}." if noisy else "")
        )
    without = [called[row.id] for row in rows if row.id not in {each.id for each, _ in timed}]
    if without:
        st.caption(
            f":material/info: No single times are kept on this machine of {listed(without)}."
        )
