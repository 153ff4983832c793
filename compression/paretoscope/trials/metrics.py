"""The metric table: every number the product can show, with its unit, direction and digits.

Formatting a number for a person happens here and nowhere else; measuring it happens in `measure/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from paretoscope.errors import ParetoscopeError, did_you_mean


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    `unit` is what a person reads; `scale` turns the stored value into that unit
    (bytes are stored, megabytes are shown; a fraction is stored, per cent is shown).
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
    """Whether it says how good a model is, as `defaults.Axes.quality` does."""
    relative: bool = False
    """Whether a change is said as a share of the baseline's, in per cent, and not in the metric's
    own unit.
    """

    @property
    def called(self) -> str:
        """The name within a sentence or on a chip.

        >>> METRICS["latency_p50_ms"].called, METRICS["load_ms"].called
        ('p50', 'load time')
        """
        return self.short or f"{self.label[0].lower()}{self.label[1:]}"

    @property
    def arrow(self) -> str:
        """Where better lies, for an axis title.

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
        """What stands before a number whose unit does not tell what it is.

        >>> METRICS["perplexity"].before, METRICS["quality"].before
        ('perplexity ', '')
        """
        return "" if self.unit else f"{self.called} "

    def shown(self, value: float) -> float:
        """The stored `value` in the unit that a person reads."""
        return value * self.scale

    def format(self, value: float | None) -> str:
        """The value with its unit at three significant digits; a missing one is an en dash.

        >>> METRICS["size_bytes"].format(22_900_000)
        '22.9 MB'
        >>> METRICS["quality"].format(0.948)
        '94.8 %'
        """
        return "–" if value is None else f"{self.number(value)} {self.unit}".strip()

    def number(self, value: float) -> str:
        """The value without its unit, at `digits` significant digits, never in exponents."""
        shown = self.shown(value)
        if shown == 0:
            return "0"
        magnitude = len(str(int(abs(shown)))) if abs(shown) >= 1 else 0
        return f"{shown:,.{max(0, self.digits - magnitude)}f}"

    def interval(self, low: float | None, high: float | None) -> str:
        """`[low, high]` in the shown unit, empty when either end is missing.

        >>> METRICS["quality"].interval(0.932, 0.960)
        '[93.2, 96.0]'
        """
        return "" if low is None or high is None else f"[{self.number(low)}, {self.number(high)}]"


_TABLE = (
    Metric(
        "quality",
        "Accuracy",
        "%",
        "higher",
        scale=100,
        about="share of examples answered correctly, through the artefact",
        quality=True,
    ),
    Metric(
        "perplexity",
        "Perplexity",
        "",
        "lower",
        about=(
            "exp of the mean negative log-probability of a token of prose; only models with one"
            " tokenizer can be compared"
        ),
        quality=True,
        relative=True,
    ),
    Metric(
        "perplexity_change",
        "More perplexity",
        "%",
        "lower",
        scale=100,
        about="beside the baseline on the same tokens, paired by document",
    ),
    Metric(
        "size_bytes",
        "Size on disk",
        "MB",
        "lower",
        scale=1e-6,
        about="all files that a deployer ships",
        short="size",
    ),
    Metric(
        "latency_p50_ms",
        "Latency p50",
        "ms",
        "lower",
        about="median of one request, tokenization excluded",
        short="p50",
    ),
    Metric("latency_p90_ms", "Latency p90", "ms", "lower"),
    Metric("latency_p95_ms", "Latency p95", "ms", "lower", about="only with at least 59 samples"),
    Metric("latency_p99_ms", "Latency p99", "ms", "lower", about="only with at least 299 samples"),
    Metric(
        "speedup",
        "Speed-up",
        "x",
        "higher",
        about="baseline latency over this one's, measured in turns in one sitting",
    ),
    Metric(
        "tpot_ms",
        "Time per token",
        "ms",
        "lower",
        about="median of an output token after the first",
        short="time per token",
    ),
    Metric(
        "ttft_ms",
        "Time to first token",
        "ms",
        "lower",
        about="median from prompt to first output token",
    ),
    Metric(
        "ttft_speedup",
        "Speed-up to first token",
        "x",
        "higher",
        about="baseline's time to the first token over this one's, in turns",
    ),
    Metric(
        "tokens_per_s",
        "Tokens per second",
        "tokens/s",
        "higher",
        about="output tokens of all rows of a batch, after the first of each",
    ),
    Metric(
        "peak_memory_bytes",
        "Peak memory",
        "MB",
        "lower",
        scale=1e-6,
        about="peak resident set over that of an empty runtime",
        short="memory",
    ),
    Metric(
        "steady_memory_bytes",
        "Steady memory",
        "MB",
        "lower",
        scale=1e-6,
        about="resident set while serving, over that of an empty runtime",
    ),
    Metric("load_ms", "Load time", "ms", "lower", about="from the file to a session that is ready"),
    Metric(
        "energy_j",
        "Energy per request",
        "J",
        "lower",
        about="see its source: a counter of the machine, or time x power",
        short="energy",
    ),
    Metric("agreement", "Agreement with the baseline", "%", "higher", scale=100),
    Metric("kl", "KL divergence from the baseline", "nats", "lower"),
    Metric(
        "theoretical_bytes",
        "Theoretical size",
        "MB",
        "lower",
        scale=1e-6,
        about="non-zero weights x bits; no file is this small",
    ),
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _TABLE}


def metric(key: str) -> Metric:
    """The metric called `key`; an unknown one raises `ParetoscopeError` with the nearest name."""
    if key not in METRICS:
        raise ParetoscopeError(f'There is no metric "{key}": {did_you_mean(key, METRICS)}')
    return METRICS[key]
