"""Measured trials as rows: the numbers and texts of a plot, a table and a CSV file.

Fronts are computed in `frontier/front.py`, recommendations in `frontier/recommend.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from paretoscope.errors import StoreError
from paretoscope.frontier.normalize import (
    AS_TAKEN,
    Normalized,
    Reference,
    comparable,
    reference,
)
from paretoscope.frontier.points import Point, point
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import apart, short_names
from paretoscope.report.tables.change import SPEEDS, TIMES, delta
from paretoscope.report.tables.strategy import Family, family_of
from paretoscope.trials.format import conditions_in_words, machine_in_words, when
from paretoscope.trials.metrics import METRICS, Metric, metric
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.summary import AnyTrial, Ends, Summary, Trial, summary
from paretoscope.trials.trial import Interval, MetricValue, Status, TrialDocument

NAMED_BY_SETTINGS = 1000
"""In a longer table equal names are told apart by ids: comparing all recipes takes seconds."""
Load = Callable[[str], TrialDocument]
"""Reads the document of a trial, given its id."""


@dataclass(frozen=True)
class Row:
    """One measured model: its summary and everything derived from it.

    `measured` is the trial. `reference` normalizes its latencies and perplexity to those of other
    measurement sessions (see `frontier/normalize.py`); the default leaves them as measured.
    `short_name` is at most 28 characters long and unique within a table. `load` reads the document
    of a trial that is given by its summary.
    """

    measured: Trial
    reference: Reference = AS_TAKEN
    short_name: str = ""
    load: Load | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.short_name:
            object.__setattr__(self, "short_name", self.summary.short)

    @cached_property
    def summary(self) -> Summary:
        """What tables and plots show; as light as a row of thousands has to be."""
        return summary(self.measured)

    @cached_property
    def document(self) -> TrialDocument:
        """The whole document, read on first access; raises `StoreError`."""
        if isinstance(self.measured, TrialDocument):
            return self.measured
        if self.load is None:
            raise StoreError(f"The document of trial {self.id} is not at hand.")
        found = self.load(self.id.removesuffix(BASELINE_SUFFIX))
        return baseline_of(found) if self.id.endswith(BASELINE_SUFFIX) else found

    @property
    def id(self) -> str:
        return self.measured.trial_id

    @property
    def status(self) -> Status:
        return self.measured.status if isinstance(self.measured, TrialDocument) else "done"

    @property
    def is_baseline(self) -> bool:
        return self.measured.is_baseline

    @property
    def name(self) -> str:
        """The whole recipe in words."""
        return self.summary.name

    @property
    def family(self) -> Family:
        return family_of(self.summary.strategies)

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference point, which counts neither for the front nor as a candidate
        for the recommendation.
        """
        return self.summary.is_reference

    @cached_property
    def point(self) -> Point:
        return point(self.summary, self.reference)

    @cached_property
    def named_point(self) -> Point:
        """The point under its short name, for texts on a page."""
        return point(self.summary, self.reference, self.short_name)

    @property
    def values(self) -> Mapping[str, MetricValue | None]:
        return Normalized(self.summary, self.reference)

    @cached_property
    def baseline(self) -> Mapping[str, float]:
        """The baseline's numbers from the same session, normalized alike, by metric key.

        The baseline's row has its own numbers here.
        """
        of = self.summary
        if not of.is_baseline and of.baseline is None:
            return {}
        numbers = Normalized(of if of.is_baseline else of.of_baseline(), self.reference)
        return {number.metric: number.value for number in numbers.values()}

    @property
    def noisy(self) -> bool:
        """Whether other processes disturbed the timing."""
        return self.summary.noisy

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
        of, found = self.summary, self.values.get(key)
        if found is None or of.is_baseline:
            return ""
        first = of.generates and key == "ttft_ms"
        timed = of.numbers.get("ttft_speedup" if first else "speedup")
        speedup, placebo = _interval(timed), of.ttft_placebo if first else of.placebo
        if key in TIMES and speedup and no_measurable_change(speedup, _interval(placebo)):
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
        of = self.summary
        lines = [f"<b>{self.name}</b>  <i>{self.family}</i>"]
        lines += [
            f"{metric(key).label}: {self.number_and_change(key)}"
            for key in keys
            if self.values.get(key)
        ]
        if of.basis.n is not None:
            unit = "examples" if of.axes.quality == "quality" else "tokens"
            lines.append(
                f"{of.basis.n:,} {unit} ({of.basis.split}), {of.basis.timed_n} timed requests"
            )
        lines.append(conditions_in_words(of))
        if note := self.timing_note():
            lines += note.replace("; ", ";<br>").split("<br>")
        lines.append(f"{machine_in_words(of)} · {when(of)}")
        return "<br>".join(lines)

    @property
    def timed_ms(self) -> float | None:
        """The median latency as measured, before normalization."""
        return self.summary.p50_ms

    def timing_note(self) -> str:
        """The measured latencies behind a normalized one; empty where nothing was normalized.

        "in its session 3.90 ms measured, 8.10 ms for the baseline; 3.47 ms is normalized to the
        median baseline latency of 7.20 ms"
        """
        base, row = self.summary.baseline_p50_ms, metric(self.summary.axes.time)
        if self.reference.p50_ms is None or base is None or self.is_baseline:
            return ""
        usual = row.format(self.reference.p50_ms)
        timed = self.session()
        if not timed or row.format(base) == usual:
            return ""
        return (
            f"in its session {timed}; {row.format(self.point.value(row.key))} is normalized to the"
            f" median baseline latency of {usual}"
        )

    def session(self) -> str:
        """The latencies as measured: "3.90 ms measured, 8.10 ms for the baseline"; may be empty."""
        measured, base = self.summary.p50_ms, self.summary.baseline_p50_ms
        row = metric(self.summary.axes.time)
        if measured is None or base is None:
            return ""
        paired = "" if self.is_baseline else f", {row.format(base)} for the baseline"
        return f"{row.format(measured)} measured{paired}"


