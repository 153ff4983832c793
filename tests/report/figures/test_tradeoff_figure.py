"""The plotly figure of a trade-off plot: its points, intervals, labels and ranges."""

from __future__ import annotations

import math
from typing import Any

import pytest

from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.figures.axes_ranges import axes_ranges
from paretoscope.report.figures.palette import DARK, LIGHT, STYLES
from paretoscope.report.figures.tradeoff import ORIGINAL, Estimate, Overlay, State, tradeoff
from paretoscope.report.figures.tradeoff_figure import (
    LEGEND_HEIGHT,
    LEGEND_WIDTH,
    PlotOptions,
    tradeoff_figure,
)
from paretoscope.report.figures.tradeoff_traces import GHOSTS
from paretoscope.report.tables.table import rows
from paretoscope.trials.trial import MetricValue
from tests.documents import decoder_document, document

BASELINE = document()
INT8 = document(Quantize(), quality=0.955, speedup=2.0, size=23_000_000)
STUDENT = document(Distill(layers=3), quality=0.94, speedup=2.1, size=70_000_000)
PRUNED = document(PruneWeights(sparsity=0.5), quality=0.95, speedup=1.0, size=91_000_000)
TABLE = rows([BASELINE, INT8, STUDENT, PRUNED])


def drawn(x: str = "size_bytes", *, log_x: bool = False, **overlay: Any) -> dict[str, Any]:
    info = tradeoff(TABLE, x, "quality", Overlay(**overlay))
    return tradeoff_figure(info, PlotOptions(log_x=log_x)).to_plotly_json()


def trace_of(figure: dict[str, Any], trial_id: str) -> dict[str, Any]:
    return next(
        trace
        for trace in figure["data"]
        if [trial_id] in [list(row) for row in trace.get("customdata", [])]
    )


@pytest.mark.parametrize(
    ("trial_id", "symbol", "color"),
    [
        (BASELINE.trial_id, "star", LIGHT.text),
        (INT8.trial_id, "square", "#0072B2"),
        (STUDENT.trial_id, "diamond", "#009E73"),
        (PRUNED.trial_id, "triangle-up", "#E69F00"),
    ],
)
def test_colour_and_shape_mean_the_strategy(trial_id: str, symbol: str, color: str) -> None:
    marker = trace_of(drawn(), trial_id)["marker"]
    assert (marker["symbol"], marker["color"]) == (symbol, color)


def test_both_intervals_of_a_picked_point_are_drawn_about_the_value() -> None:
    plain = trace_of(drawn(x="latency_p50_ms"), INT8.trial_id)
    assert not any(plain["error_y"]["array"])
    trace = trace_of(drawn(x="latency_p50_ms", picked=[INT8.trial_id]), INT8.trial_id)
    assert list(trace["y"]) == pytest.approx([95.5])
    assert list(trace["error_y"]["arrayminus"]) == pytest.approx([1.5])
    assert list(trace["error_y"]["array"]) == pytest.approx([1.2])
    assert trace["error_x"]["arrayminus"][0] > 0


