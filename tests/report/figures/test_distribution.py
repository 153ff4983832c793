"""The distribution of latencies: every sample is on its curve, and models of one strategy can be
told apart without colour.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from paretoscope.report.figures.class_shares import shares_figure
from paretoscope.report.figures.distribution import Times, distribution_figure
from paretoscope.report.figures.palette import STYLES


def test_a_curve_is_the_empirical_distribution_and_the_marks_are_its_quantiles() -> None:
    ms = np.random.default_rng(0).gamma(4, 1, 200)
    figure: Any = distribution_figure([Times("int8", "quantization", ms)])  # plotly has no types
    curve, marks = figure.data
    for x, share in zip(curve.x, curve.y, strict=True):
        assert share / 100 == np.mean(ms <= x)
    assert list(marks.x) == [np.quantile(ms, 0.5), np.quantile(ms, 0.9)]
    assert marks.marker.symbol == STYLES["quantization"].symbol


def test_the_99th_percentile_needs_299_samples() -> None:
    few, enough = (np.random.default_rng(1).gamma(4, 1, n) for n in (298, 299))
    figure: Any = distribution_figure(
        [Times("few", "pruning", few), Times("enough", "pruning", enough)]
    )
    assert [len(trace.x) for trace in figure.data[1::2]] == [2, 3]
    assert figure.data[3].x[2] == np.quantile(enough, 0.99)


def test_one_strategy_has_one_colour_and_many_dashes() -> None:
    ms = np.array([1.0, 2.0])
    figure: Any = distribution_figure(
        [
            Times("int8", "quantization", ms),
            Times("fp32", "baseline", ms),
            Times("int4", "quantization", ms),
        ],
        dark=True,
    )
    lines = [(trace.line.color, trace.line.dash) for trace in figure.data[::2]]
    assert [color for color, _ in lines] == [
        STYLES[name].dark_color for name in ("quantization", "baseline", "quantization")
    ]
    assert [dash for _, dash in lines] == ["solid", "solid", "dash"]


def test_the_picture_is_not_stretched_by_one_outlier() -> None:
    ms = np.concatenate([np.linspace(1, 2, 299), [500.0]])
    figure: Any = distribution_figure([Times("int8", "quantization", ms)])
    assert figure.layout.xaxis.range[1] < 3


def test_the_likeliest_label_is_full_in_colour() -> None:
    figure: Any = shares_figure(["yes", "no"], [0.2, 0.8], "pruning")
    (bars,) = figure.data
    assert list(bars.text) == ["20.0 %", "80.0 %"]
    assert bars.marker.color[1] == STYLES["pruning"].light_color
    assert bars.marker.color[0].startswith("rgba(")
