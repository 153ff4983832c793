"""Measured trials as rows: the numbers and texts of a plot, a table and a CSV file.

Fronts are computed in `frontier/front.py`, recommendations in `frontier/recommend.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from paretoscope.frontier.normalize import (
    AS_TAKEN,
    Reference,
    baseline_latency,
    comparable,
    normalized,
    reference,
)
from paretoscope.frontier.points import Point, point
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name, short_names
from paretoscope.report.tables.change import SPEEDS, TIMES, delta
from paretoscope.report.tables.strategy import Family, family
from paretoscope.trials.format import conditions_in_words, machine_in_words, when
from paretoscope.trials.metrics import METRICS, Metric, metric
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.trial import MetricValue, TrialDocument


@dataclass(frozen=True)
class Row:
    """One measured model: its document and everything derived from it.

    `reference` normalizes its latencies and perplexity to those of other measurement sessions (see
    `frontier/normalize.py`); the default leaves them as measured. `short_name` is at most 28
    characters long and unique within a table.
    """

    document: TrialDocument
    reference: Reference = AS_TAKEN
    short_name: str = ""

    def __post_init__(self) -> None:
        if not self.short_name:
            object.__setattr__(self, "short_name", short_name(self.document.recipe))

    @property
    def id(self) -> str:
        return self.document.trial_id

    @cached_property
    def name(self) -> str:
        """The whole recipe in words."""
        return self.document.recipe.in_words()

    @cached_property
    def family(self) -> Family:
        return family(self.document.recipe)

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference point, which counts neither for the front nor as a candidate
        for the recommendation.
        """
        return self.document.recipe.is_reference

    @cached_property
    def point(self) -> Point:
        return point(self.document, self.reference)

    @cached_property
    def named_point(self) -> Point:
        """The point under its short name, for texts on a page."""
        return replace(self.point, name=self.short_name)

    @property
    def values(self) -> Mapping[str, MetricValue | None]:
        return self.point.values

    @cached_property
    def baseline(self) -> Mapping[str, float]:
        """The baseline's numbers from the same session, normalized alike, by metric key.

        The baseline's row has its own numbers here.
        """
        if self.document.is_baseline:
            return {key: found.value for key, found in self.values.items() if found}
        if self.document.baseline is None:
            return {}
        numbers = normalized(baseline_of(self.document), self.reference)
        return {number.metric: number.value for number in numbers}

    @property
    def noisy(self) -> bool:
        """Whether other processes disturbed the timing."""
        return bool(self.document.latency and self.document.latency.noisy)

    def number(self, key: str) -> str:
        """A number with unit and interval: "1.90 ms [1.85, 1.96]"."""
        row, found = metric(key), self.values.get(key)
        if found is None:
            return "–"
        return f"{row.format(found.value)} {row.interval(found.low, found.high)}".strip()

    def change(self, key: str) -> str:
        """The change from the baseline: "3.9x faster"; empty where there is none to show.

        A change of a time is shown only when it is more than the session's placebo shows.
        """
        generation, found = self.document.generation, self.values.get(key)
        speedup, placebo = self.document.speedup, self.document.placebo
        if generation and key == "ttft_ms":
            speedup, placebo = generation.ttft_speedup, generation.ttft_placebo
        if found is None or self.document.is_baseline:
            return ""
        if key in TIMES and speedup and no_measurable_change(speedup, placebo):
            return ""
        return delta(key, found.value, self.baseline.get(key))

    def number_and_change(self, key: str) -> str:
        """The number and its change: "1.90 ms [1.85, 1.96] (3.9x faster), noisy"."""
        change = self.change(key)
        noisy = ", noisy" if self.noisy and key in SPEEDS and self.values.get(key) else ""
        return self.number(key) + (f" ({change})" if change else "") + noisy

    def hover(self, *keys: str) -> str:
        """The hover text of a point (HTML for plotly).

        Recipe, the metrics in `keys`, number of examples, conditions, machine and date.
        """
        document = self.document
        lines = [f"<b>{self.name}</b>  <i>{self.family}</i>"]
        lines += [
            f"{metric(key).label}: {self.number_and_change(key)}"
            for key in keys
            if self.values.get(key)
        ]
        if document.quality:
            generation = document.generation
            unit = "examples" if document.quality.metric == "accuracy" else "tokens"
            timed = generation.n if generation else document.latency.n if document.latency else 0
            lines.append(
                f"{document.quality.n:,} {unit} ({document.quality.split}), {timed} timed requests"
            )
        lines.append(conditions_in_words(document))
        if note := self.timing_note():
            lines += note.replace("; ", ";<br>").split("<br>")
        lines.append(f"{machine_in_words(document)} · {when(document)}")
        return "<br>".join(lines)

    @property
    def timed_ms(self) -> float | None:
        """The median latency as measured, before normalization."""
        return self.document.latency.p50_ms if self.document.latency else None

    def timing_note(self) -> str:
        """The measured latencies behind a normalized one; empty where nothing was normalized.

        "in its session 3.90 ms measured, 8.10 ms for the baseline; 3.47 ms is normalized to the
        median baseline latency of 7.20 ms"
        """
        base, row = baseline_latency(self.document), metric(self.document.axes.time)
        if self.reference.p50_ms is None or base is None or self.document.latency is base:
            return ""
        usual = row.format(self.reference.p50_ms)
        timed = self.session()
        if not timed or row.format(base.p50_ms) == usual:
            return ""
        return (
            f"in its session {timed}; {row.format(self.point.value(row.key))} is normalized to the"
            f" median baseline latency of {usual}"
        )

    def session(self) -> str:
        """The latencies as measured: "3.90 ms measured, 8.10 ms for the baseline"; may be empty."""
        measured, base = self.document.latency, baseline_latency(self.document)
        row = metric(self.document.axes.time)
        if measured is None or base is None:
            return ""
        paired = "" if measured is base else f", {row.format(base.p50_ms)} for the baseline"
        return f"{row.format(measured.p50_ms)} measured{paired}"