def rows(trials: Iterable[AnyTrial], load: Load | None = None) -> list[Row]:
    """One row for each recipe, in the order given, with normalized latencies.

    Of two measurements of a recipe the one with the longer protocol counts, then the newer one.
    The trials are of one model on one machine under one set of conditions. When the baseline has
    no trial of its own, it is added from the newest trial that measured it too. `load` reads the
    document of a trial that is given by its summary.
    """
    every = list(trials)
    chosen: dict[str, AnyTrial] = {}
    for trial in every:
        before = chosen.get(trial.recipe_id)
        if before is None or _rank(trial) >= _rank(before):
            chosen[trial.recipe_id] = trial
    found: list[Trial] = list(chosen.values())
    paired = [trial for trial in found if trial.baseline is not None]
    if paired and not any(trial.is_baseline for trial in found):
        newest = max(paired, key=_rank)
        found.insert(
            0, baseline_of(newest) if isinstance(newest, TrialDocument) else newest.of_baseline()
        )
    return _normalized(found, every, load)


def row_among(trial: Trial, others: Iterable[AnyTrial], load: Load | None = None) -> Row:
    """The row of `trial`, normalized with those of `others` that are comparable to it."""
    sessions = comparable(trial, others)
    return _normalized([trial, *sessions], sessions, load)[0]


def _normalized(trials: Sequence[Trial], sessions: Sequence[Trial], load: Load | None) -> list[Row]:
    shared = reference(sessions)
    if len(trials) <= NAMED_BY_SETTINGS:
        names = short_names([trial.recipe for trial in trials])
    else:
        names = apart([(trial.recipe_id, summary(trial).short) for trial in trials])
    return [Row(each, shared, name, load) for each, name in zip(trials, names, strict=True)]


def _interval(found: MetricValue | Ends | None) -> Interval | None:
    if found is None or found.low is None or found.high is None:
        return None
    return Interval(value=found.value, low=found.low, high=found.high)


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
    return max(table, key=lambda row: _day(row.measured))


def _rank(trial: Trial) -> tuple[bool, str]:
    return trial.protocol == "standard", _day(trial)


def _day(trial: Trial) -> str:
    return trial.measured_at.isoformat() if trial.measured_at else ""


def present_metrics(table: Sequence[Row]) -> list[Metric]:
    """The metrics that at least one row has, in the order of the metric table."""
    layouts = {row.summary.numbers.layout: row.summary.numbers for row in table}
    present = {key for numbers in layouts.values() for key in numbers}
    return [row for key, row in METRICS.items() if key in present]
