"""Latencies of different sittings on one footing, so that they may share an axis.

A machine is never equally fast twice: the baseline itself takes 7 ms in one sitting and 8 ms in the next. What a sitting
knows well is the ratio of the two models that it timed in turns. So models of different sittings are compared by that:
a p50 is what the speed-up of its sitting makes of one reference, the median p50 that the baseline had in all of them.
What was timed stays in the document.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator

from compression.metrics import METRICS
from compression.trial import Latency, MetricValue, TrialDocument

GROW_WITH_TIME = {"latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "ttft_ms", "energy_j"}
"""Numbers that a slower sitting makes larger by the same factor as its baseline's p50."""


def baseline_latency(document: TrialDocument) -> Latency | None:
    """What the baseline took in the sitting of `document`; for the baseline's own trial what it took itself."""
    if document.baseline is not None:
        return document.baseline.latency
    return document.latency if document.is_baseline else None


def place(document: TrialDocument) -> tuple[object, ...]:
    """Model, task, machine and conditions: documents that share them are the same kind of sitting."""
    return document.model, document.task, document.measured_under


def reference_ms(documents: Iterable[TrialDocument]) -> float | None:
    """The median over all sittings of the baseline's p50 in milliseconds; None without a sitting.

    The documents are of one model on one machine under one set of conditions.
    """
    found = [latency.p50_ms for document in documents if (latency := baseline_latency(document))]
    return statistics.median(found) if found else None


def pace(document: TrialDocument, reference_ms: float | None) -> float:
    """What a time of this sitting is multiplied by to be as it would be where the baseline's p50 is `reference_ms`; 1 without one of the two."""
    base = baseline_latency(document)
    return reference_ms / base.p50_ms if reference_ms is not None and base else 1.0


def on_footing(document: TrialDocument, reference_ms: float | None) -> Iterator[MetricValue]:
    """The metrics of `document` with its times as they would be where the baseline's p50 is `reference_ms`.

    The p50 (of a decoder that of the time per token) is `reference_ms` over the speed-up, and so is its interval; other times are
    scaled as the baseline's p50 is, and tokens per second follow the time per token.
    Without a reference or a baseline everything is as it was timed.
    """
    base = baseline_latency(document)
    if reference_ms is None or base is None:
        yield from document.metrics()
        return
    factor = pace(document, reference_ms)
    own = reference_ms / document.speedup.value / document.latency.p50_ms if document.speedup and document.latency else factor
    for number in document.metrics():
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


def in_words(documents: Iterable[TrialDocument], reference_ms: float | None) -> str:
    """How the latencies of `documents` are to be read, in a line; empty when they are of one sitting.

    >>> in_words([], None)
    ''
    """
    sittings = [document for document in documents if document.baseline]
    time = METRICS[sittings[0].axes.time].called if sittings else ""
    if reference_ms is None or len(sittings) < 2:
        return ""
    noisy = sum(bool(document.latency and document.latency.noisy) for document in sittings)
    return f"{time} = {reference_ms:.2f} ms (baseline, median of {len(sittings)} sittings) / speed-up" + (f", {noisy} noisy" if noisy else "")
