"""Measured trials as rows: what a plot, a table and a CSV say about each, in words and in numbers.

Which of them are on a front or worth taking is `frontier/front.py`'s and
`dashboard/explore/recommendation.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from paretoscope.frontier.normalize import (
    AS_TAKEN,
    Reference,
    alike,
    baseline_latency,
    normalized,
    reference,
)
from paretoscope.frontier.points import Point, point
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.strategy import Family, family
from paretoscope.trials.format import conditions_in_words, machine_in_words, may_be_one, when
from paretoscope.trials.metrics import METRICS, Metric, metric
from paretoscope.trials.samples import BESIDE
from paretoscope.trials.trial import MetricValue, TrialDocument

RATIO_WORDS = {
    "size_bytes": ("smaller", "larger"),
    "theoretical_bytes": ("smaller", "larger"),
    "peak_memory_bytes": ("smaller", "larger"),
    "steady_memory_bytes": ("smaller", "larger"),
    "energy_j": ("less", "more"),
    "load_ms": ("faster", "slower"),
    "latency_p50_ms": ("faster", "slower"),
    "latency_p90_ms": ("faster", "slower"),
    "latency_p95_ms": ("faster", "slower"),
    "latency_p99_ms": ("faster", "slower"),
    "tpot_ms": ("faster", "slower"),
    "ttft_ms": ("faster", "slower"),
    "tokens_per_s": ("more", "fewer"),
}
"""What a ratio to the baseline is called when it is good, and when it is bad."""
TIMES = (
    *(key for key in RATIO_WORDS if key.startswith("latency_")),
    "tpot_ms",
    "ttft_ms",
    "tokens_per_s",
)
SPEEDS = (*TIMES, "speedup", "ttft_speedup")
"""Numbers that a sitting on a busy machine makes uncertain."""


@dataclass(frozen=True)
class Row:
    """One measured model: its document, and what is derived from it once.

    With a `reference` its times and perplexity are on one footing with those of other sittings (see
    `frontier/normalize.py`), else as taken.
    """

    document: TrialDocument
    reference: Reference = AS_TAKEN

    @property
    def id(self) -> str:
        return self.document.trial_id

    @cached_property
    def name(self) -> str:
        return self.document.recipe.in_words()

    @cached_property
    def family(self) -> Family:
        return family(self.document.recipe)

    @cached_property
    def point(self) -> Point:
        return point(self.document, self.reference)

    @property
    def values(self) -> Mapping[str, MetricValue | None]:
        return self.point.values

    @cached_property
    def baseline(self) -> Mapping[str, float]:
        """The uncompressed model's numbers from the same sitting and on the same footing, by metric
        key; its own for the baseline itself.
        """
        if self.document.is_baseline:
            return {key: found.value for key, found in self.values.items() if found}
        if self.document.baseline is None:
            return {}
        return {
            number.metric: number.value
            for number in normalized(baseline_of(self.document), self.reference)
        }

    @property
    def noisy(self) -> bool:
        """Whether the machine was not quiet when this was timed."""
        return bool(self.document.latency and self.document.latency.noisy)

    def number(self, key: str) -> str:
        """A number with unit and interval: "1.90 ms [1.85, 1.96]"."""
        row, found = metric(key), self.values.get(key)
        return (
            "–"
            if found is None
            else f"{row.format(found.value)} {row.interval(found.low, found.high)}".strip()
        )

    def change(self, key: str) -> str:
        """What a number is beside the baseline's: "3.9x faster"; empty where there is nothing to
        tell apart.

        A time is told apart only when the interval of the speed-up leaves out 1.
        """
        generation = self.document.generation
        found, speedup = (
            self.values.get(key),
            generation.ttft_speedup if generation and key == "ttft_ms" else self.document.speedup,
        )
        if (
            found is None
            or self.document.is_baseline
            or (key in TIMES and speedup and may_be_one(speedup.low, speedup.high))
        ):
            return ""
        return delta(key, found.value, self.baseline.get(key))

    def said(self, key: str) -> str:
        """The number and what it is beside the baseline: "1.90 ms [1.85, 1.96] (3.9x faster)"; of a
        noisy sitting it is said.
        """
        change = self.change(key)
        noisy = ", noisy" if self.noisy and key in SPEEDS and self.values.get(key) else ""
        return self.number(key) + (f" ({change})" if change else "") + noisy

    def hover(self, *keys: str) -> str:
        """The card over a point: recipe in a line, the metrics of the axes, conditions, n, machine
        and date (HTML for plotly).
        """
        document = self.document
        lines = [f"<b>{self.name}</b>  <i>{self.family}</i>"]
        lines += [f"{metric(key).label}: {self.said(key)}" for key in keys if self.values.get(key)]
        if document.quality:
            generation = document.generation
            asked = "examples" if document.quality.metric == "accuracy" else "tokens"
            timed = generation.n if generation else document.latency.n if document.latency else 0
            lines.append(
                f"{document.quality.n:,} {asked} ({document.quality.split}), {timed} timed requests"
            )
        lines += [
            conditions_in_words(document),
            *(self.timed().replace("; ", ";<br>").split("<br>") if self.timed() else []),
        ]
        lines.append(f"{machine_in_words(document)} · {when(document)}")
        return "<br>".join(lines)

    @property
    def timed_ms(self) -> float | None:
        """What the clock of its own sitting said."""
        return self.document.latency.p50_ms if self.document.latency else None

    def timed(self) -> str:
        """How the time that is shown came about, where it is on another footing than its own
        sitting's; else empty.

        "in this sitting it took 3.90 ms and the baseline 8.10 ms; 3.47 ms is what that ratio makes
        of the baseline's usual 7.20 ms"
        """
        if (
            self.reference.p50_ms is None
            or self.document.latency is baseline_latency(self.document)
            or not (timed := self.session())
        ):
            return ""
        base, row = baseline_latency(self.document), metric(self.document.axes.time)
        usual = row.format(self.reference.p50_ms)
        if base is None or row.format(base.p50_ms) == usual:
            return ""
        return (
            f"in this sitting {timed}; {row.format(self.point.value(row.key))} is what that ratio"
            f" makes of the baseline's usual {usual}"
        )

    def session(self) -> str:
        """What the clock of its own sitting said: "it took 3.90 ms and the baseline 8.10 ms"; empty
        without a baseline.
        """
        own, base, row = (
            self.document.latency,
            baseline_latency(self.document),
            metric(self.document.axes.time),
        )
        if own is None or base is None:
            return ""
        return f"it took {row.format(own.p50_ms)}" + (
            "" if own is base else f" and the baseline {row.format(base.p50_ms)}"
        )


def rows(documents: Iterable[TrialDocument]) -> list[Row]:
    """One row a recipe, in the order given: of two measurements the one with the longer protocol
    stays, then the newer one.

    The documents are of one model on one machine under one set of conditions; their times are put
    on one footing.

    Every trial measures the baseline too. When no trial of the baseline alone is among `documents`,
    the newest one's baseline stands in for it.
    """
    documents = list(documents)
    chosen: dict[str, TrialDocument] = {}
    for document in documents:
        before = chosen.get(document.recipe_id)
        if before is None or _rank(document) >= _rank(before):
            chosen[document.recipe_id] = document
    found = list(chosen.values())
    beside = [document for document in found if document.baseline]
    if beside and not any(document.is_baseline for document in found):
        found.insert(0, baseline_of(max(beside, key=_rank)))
    return _normalized(found, documents)


def row_among(document: TrialDocument, others: Iterable[TrialDocument]) -> Row:
    """The row of `document` as a table of all those of the `others` has it that were measured in
    the same place, it among them.
    """
    return _normalized([document], alike(document, others))[0]


def _normalized(documents: Iterable[TrialDocument], sessions: Sequence[TrialDocument]) -> list[Row]:
    shared = reference(sessions)
    return [Row(document, shared) for document in documents]


def baseline_of(document: TrialDocument) -> TrialDocument:
    """The baseline that was measured in turns with `document`, as a document of its own; raises
    `ValueError` without one.
    """
    if document.baseline is None:
        raise ValueError(f"trial {document.trial_id} has no baseline beside it")
    return document.model_copy(
        update={
            **dict(document.baseline),
            "trial_id": f"{document.trial_id}{BESIDE}",
            "recipe": Recipe(),
            "recipe_id": Recipe().id,
            "paired": None,
            "speedup": None,
            "baseline": None,
            "timings_s": {},
            "notes": (f"Measured in turns with {document.recipe.in_words()}.",),
        }
    )


def _rank(document: TrialDocument) -> tuple[bool, str]:
    return (
        document.protocol == "standard",
        document.measured_at.isoformat() if document.measured_at else "",
    )


def delta(key: str, value: float, baseline: float | None) -> str:
    """What a number is beside the baseline's, in words; empty when there is nothing to compare with
    or to tell apart.

    >>> delta("quality", 0.948, 0.960), delta("size_bytes", 17.2e6, 91e6), delta("latency_p50_ms", 4.0, 2.0), delta("size_bytes", 91e6, 91e6)
    ('-1.2 points', '5.3x smaller', '2.0x slower', '')
    >>> delta("perplexity", 18.36, 18.0), delta("tokens_per_s", 80, 20)
    ('+2.0 %', '4.0x more')
    """
    if baseline is None:
        return ""
    if key == "quality":
        return f"{_signed((value - baseline) * 100)} points"
    if metric(key).relative:
        return f"{_signed((value / baseline - 1) * 100)} %"
    if key not in RATIO_WORDS or value <= 0 or baseline <= 0:
        return ""
    good, bad = RATIO_WORDS[key]
    ratio = max(baseline / value, value / baseline)
    better = (value < baseline) == (metric(key).better == "lower")
    return f"{ratio:.1f}x {good if better else bad}" if ratio >= 1.05 else ""


def _signed(points: float) -> str:
    """One decimal with a sign, and no sign for nothing."""
    return "0.0" if abs(points) < 0.05 else f"{points:+.1f}"


def present_metrics(table: Sequence[Row]) -> list[Metric]:
    """The metrics that at least one row has, in the order of the metric table."""
    return [row for key, row in METRICS.items() if any(each.values.get(key) for each in table)]