def test_outside_the_limits_is_hollow_and_shaded() -> None:
    figure = drawn(states={PRUNED.trial_id: "excluded"}, bounds={"size_bytes": 50e6})
    assert trace_of(figure, PRUNED.trial_id)["marker"]["symbol"] == "triangle-up-open"
    shaded = next(shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect")
    assert shaded["x0"] == 50.0
    assert shaded["x1"] > 91.0


def test_dominated_is_fainter_than_the_front() -> None:
    figure = drawn()
    assert (
        trace_of(figure, PRUNED.trial_id)["marker"]["opacity"]
        < trace_of(figure, INT8.trial_id)["marker"]["opacity"]
    )


def test_an_estimate_is_hollow_with_dashed_intervals() -> None:
    guess = Estimate(
        "pruning", MetricValue("size_bytes", 40e6), MetricValue("quality", 0.9, 0.88, 0.92), "about"
    )
    figure = drawn(estimate=guess)
    dashed = [trace for trace in figure["data"] if trace.get("line", {}).get("dash") == "dash"]
    assert list(dashed[1]["y"]) == pytest.approx([88.0, 92.0])
    hollow = next(trace for trace in figure["data"] if trace.get("name") == "Estimate")
    assert hollow["marker"]["symbol"] == "triangle-up-open"
    assert "customdata" not in hollow  # it cannot be picked


def test_a_pick_is_a_ring_that_lets_clicks_through() -> None:
    ring = next(
        trace for trace in drawn(picked=[INT8.trial_id])["data"] if trace.get("name") == "Picked"
    )
    assert list(ring["x"]) == [23.0]
    assert ring["hoverinfo"] == "skip"


def test_a_few_collapsed_models_do_not_flatten_the_picture() -> None:
    table = rows(
        [
            *(
                document(
                    Quantize(calibration_examples=8 + n, scheme="int8-static"),
                    quality=0.95 + n / 1000,
                )
                for n in range(9)
            ),
            document(Distill(), quality=0.2),
        ]
    )
    info = tradeoff(table, "size_bytes", "quality")
    near, whole = (
        tradeoff_figure(info, PlotOptions(all_points=whole)).to_plotly_json()["layout"]
        for whole in (False, True)
    )
    assert near["yaxis"]["range"][0] > 90
    assert whole["yaxis"]["range"][0] < 20
    assert any("1 more below" in note["text"] for note in near["annotations"])
    assert not any("more below" in note["text"] for note in whole["annotations"])


def test_a_logarithmic_axis_has_round_ticks_and_holds_every_point() -> None:
    axis = drawn(log_x=True)["layout"]["xaxis"]
    low, high = (10**end for end in axis["range"])
    assert low < 23 < 91 < high
    assert axis["ticktext"] == ["40", "60", "80", "100"]


def test_labels_lie_at_their_points_on_a_logarithmic_axis() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality", Overlay(recommended=INT8.trial_id))
    label = next(
        note
        for note in tradeoff_figure(info, PlotOptions(log_x=True)).to_plotly_json()["layout"][
            "annotations"
        ]
        if next(row.short_name for row in TABLE if row.id == INT8.trial_id) in note["text"]
    )
    assert label["x"] == pytest.approx(math.log10(23))


@pytest.mark.parametrize("dark", [False, True])
def test_the_strategies_stand_out_from_the_background(dark: bool) -> None:
    """Contrast with the page as in WCAG 2.1 (1.4.11 asks 3 of graphics). Orange and pink on white
    reach less: their shape says it again.
    """
    page = DARK.paper if dark else LIGHT.paper
    measured = {name: contrast(style.color(dark), page) for name, style in STYLES.items()}
    assert min(measured.values()) > (4.5 if dark else 2.2)


def contrast(one: str, other: str) -> float:
    """Ratio of relative luminances, WCAG 2.1."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# --- what is in the picture, and where words lie


def collapsed(*, picked: bool, state: State = "dominated") -> dict[str, Any]:
    """Nine good models and one that is far below, drawn with `picked`."""
    fine = [
        document(
            Quantize(calibration_examples=8 + n, scheme="int8-static"), quality=0.95 + n / 1000
        )
        for n in range(9)
    ]
    table = rows([*fine, document(Distill(), quality=0.2)])
    states: dict[str, State] = dict.fromkeys((row.id for row in table), state)
    chosen = [table[-1].id] if picked else []
    return tradeoff_figure(
        tradeoff(table, "size_bytes", "quality", Overlay(states, picked=chosen))
    ).to_plotly_json()


def test_a_picked_point_is_in_the_picture_in_full_colour_wherever_it_stands() -> None:
    far = document(Distill()).trial_id
    before, figure = collapsed(picked=False), collapsed(picked=True)
    assert before["layout"]["yaxis"]["range"][0] > 20
    assert trace_of(before, far)["marker"]["opacity"] < 1
    assert figure["layout"]["yaxis"]["range"][0] < 20
    marker = trace_of(figure, far)["marker"]
    assert (marker["symbol"], marker["opacity"]) == ("diamond", 1.0)
    assert not any("below" in note["text"] for note in figure["layout"]["annotations"])
    outside = trace_of(collapsed(picked=True, state="excluded"), far)["marker"]
    assert outside["symbol"] == "diamond-open", "picked or not, it is outside the limits"


def test_no_axis_of_accuracy_goes_beyond_all_of_it() -> None:
    table = rows([document(), document(Quantize(), quality=1.0), document(Distill(), quality=0.9)])
    high = tradeoff_figure(tradeoff(table, "size_bytes", "quality")).to_plotly_json()["layout"][
        "yaxis"
    ]["range"][1]
    assert 100 < high <= 100.5
    across = tradeoff_figure(tradeoff(table, "quality", "size_bytes")).to_plotly_json()["layout"][
        "xaxis"
    ]["range"][1]
    assert 100 < across <= 100.5


def test_a_difference_that_no_reader_notices_does_not_fill_the_picture() -> None:
    alike = rows(
        [decoder_document(), decoder_document(Quantize(scheme="weight-only"), perplexity=20.02)]
    )
    low, high = tradeoff_figure(tradeoff(alike, "size_bytes", "perplexity")).to_plotly_json()[
        "layout"
    ]["yaxis"]["range"]
    assert 1.02 < 10 ** (high - low) < 1.03


def test_no_label_lies_on_a_line_a_tick_or_the_legend() -> None:
    """Names of lines are outside the plot; names of points keep clear of each other."""
    figure = drawn(recommended=INT8.trial_id, named={STUDENT.trial_id: "student"})
    notes = figure["layout"]["annotations"]
    lines = [note for note in notes if not note.get("showarrow")]
    assert {note["text"] for note in lines} >= {"2x smaller", ORIGINAL}
    assert all(1 in (note.get("x"), note.get("y")) for note in lines)
    first, second = [note for note in notes if note.get("showarrow")]
    assert first["xanchor"] != second["xanchor"] or abs(first["ay"] - second["ay"]) > 20


def test_the_front_fills_the_plot_and_what_is_far_below_is_counted() -> None:
    losses = (0.0, 0.004, 0.009, 0.3, 0.5, 0.8)
    table = rows(
        [
            decoder_document(),
            *(
                decoder_document(
                    Quantize(scheme="weight-only", bits=2 + place), perplexity=20 * (1 + loss)
                )
                for place, loss in enumerate(losses)
            ),
        ]
    )
    bound = {"perplexity_change": 0.02}
    info = tradeoff(table, "size_bytes", "perplexity_change", Overlay(bounds=bound))
    layout = tradeoff_figure(info).to_plotly_json()["layout"]
    low, high = layout["yaxis"]["range"]
    assert 2.0 < high < 4.0
    assert low < 0
    assert "↑ 3 more above" in [note["text"] for note in layout["annotations"]]


def test_ghosts_are_hollow_and_cannot_be_picked() -> None:
    info = tradeoff(TABLE[:2], "size_bytes", "quality", Overlay(ghosts=TABLE[2:]))
    (trace,) = [
        trace
        for trace in tradeoff_figure(info).to_plotly_json()["data"]
        if trace.get("name") == GHOSTS
    ]
    assert sorted(trace["x"]) == [70.0, 91.0]
    assert all(symbol.endswith("-open") for symbol in trace["marker"]["symbol"])
    assert "customdata" not in trace


def test_the_legend_is_in_the_emptiest_corner() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality")
    legend = tradeoff_figure(info).to_plotly_json()["layout"]["legend"]
    axes = axes_ranges(info, dark=False)
    for marker in info.markers:
        x, y = axes.place(*axes.shown(marker))
        assert abs(x - legend["x"]) > LEGEND_WIDTH or abs(y - legend["y"]) > LEGEND_HEIGHT
