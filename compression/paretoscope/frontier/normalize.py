"""Normalized latencies: times of different measurement sessions on one scale.

A machine is never equally fast twice: the baseline takes 7 ms in one session and 8 ms in the next.
The ratio of two models that were timed interleaved in one session is stable. A normalized latency
is therefore a reference, the median latency of the baseline over all sessions, divided by the
speed-up measured in the model's session. Documents keep what was timed. Perplexities on different
amounts of text are normalized in the same way, by their change against the baseline on the same
tokens.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from paretoscope.trials.metrics import METRICS
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.summary import AnyTrial, Summary, Trial, summary
from paretoscope.trials.trial import MetricValue

NORMALIZED_METRICS = (
    "Latencies are normalized: median baseline latency ÷ each model's measured speed-up."
)
"""How a shown latency came about, for a person."""
GROW_WITH_TIME = {"latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "energy_j"}
"""Metrics that scale with the baseline's p50 of their session."""


def session_key(trial: Trial) -> tuple[object, ...]:
    """Model, task, machine and conditions: latencies with one key can be normalized together."""
    return trial.model, trial.task, trial.measured_under


def comparable(trial: Trial, others: Iterable[AnyTrial]) -> list[AnyTrial]:
    """Those of the `others` that have the session key of `trial`."""
    key = session_key(trial)
    return [other for other in others if session_key(other) == key]


@dataclass(frozen=True)
class Reference:
    """The baseline that several sessions are normalized to; None leaves numbers as measured."""

    p50_ms: float | None = None
    """Median over the sessions of the time for a request, or for an output token."""
    ttft_ms: float | None = None
    """Median over the sessions of the time to the first token."""
    perplexity: float | None = None
    """Perplexity on the most tokens, where some trials were scored on fewer (protocol quick)."""
    normalized_to: str = ""
    """How latencies were normalized, in a line; empty for a single session."""


AS_TAKEN = Reference()
"""Leaves all numbers as measured."""


def reference(trials: Iterable[Trial]) -> Reference:
    """The reference of trials with one session key."""
    found = [summary(trial) for trial in trials]
    p50_ms = _median(each.baseline_p50_ms for each in found)
    ttft_ms = _median(each.baseline_ttft_ms for each in found)
    return Reference(p50_ms, ttft_ms, _perplexity(found), _in_words(found, p50_ms))


def _median(found: Iterable[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return statistics.median(known) if known else None


def _perplexity(trials: Iterable[Summary]) -> float | None:
    """The baseline's perplexity on the most tokens; None where all have the same tokens."""
    counted: list[tuple[int, float]] = []
    for trial in trials:
        numbers = trial.numbers if trial.is_baseline else trial.baseline
        of = None if numbers is None else numbers.get("perplexity")
        n = trial.baseline_basis.n
        if of is not None and n is not None:
            counted.append((n, of.value))
    if len({n for n, _ in counted}) < 2:
        return None
    return max(counted, key=lambda each: each[0])[1]


def scale(trial: Trial, reference: Reference) -> float:
    """The factor that normalizes a time of this session; 1 without a baseline or a reference."""
    base = summary(trial).baseline_p50_ms
    return reference.p50_ms / base if reference.p50_ms is not None and base else 1.0


def normalized(trial: Trial, reference: Reference) -> Iterator[MetricValue]:
    """The metrics of a trial, normalized to the `reference`.

    The p50 (for a decoder, the time per token), the time to the first token and their intervals are
    the reference's divided by their speed-ups. Other times are scaled as the baseline's p50 is, and
    tokens per second as the time per token. A perplexity is the reference's times its change.
    """
    yield from Normalized(summary(trial), reference).values()


class Normalized(Mapping[str, MetricValue]):
    """The normalized metrics of a trial by key, each computed when it is looked up."""

    __slots__ = ("_of", "_reference")

    def __init__(self, of: Summary, reference: Reference) -> None:
        self._of = of
        self._reference = reference

    def __getitem__(self, key: str) -> MetricValue:
        of, to = self._of, self._reference
        number = of.numbers[key]
        if key == of.axes.time:
            return _over_speedup(number, to.p50_ms, of.baseline_p50_ms, of.numbers.get("speedup"))
        if key == "ttft_ms":
            speedup = of.numbers.get("ttft_speedup")
            return _over_speedup(number, to.ttft_ms, of.baseline_ttft_ms, speedup)
        if key == "perplexity" and to.perplexity is not None:
            return _on_one_text(of, number, to.perplexity)
        if key == "tokens_per_s" and of.p50_ms:
            token = MetricValue(of.axes.time, of.p50_ms)
            speedup = of.numbers.get("speedup")
            token = _over_speedup(token, to.p50_ms, of.baseline_p50_ms, speedup)
            return MetricValue(key, number.value * of.p50_ms / token.value)
        return _times(number, scale(of, to)) if key in GROW_WITH_TIME else number

    def __contains__(self, key: object) -> bool:
        return key in self._of.numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._of.numbers)

    def __len__(self) -> int:
        return len(self._of.numbers)


def _over_speedup(
    number: MetricValue, median: float | None, own: float | None, speedup: MetricValue | None
) -> MetricValue:
    """A time, given the baseline's median time and its own time in this session."""
    if median is None or own is None:
        return number
    if speedup is None or speedup.low is None or speedup.high is None:
        return _times(number, median / own)
    return MetricValue(
        number.metric, median / speedup.value, median / speedup.high, median / speedup.low
    )


def _times(number: MetricValue, factor: float) -> MetricValue:
    low, high = (None if end is None else end * factor for end in (number.low, number.high))
    return MetricValue(number.metric, number.value * factor, low, high)


def _on_one_text(of: Summary, number: MetricValue, perplexity: float) -> MetricValue:
    """A perplexity, given that of the baseline on the most tokens."""
    change = of.numbers.get("perplexity_change")
    if change is not None and change.low is not None and change.high is not None:
        ends = (change.value, change.low, change.high)
        return MetricValue(number.metric, *(perplexity * (1 + end) for end in ends))
    return _times(number, perplexity / number.value) if of.is_baseline else number


def text_in_words(perplexity: float | None) -> str:
    """How perplexities were normalized, in a line; empty when all were scored on the same tokens.

    >>> text_in_words(25.82)
    'perplexity = 25.82 (baseline, most tokens) x (1 + change on the tokens of each trial)'
    """
    if perplexity is None:
        return ""
    return (
        f"perplexity = {perplexity:.2f} (baseline, most tokens) x (1 + change on the tokens of each"
        " trial)"
    )


def _in_words(trials: Iterable[Summary], p50_ms: float | None) -> str:
    sessions = [
        trial
        for trial in trials
        if trial.baseline_p50_ms is not None and not trial.trial_id.endswith(BASELINE_SUFFIX)
    ]
    if p50_ms is None or len(sessions) < 2:
        return ""
    time = METRICS[sessions[0].axes.time].called
    noisy = sum(trial.noisy for trial in sessions)
    return f"{time} = {p50_ms:.2f} ms (baseline, median of {len(sessions)} sessions) / speed-up" + (
        f", {noisy} noisy" if noisy else ""
    )
