"""The metric table: every number of a trial, with its unit, direction and digits.

It formats numbers for people. `measure/` measures them, and `trial.py` stores them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from paretoscope.errors import ParetoscopeError, did_you_mean


@dataclass(frozen=True)
class Metric:
    """One metric: `unit` is shown, and `scale` converts the stored value to it.

    Bytes are stored and megabytes are shown; fractions are stored and per cent is shown.
    """

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher"]
    scale: float = 1.0
    digits: int = 3
    about: str = ""
    short: str = ""
    quality: bool = False
    """Whether it measures the quality of a model, as accuracy and perplexity do."""
    fidelity: bool = False
    """Whether it measures the distance from the baseline; a recommendation weighs it as quality."""
    relative: bool = False
    """Whether a change is shown in per cent of the baseline instead of in `unit`."""
    log: bool = False
    """Whether ratios matter more than differences, so that an axis is logarithmic."""
    ratio: tuple[str, str] | None = None
    """Words for a better and a worse ratio to the baseline; None shows no ratio."""
    listed: bool = False
    """Whether the table of models on Explore has a column for it."""
    limit: str = ""
    """Name of its limit in a URL; a metric with one can be an objective on Explore."""
    value: Callable[[Any], float | None] | None = None
    """Computes the metric from a `TrialDocument`; None if `TrialDocument.metrics` yields it."""

    @property
    def called(self) -> str:
        """The name inside a sentence or on a chip.

        >>> METRICS["latency_p50_ms"].called, METRICS["load_ms"].called
        ('p50', 'load time')
        """
        return self.short or f"{self.label[0].lower()}{self.label[1:]}"

    @property
    def arrow(self) -> str:
        """The direction, for an axis title.

        >>> METRICS["size_bytes"].arrow
        '↓ lower is better'
        """
        return "↑ higher is better" if self.better == "higher" else "↓ lower is better"

    @property
    def axis_title(self) -> str:
        """`"Size on disk (MB) ↓ lower is better"`."""
        return f"{self.with_unit} {self.arrow}"

    @property
    def with_unit(self) -> str:
        """`"Size on disk (MB)"`; perplexity has no unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def before(self) -> str:
        """The name to put before a number without a unit.

        >>> METRICS["perplexity"].before, METRICS["quality"].before
        ('perplexity ', '')
        """
        return "" if self.unit else f"{self.called} "

    def shown(self, value: float) -> float:
        """The stored `value` in the shown unit."""
        return value * self.scale

    def format(self, value: float | None) -> str:
        """The value with its unit; a missing value is an en dash.

        >>> METRICS["size_bytes"].format(22_900_000)
        '22.9 MB'
        >>> METRICS["quality"].format(0.948)
        '94.8 %'
        """
        return "–" if value is None else f"{self.number(value)} {self.unit}".strip()

    def number(self, value: float) -> str:
        """The value without its unit, with `digits` significant digits and no exponent."""
        shown = self.shown(value)
        if shown == 0:
            return "0"
        magnitude = len(str(int(abs(shown)))) if abs(shown) >= 1 else 0
        return f"{shown:,.{max(0, self.digits - magnitude)}f}"

    def interval(self, low: float | None, high: float | None) -> str:
        """`[low, high]` in the shown unit; empty if either end is missing.

        >>> METRICS["quality"].interval(0.932, 0.960)
        '[93.2, 96.0]'
        """
        return "" if low is None or high is None else f"[{self.number(low)}, {self.number(high)}]"


SMALLER, FASTER, LESS = ("smaller", "larger"), ("faster", "slower"), ("less", "more")

