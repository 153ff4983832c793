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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from paretoscope.trials.metrics import METRICS
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.trial import (
    Generation,
    Interval,
    Latency,
    MetricValue,
    Quality,
    TrialDocument,
)

NORMALIZED_METRICS = (
    "Latencies are normalized: median baseline latency ÷ each model's measured speed-up."
)
"""How a shown latency came about, for a person."""
GROW_WITH_TIME = {"latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "energy_j"}
"""Metrics that scale with the baseline's p50 of their session."""


def baseline_latency(document: TrialDocument) -> Latency | None:
    """The baseline's latency in the session of `document`, which may be the baseline itself."""
    if document.baseline is not None:
        return document.baseline.latency
    return document.latency if document.is_baseline else None


def baseline_quality(document: TrialDocument) -> Quality | None:
    """The baseline's quality on the same examples or tokens."""
    if document.baseline is not None:
        return document.baseline.quality
    return document.quality if document.is_baseline else None


def session_key(document: TrialDocument) -> tuple[object, ...]:
    """Model, task, machine and conditions: latencies with one key can be normalized together."""
    return document.model, document.task, document.measured_under


def comparable(document: TrialDocument, others: Iterable[TrialDocument]) -> list[TrialDocument]:
    """Those of the `others` that have the session key of `document`."""
    return [other for other in others if session_key(other) == session_key(document)]


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


def reference(documents: Iterable[TrialDocument]) -> Reference:
    """The reference of documents with one session key."""
    documents = list(documents)
    p50_ms = _median(
        latency.p50_ms for document in documents if (latency := baseline_latency(document))
    )
    ttft_ms = _median(
        generation.ttft_ms
        for document in documents
        if (generation := _baseline_generation(document))
    )
    return Reference(p50_ms, ttft_ms, _perplexity(documents), _in_words(documents, p50_ms))


def _median(found: Iterable[float]) -> float | None:
    return statistics.median(found) if (found := list(found)) else None


def _baseline_generation(document: TrialDocument) -> Generation | None:
    if document.baseline is not None:
        return document.baseline.generation
    return document.generation if document.is_baseline else None


def _perplexity(documents: Iterable[TrialDocument]) -> float | None:
    found = [
        quality
        for document in documents
        if (quality := baseline_quality(document)) and quality.metric == "perplexity"
    ]
    return (
        max(found, key=lambda quality: quality.n).value
        if len({quality.n for quality in found}) > 1
        else None
    )


def scale(document: TrialDocument, reference: Reference) -> float:
    """The factor that normalizes a time of this session; 1 without a baseline or a reference."""
    base = baseline_latency(document)
    return reference.p50_ms / base.p50_ms if reference.p50_ms is not None and base else 1.0


def normalized(document: TrialDocument, reference: Reference) -> Iterator[MetricValue]:
    """The metrics of `document`, normalized to the `reference`.

    The p50 (for a decoder, the time per token), the time to the first token and their intervals are
    the reference's divided by their speed-ups. Other times are scaled as the baseline's p50 is, and
    tokens per second as the time per token. A perplexity is the reference's times its change.
    """
    for number in _on_one_text(document, reference.perplexity):
        yield _in_one_time(document, reference, number)


def _in_one_time(document: TrialDocument, reference: Reference, number: MetricValue) -> MetricValue:
    base, generation = _baseline_generation(document), document.generation
    if number.metric == "ttft_ms":
        return _over_speedup(
            number, reference.ttft_ms, base and base.ttft_ms, generation and generation.ttft_speedup
        )
    if number.metric == document.axes.time:
        own = baseline_latency(document)
        return _over_speedup(number, reference.p50_ms, own and own.p50_ms, document.speedup)
    if number.metric == "tokens_per_s" and (at := document.latency):
        token = _in_one_time(document, reference, MetricValue(document.axes.time, at.p50_ms))
        return MetricValue(number.metric, number.value * at.p50_ms / token.value)
    return _times(number, scale(document, reference)) if number.metric in GROW_WITH_TIME else number


def _over_speedup(
    number: MetricValue, median: float | None, own: float | None, speedup: Interval | None
) -> MetricValue:
    """A time, given the baseline's median time and its own time in this session."""
    if median is None or own is None:
        return number
    if speedup is None:
        return _times(number, median / own)
    return MetricValue(
        number.metric, median / speedup.value, median / speedup.high, median / speedup.low
    )


def _times(number: MetricValue, factor: float) -> MetricValue:
    low, high = (None if end is None else end * factor for end in (number.low, number.high))
    return MetricValue(number.metric, number.value * factor, low, high)


def _on_one_text(document: TrialDocument, perplexity: float | None) -> Iterator[MetricValue]:
    change = document.paired.change if document.paired else None
    for number in document.metrics():
        if (
            number.metric != "perplexity"
            or perplexity is None
            or not (change or document.is_baseline)
        ):
            yield number
        elif change:
            yield MetricValue(
                number.metric,
                *(perplexity * (1 + end) for end in (change.value, change.low, change.high)),
            )
        else:
            yield _times(number, perplexity / number.value)


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


def _in_words(documents: Iterable[TrialDocument], p50_ms: float | None) -> str:
    sessions = [
        document
        for document in documents
        if baseline_latency(document) and not document.trial_id.endswith(BASELINE_SUFFIX)
    ]
    if p50_ms is None or len(sessions) < 2:
        return ""
    time = METRICS[sessions[0].axes.time].called
    noisy = sum(bool(document.latency and document.latency.noisy) for document in sessions)
    return f"{time} = {p50_ms:.2f} ms (baseline, median of {len(sessions)} sessions) / speed-up" + (
        f", {noisy} noisy" if noisy else ""
    )
