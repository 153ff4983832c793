"""A number compared with the baseline's, in words: points, per cent or a ratio."""

from __future__ import annotations

from paretoscope.trials.metrics import METRICS, metric

TIMES = (
    *(key for key in METRICS if key.startswith("latency_")),
    "tpot_ms",
    "ttft_ms",
    "tokens_per_s",
)
SPEEDS = (*TIMES, "speedup", "ttft_speedup")
"""Metrics that are uncertain after a noisy measurement session."""
SAME_RATIO = 1.05
"""A smaller ratio is not shown."""


def delta(key: str, value: float, baseline: float | None) -> str:
    """The change of a number from the baseline's; empty without a baseline or a visible change.

    >>> delta("quality", 0.948, 0.960), delta("size_bytes", 17.2e6, 91e6)
    ('-1.2 points', '5.3x smaller')
    >>> delta("latency_p50_ms", 4.0, 2.0), delta("size_bytes", 91e6, 91e6)
    ('2.0x slower', '')
    >>> delta("perplexity", 18.36, 18.0), delta("tokens_per_s", 80, 20)
    ('+2.0 %', '4.0x more')
    """
    if baseline is None:
        return ""
    if key == "quality":
        return f"{_signed((value - baseline) * 100)} points"
    if metric(key).relative:
        return f"{_signed((value / baseline - 1) * 100)} %"
    if (words := metric(key).ratio) is None or value <= 0 or baseline <= 0:
        return ""
    ratio = max(baseline / value, value / baseline)
    better = (value < baseline) == (metric(key).better == "lower")
    return f"{ratio:.1f}x {words[0] if better else words[1]}" if ratio >= SAME_RATIO else ""


def _signed(points: float) -> str:
    """One decimal with a sign; no sign for zero."""
    return "0.0" if abs(points) < 0.05 else f"{points:+.1f}"