_TABLE = (
    Metric(
        "quality",
        "Accuracy",
        "%",
        "higher",
        scale=100,
        about="share of examples that the artefact predicts correctly",
        quality=True,
    ),
    Metric(
        "quality_change",
        "Accuracy change",
        "points",
        "higher",
        scale=100,
        digits=2,
        about="change from the baseline on the same examples, with its paired interval",
        fidelity=True,
    ),
    Metric(
        "perplexity",
        "Perplexity",
        "",
        "lower",
        about=(
            "exp of the mean negative log-probability of a token; comparable only between models"
            " with the same tokenizer"
        ),
        quality=True,
        relative=True,
        log=True,
    ),
    Metric(
        "perplexity_change",
        "More perplexity",
        "%",
        "lower",
        scale=100,
        about="change from the baseline on the same tokens, paired by document",
        fidelity=True,
    ),
    Metric(
        "size_bytes",
        "Size on disk",
        "MB",
        "lower",
        scale=1e-6,
        about="all files of the artefact",
        short="size",
        ratio=SMALLER,
        log=True,
    ),
    Metric(
        "latency_p50_ms",
        "Latency p50",
        "ms",
        "lower",
        about="median of one request, without tokenization",
        short="p50",
        ratio=FASTER,
        log=True,
    ),
    Metric("latency_p90_ms", "Latency p90", "ms", "lower", ratio=FASTER, log=True, listed=True),
    Metric(
        "latency_p95_ms",
        "Latency p95",
        "ms",
        "lower",
        about="from 59 samples",
        ratio=FASTER,
        log=True,
    ),
    Metric(
        "latency_p99_ms",
        "Latency p99",
        "ms",
        "lower",
        about="from 299 samples",
        ratio=FASTER,
        log=True,
    ),
    Metric(
        "speedup",
        "Speed-up",
        "x",
        "higher",
        about="baseline latency / latency, interleaved in one measurement session",
        log=True,
        listed=True,
    ),
    Metric(
        "tpot_ms",
        "Time per token",
        "ms",
        "lower",
        about="median time of an output token after the first",
        short="time per token",
        ratio=FASTER,
        log=True,
    ),
    Metric(
        "ttft_ms",
        "Time to first token",
        "ms",
        "lower",
        about="median from prompt to first output token",
        ratio=FASTER,
        log=True,
        listed=True,
        limit="ttft",
    ),
    Metric(
        "ttft_speedup",
        "Speed-up to first token",
        "x",
        "higher",
        about="baseline time to first token / time to first token, interleaved",
        log=True,
    ),
    Metric(
        "tokens_per_s",
        "Tokens per second",
        "tokens/s",
        "higher",
        about="output tokens of all rows of a batch, after the first of each",
        ratio=("more", "fewer"),
        log=True,
        listed=True,
    ),
    Metric(
        "peak_memory_bytes",
        "Peak memory",
        "MB",
        "lower",
        scale=1e-6,
        about="peak resident set, minus that of the empty runtime",
        short="memory",
        ratio=SMALLER,
        log=True,
        listed=True,
        limit="memory",
    ),
    Metric(
        "steady_memory_bytes",
        "Steady memory",
        "MB",
        "lower",
        scale=1e-6,
        about="resident set while serving, minus that of the empty runtime",
        ratio=SMALLER,
        log=True,
    ),
    Metric(
        "load_ms",
        "Load time",
        "ms",
        "lower",
        about="from opening the file to a ready session",
        ratio=FASTER,
        log=True,
    ),
    Metric(
        "energy_j",
        "Energy per request",
        "J",
        "lower",
        about="from a hardware counter, or estimated as time x power; the source is stated",
        short="energy",
        ratio=LESS,
        log=True,
        listed=True,
        limit="energy",
    ),
    Metric(
        "agreement",
        "Agreement with the baseline",
        "%",
        "higher",
        scale=100,
        about="share of examples or tokens with the same prediction",
        fidelity=True,
    ),
    Metric(
        "kl",
        "KL divergence from the baseline",
        "nats",
        "lower",
        about="mean over examples or tokens",
        fidelity=True,
    ),
    Metric(
        "theoretical_bytes",
        "Theoretical size",
        "MB",
        "lower",
        scale=1e-6,
        about="non-zero weights x bits; no file is this small",
        ratio=SMALLER,
        log=True,
    ),
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _TABLE}


def metric(key: str) -> Metric:
    """The metric with that key; raises `ParetoscopeError` with the nearest one if unknown."""
    if key not in METRICS:
        raise ParetoscopeError(f'Unknown metric "{key}": {did_you_mean(key, METRICS)}')
    return METRICS[key]