def rows(documents: Iterable[TrialDocument]) -> list[Row]:
    """One row for each recipe, in the order given, with normalized latencies.

    Of two measurements of a recipe the one with the longer protocol counts, then the newer one.
    The documents are of one model on one machine under one set of conditions. When the baseline has
    no trial of its own, it is added from the newest trial that measured it too.
    """
    documents = list(documents)
    chosen: dict[str, TrialDocument] = {}
    for document in documents:
        before = chosen.get(document.recipe_id)
        if before is None or _rank(document) >= _rank(before):
            chosen[document.recipe_id] = document
    found = list(chosen.values())
    paired = [document for document in found if document.baseline]
    if paired and not any(document.is_baseline for document in found):
        found.insert(0, baseline_of(max(paired, key=_rank)))
    return _normalized(found, documents)


def row_among(document: TrialDocument, others: Iterable[TrialDocument]) -> Row:
    """The row of `document`, normalized with those of `others` that are comparable to it."""
    sessions = comparable(document, others)
    return _normalized([document, *sessions], sessions)[0]


def _normalized(documents: Sequence[TrialDocument], sessions: Sequence[TrialDocument]) -> list[Row]:
    shared = reference(sessions)
    names = short_names([document.recipe for document in documents])
    return [Row(each, shared, name) for each, name in zip(documents, names, strict=True)]


def baseline_of(document: TrialDocument) -> TrialDocument:
    """The baseline that was measured in the session of `document`, as a document.

    Raises `ValueError` when there is none.
    """
    if document.baseline is None:
        raise ValueError(f"trial {document.trial_id} has no paired baseline")
    return document.model_copy(
        update={
            **dict(document.baseline),
            "trial_id": f"{document.trial_id}{BASELINE_SUFFIX}",
            "recipe": Recipe(),
            "recipe_id": Recipe().id,
            "paired": None,
            "speedup": None,
            "baseline": None,
            "timings_s": {},
            "notes": (f"Measured in turns with {document.recipe.in_words()}.",),
        }
    )


def newest(table: Sequence[Row]) -> Row:
    """The row that was measured last."""
    return max(table, key=lambda row: _day(row.document))


def _rank(document: TrialDocument) -> tuple[bool, str]:
    return document.protocol == "standard", _day(document)


def _day(document: TrialDocument) -> str:
    return document.measured_at.isoformat() if document.measured_at else ""


def present_metrics(table: Sequence[Row]) -> list[Metric]:
    """The metrics that at least one row has, in the order of the metric table."""
    return [row for key, row in METRICS.items() if any(each.values.get(key) for each in table)]
