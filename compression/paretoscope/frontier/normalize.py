"""Latencies of different sittings on one footing, so that they may share an axis.

A machine is never equally fast twice: the baseline itself takes 7 ms in one sitting and 8 ms in the
next. What a sitting knows well is the ratio of the two models that it timed in turns. So models of
different sittings are compared by that: a p50 is what the speed-up of its sitting makes of one
reference, the median p50 that the baseline had in all of them. What was timed stays in the
document. Perplexities that were taken over different amounts of text share an axis in the same way,
by their change beside the baseline on the same tokens.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from paretoscope.trials.metrics import METRICS
from paretoscope.trials.samples import BESIDE
from paretoscope.trials.trial import (
    Generation,
    Interval,
    Latency,
    MetricValue,
    Quality,
    TrialDocument,
)

NORMALIZED_METRICS = (
    "Everywhere models are compared by the baseline's usual time over the speed-up of their own"
    " sitting, for no two sittings are equally fast."
)
"""The one story of a time that is shown, for a person."""
GROW_WITH_TIME = {"latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "energy_j"}
"""Numbers that a slower sitting makes larger by the same factor as its baseline's p50."""


def baseline_latency(document: TrialDocument) -> Latency | None:
    """What the baseline took in the sitting of `document`; for the baseline's own trial what it
    took itself.
    """
    if document.baseline is not None:
        return document.baseline.latency
    return document.latency if document.is_baseline else None


def baseline_quality(document: TrialDocument) -> Quality | None:
    """The baseline's on the same examples or tokens; for the baseline's own trial its own."""
    if document.baseline is not None:
        return document.baseline.quality
    return document.quality if document.is_baseline else None


def place(document: TrialDocument) -> tuple[object, ...]:
    """Model, task, machine and conditions: documents that share them are the same kind of sitting."""
    return document.model, document.task, document.measured_under


def alike(document: TrialDocument, others: Iterable[TrialDocument]) -> list[TrialDocument]:
    """Those of the `others` that were measured in the same place as `document`."""
    return [other for other in others if place(other) == place(document)]


@dataclass(frozen=True)
class Reference:
    """The baseline that documents of several sittings are put beside: what it takes in
    milliseconds, the median over all of them, for one answer or output token and to the first
    token, and its perplexity. A part that is None leaves the numbers as they were taken."""

    p50_ms: float | None = None
    ttft_ms: float | None = None
    perplexity: float | None = None
    """Only where some were scored over fewer tokens: that over the most (a quick look scores a part
    of what a standard one does).
    """
    normalized_to: str = ""
    """How a time is to be read beside those of other sittings, in a line; empty where there is one
    sitting.
    """


AS_TAKEN = Reference()
"""Nothing is put beside anything."""


def reference(documents: Iterable[TrialDocument]) -> Reference:
    """The reference of `documents`, which are of one model on one machine under one set of
    conditions.
    """
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


def pace(document: TrialDocument, reference: Reference) -> float:
    """What a time of this sitting is multiplied by to be as it would be beside the `reference`; 1
    without one of the two.
    """
    base = baseline_latency(document)
    return reference.p50_ms / base.p50_ms if reference.p50_ms is not None and base else 1.0


def normalized(document: TrialDocument, reference: Reference) -> Iterator[MetricValue]:
    """The metrics of `document` as they would be beside the `reference`.

    The p50 (of a decoder that of the time per token) and the time to the first token are each the
    reference's over their own speed-up, and so are their intervals; other times are scaled as the
    baseline's p50 is, tokens per second follow the time per token, and a perplexity is what its
    change makes of the reference's.
    """
    for number in _on_one_text(document, reference.perplexity):
        yield _in_one_time(document, reference, number)


def _in_one_time(document: TrialDocument, reference: Reference, number: MetricValue) -> MetricValue:
    base, generation = _baseline_generation(document), document.generation
    if number.metric == "ttft_ms":
        return _beside(
            number, reference.ttft_ms, base and base.ttft_ms, generation and generation.ttft_speedup
        )
    if number.metric == document.axes.time:
        own = baseline_latency(document)
        return _beside(number, reference.p50_ms, own and own.p50_ms, document.speedup)
    if number.metric == "tokens_per_s" and (at := document.latency):
        token = _in_one_time(document, reference, MetricValue(document.axes.time, at.p50_ms))
        return MetricValue(number.metric, number.value * at.p50_ms / token.value)
    return _times(number, pace(document, reference)) if number.metric in GROW_WITH_TIME else number


def _beside(
    number: MetricValue, usual: float | None, own: float | None, speedup: Interval | None
) -> MetricValue:
    """A time beside a baseline that `usual`ly takes so long and in this sitting its `own`."""
    if usual is None or own is None:
        return number
    return (
        MetricValue(number.metric, usual / speedup.value, usual / speedup.high, usual / speedup.low)
        if speedup
        else _times(number, usual / own)
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
    """How perplexities over different amounts of text are to be read, in a line; empty where all
    were scored alike.

    >>> text_in_words(None), text_in_words(25.82)
    ('', 'perplexity = 25.82 (baseline, the most tokens scored) x (1 + change on the tokens that each was scored on)')
    """
    if perplexity is None:
        return ""
    return (
        f"perplexity = {perplexity:.2f} (baseline, the most tokens scored) x (1 + change on the"
        " tokens that each was scored on)"
    )


def _in_words(documents: Iterable[TrialDocument], p50_ms: float | None) -> str:
    sessions = [
        document
        for document in documents
        if baseline_latency(document) and not document.trial_id.endswith(BESIDE)
    ]
    if p50_ms is None or len(sessions) < 2:
        return ""
    time = METRICS[sessions[0].axes.time].called
    noisy = sum(bool(document.latency and document.latency.noisy) for document in sessions)
    return f"{time} = {p50_ms:.2f} ms (baseline, median of {len(sessions)} sittings) / speed-up" + (
        f", {noisy} noisy" if noisy else ""
    )
