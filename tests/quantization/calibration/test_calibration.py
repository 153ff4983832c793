"""The calibration methods against naive readings of their definitions and against ONNX Runtime's
own calibrator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime.quantization.calibrate import HistogramCollector

from paretoscope.quantization.calibration import entropy, minmax, mse, percentile
from paretoscope.quantization.calibration.histogram import Histogram
from paretoscope.quantization.calibration.observe import activation_ranges, observe
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages.methods import CALIBRATIONS
from tests.quantization.places import graph_of, split_context
from tests.tiny.context import Recorder

RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=20_000).astype(np.float32)
OUTLIERS = np.concatenate([NORMAL, np.array([40.0, -25.0], dtype=np.float32)])
ONE_SIDED = np.maximum(NORMAL, -0.17)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return graph_of("bert", tmp_path_factory.mktemp("tiny"))


# --- the histogram --------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=20), min_size=1, max_size=6
    )
)
def test_a_histogram_is_the_same_whatever_came_first(parts: list[list[float]]) -> None:
    grown = Histogram.empty(16)
    for part in sorted(parts, key=lambda part: max(map(abs, part))):
        grown.add(np.array(part))
    at_once = Histogram.of(np.concatenate([np.array(part) for part in parts]), bins=16)
    assert (grown.low, grown.high, grown.limit) == (at_once.low, at_once.high, at_once.limit)
    assert grown.counts.sum() == sum(map(len, parts))
    if grown.limit:
        expected, _ = np.histogram(
            np.concatenate(parts), bins=16, range=(-grown.limit, grown.limit)
        )
        np.testing.assert_array_equal(at_once.counts, expected)
        np.testing.assert_array_equal(grown.counts, expected)


def test_nothing_but_zeros_is_a_histogram_too() -> None:
    for name in CALIBRATIONS:
        low, high = clipped_range(name)(Histogram.of(np.zeros(10)))
        assert low == high == 0


# --- methods --------------------------------------------------------------------------------------


def clipped_range(name: str) -> Callable[[Histogram], tuple[float, float]]:
    return import_module(CALIBRATIONS[name].module).clipped_range


@pytest.mark.parametrize("name", CALIBRATIONS)
@pytest.mark.parametrize(
    "values", [NORMAL, OUTLIERS, ONE_SIDED], ids=["normal", "outliers", "one-sided"]
)
def test_a_range_is_deterministic_and_within_what_was_seen(name: str, values: np.ndarray) -> None:
    low, high = clipped_range(name)(Histogram.of(values))
    assert values.min() <= low < high <= values.max()
    assert clipped_range(name)(Histogram.of(values[::-1])) == (low, high)


def test_minmax_is_the_smallest_and_the_largest() -> None:
    assert minmax.clipped_range(Histogram.of(OUTLIERS)) == (OUTLIERS.min(), OUTLIERS.max())


def test_percentile_keeps_the_share_it_says() -> None:
    histogram = Histogram.of(OUTLIERS)
    for kept in (90, 99, 99.9):
        low, high = percentile.clipped_range(histogram, kept)
        expected = np.percentile(OUTLIERS, [(100 - kept) / 2, 100 - (100 - kept) / 2])
        assert (low, high) == pytest.approx(expected, abs=histogram.width)


def test_mse_is_the_threshold_with_the_least_squared_error() -> None:
    """Against rounding the values themselves, at every threshold."""
    histogram = Histogram.of(OUTLIERS)

    def error(low: float, high: float) -> float:
        scale = (high - low) / 255
        zero = round(-low / scale)
        codes = np.clip(np.round(OUTLIERS / scale) + zero, 0, 255)
        return float(np.square((codes - zero) * scale - OUTLIERS).sum())

    errors = [
        error(*histogram.clipped(histogram.peak * step / mse.STEPS))
        for step in range(1, mse.STEPS + 1)
    ]
    assert error(*mse.clipped_range(histogram)) <= min(errors) * 1.01
    with_outliers, without = mse.clipped_range(histogram), mse.clipped_range(Histogram.of(NORMAL))
    assert without[1] < with_outliers[1] <= OUTLIERS.max()


def naive_best_half(counts: list[int], levels: int) -> int:
    """The slides' pseudo code, bin by bin, for a histogram around its middle bin."""
    middle = len(counts) // 2
    best, least = middle, math.inf
    for half in range(levels // 2, middle + 1):
        start, end = middle - half, middle + half + 1
        p = [float(count) for count in counts[start:end]]
        p[0] += sum(counts[:start])
        p[-1] += sum(counts[end:])
        merged = len(p) // levels
        q = [0.0] * len(p)
        for level in range(levels):
            begin = level * merged
            stop = len(p) if level == levels - 1 else begin + merged
            total, used = (
                sum(counts[start + begin : start + stop]),
                sum(value > 0 for value in p[begin:stop]),
            )
            for place in range(begin, stop):
                q[place] = total / used if p[place] > 0 else 0.0
        divergence = kl(smooth(p), smooth(q))
        if divergence < least:
            best, least = half, divergence
    return best


def smooth(masses: list[float]) -> list[float]:
    empty = sum(mass == 0 for mass in masses)
    taken = 1e-4 * empty / (len(masses) - empty)
    return [1e-4 if mass == 0 else mass - taken for mass in masses]


def kl(p: list[float], q: list[float]) -> float:
    return sum(
        a / sum(p) * math.log((a / sum(p)) / (b / sum(q))) for a, b in zip(p, q, strict=True)
    )


@pytest.mark.parametrize(
    "values", [NORMAL, OUTLIERS, ONE_SIDED], ids=["normal", "outliers", "one-sided"]
)
def test_entropy_is_the_published_search(values: np.ndarray) -> None:
    counts, _ = np.histogram(values, bins=201, range=(-np.abs(values).max(), np.abs(values).max()))
    assert entropy.best_half(counts, 31) == naive_best_half(counts.tolist(), 31)


@pytest.mark.parametrize(
    ("counts", "half"),
    [
        ([6, 6, 6, 9, 9, 9, 6, 6, 6], 4),  # three levels give all of it back
        ([1, 1, 1, 50, 100, 50, 1, 1, 1], 1),  # what is far out is too little to spend levels on
        ([20, 20, 20, 50, 100, 50, 20, 20, 20], 4),
    ],
)
def test_entropy_agrees_with_onnx_runtimes_calibrator(counts: list[int], half: int) -> None:
    """On toy counts, where the bins divide evenly among the levels at the best threshold: what is
    left over after dividing ONNX Runtime gives no mass in Q, where the slides (and MXNet, which it
    follows) give it to the last level."""
    many = np.array(counts) * 1000
    edges = np.arange(-4.5, 5.5).astype(np.float32)
    collector = HistogramCollector("entropy", False, len(counts), 3, 99.99, "same")
    low, high = collector.get_entropy_threshold((many, edges, edges[0], edges[-1], edges[-1]), 3)
    assert entropy.best_half(many, 3) == half
    assert (-half - 0.5, half + 0.5) == (float(low), float(high))


# --- on a graph -----------------------------------------------------------------------------------


def test_one_pass_serves_every_method(graph: onnx.ModelProto) -> None:
    recorder = Recorder()
    context = recorder.context()
    ranges = {name: activation_ranges(graph, context, 24, name) for name in CALIBRATIONS}
    assert sum(key.startswith("activations-") for key in recorder.computed) == 1
    for name in CALIBRATIONS:
        assert activation_ranges(graph, context, 24, name) == ranges[name]
        for value, (low, high) in ranges[name].items():
            assert ranges["minmax"][value][0] <= low <= high <= ranges["minmax"][value][1]
    assert len(recorder.computed) == 1 + len(CALIBRATIONS)


def test_peaks_are_the_largest_of_each_channel(graph: onnx.ModelProto) -> None:
    context: StageContext = split_context()
    for activation in observe(graph, context, 4).values():
        assert activation.peaks.max() == pytest.approx(activation.histogram.peak)
        assert (activation.peaks >= 0).all() and len(set(activation.peaks)) > 1
