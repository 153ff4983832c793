"""Latencies of different sittings on one footing, so that they may share an axis.

A machine is never equally fast twice: the baseline itself takes 7 ms in one sitting and 8 ms in the next. What a sitting
knows well is the ratio of the two models that it timed in turns. So models of different sittings are compared by that:
a p50 is what the speed-up of its sitting makes of one reference, the median p50 that the baseline had in all of them.
What was timed stays in the document. Perplexities that were taken over different amounts of text share an axis in the same way, by
their change beside the baseline on the same tokens.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator

from compression.metrics import METRICS
from compression.samples import BESIDE
from compression.trial import Latency, MetricValue, Quality, TrialDocument

FOOTING = "Everywhere models are compared by the baseline's usual time over the speed-up of their own sitting, for no two sittings are equally fast."
"""The one story of a time that is shown, for a person."""
GROW_WITH_TIME = {"latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "ttft_ms", "energy_j"}
"""Numbers that a slower sitting makes larger by the same factor as its baseline's p50."""


def baseline_latency(document: TrialDocument) -> Latency | None:
    """What the baseline took in the sitting of `document`; for the baseline's own trial what it took itself."""
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


def reference_ms(documents: Iterable[TrialDocument]) -> float | None:
    """The median over all sittings of the baseline's p50 in milliseconds; None without a sitting.

    The documents are of one model on one machine under one set of conditions.
    """
    found = [latency.p50_ms for document in documents if (latency := baseline_latency(document))]
    return statistics.median(found) if found else None


def reference_perplexity(documents: Iterable[TrialDocument]) -> float | None:
    """The baseline's perplexity over the most tokens, where some of the documents were scored over fewer (a quick look scores a part of what
    a standard one does); None where all were scored alike."""
    found = [quality for document in documents if (quality := baseline_quality(document)) and quality.metric == "perplexity"]
    return max(found, key=lambda quality: quality.n).value if len({quality.n for quality in found}) > 1 else None


def pace(document: TrialDocument, reference_ms: float | None) -> float:
    """What a time of this sitting is multiplied by to be as it would be where the baseline's p50 is `reference_ms`; 1 without one of the two."""
    base = baseline_latency(document)
    return reference_ms / base.p50_ms if reference_ms is not None and base else 1.0


def on_footing(document: TrialDocument, reference_ms: float | None, perplexity: float | None = None) -> Iterator[MetricValue]:
    """The metrics of `document` with its times as they would be where the baseline's p50 is `reference_ms`.

    The p50 (of a decoder that of the time per token) is `reference_ms` over the speed-up, and so is its interval; other times are
    scaled as the baseline's p50 is, and tokens per second follow the time per token.
    Without a reference or a baseline everything is as it was timed. With the `perplexity` of a reference baseline that of the document
    is what its change makes of it.
    """
    base = baseline_latency(document)
    if reference_ms is None or base is None:
        yield from _on_one_text(document, perplexity)
        return
    factor = pace(document, reference_ms)
    own = reference_ms / document.speedup.value / document.latency.p50_ms if document.speedup and document.latency else factor
    for number in _on_one_text(document, perplexity):
        if number.metric == document.axes.time and document.speedup:
            ratio = document.speedup
            yield MetricValue(number.metric, reference_ms / ratio.value, reference_ms / ratio.high, reference_ms / ratio.low)
        elif number.metric == "tokens_per_s":
            yield MetricValue(number.metric, number.value / own)
        elif number.metric == document.axes.time or number.metric in GROW_WITH_TIME:
            low, high = (None if end is None else end * factor for end in (number.low, number.high))
            yield MetricValue(number.metric, number.value * factor, low, high)
        else:
            yield number


def _on_one_text(document: TrialDocument, perplexity: float | None) -> Iterator[MetricValue]:
    change = document.paired.change if document.paired else None
    for number in document.metrics():
        if number.metric != "perplexity" or perplexity is None or not (change or document.is_baseline):
            yield number
        elif change:
            yield MetricValue(number.metric, *(perplexity * (1 + end) for end in (change.value, change.low, change.high)))
        else:
            ends = (end if end is None else end * perplexity / number.value for end in number[1:])
            yield MetricValue(number.metric, *ends)  # pyright: ignore[reportArgumentType]  the value is there


def text_in_words(perplexity: float | None) -> str:
    """How perplexities over different amounts of text are to be read, in a line; empty where all were scored alike.

    >>> text_in_words(None), text_in_words(25.82)
    ('', 'perplexity = 25.82 (baseline, the most tokens scored) x (1 + change on the tokens that each was scored on)')
    """
    if perplexity is None:
        return ""
    return f"perplexity = {perplexity:.2f} (baseline, the most tokens scored) x (1 + change on the tokens that each was scored on)"


def in_words(documents: Iterable[TrialDocument], reference_ms: float | None) -> str:
    """How latencies that are shown for the `reference_ms` of `documents` are to be read, in a line; empty when those are of one sitting.

    >>> in_words([], None)
    ''
    """
    sittings = [document for document in documents if baseline_latency(document) and not document.trial_id.endswith(BESIDE)]
    if reference_ms is None or len(sittings) < 2:
        return ""
    time = METRICS[sittings[0].axes.time].called
    noisy = sum(bool(document.latency and document.latency.noisy) for document in sittings)
    return f"{time} = {reference_ms:.2f} ms (baseline, median of {len(sittings)} sittings) / speed-up" + (f", {noisy} noisy" if noisy else "")
