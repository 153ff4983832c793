"""The summary of a finished trial: what a row of a table and a point of a plot show of it.

A document takes kilobytes and is validated field by field; a page with thousands of trials reads
their summaries instead. Cards, comparisons and downloads read the document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter

from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.recipes.stages import Strategy
from paretoscope.trials.axes import Axes, axes
from paretoscope.trials.numbers import Numbers
from paretoscope.trials.request import Conditions, Protocol
from paretoscope.trials.samples import BASELINE_SUFFIX
from paretoscope.trials.trial import Interval, Measured, TrialDocument

SUMMARY_VERSION = 1
"""Increased when `content` changes; the store then makes the summaries of a workspace anew."""


_CONTENT = TypeAdapter[dict[str, Any]](dict[str, Any])


class Ends(NamedTuple):
    """An interval, as light as a tuple."""

    value: float
    low: float
    high: float

    def interval(self) -> Interval:
        return Interval(value=self.value, low=self.low, high=self.high)


class Basis(NamedTuple):
    """What the numbers of a model rest on: examples (or tokens) of a split, timed requests, and
    whether other processes disturbed the timing.
    """

    n: int | None = None
    split: str = ""
    timed_n: int = 0
    noisy: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """One finished trial; times and intervals are as its session measured them.

    `baseline` has the numbers of the baseline in that session, None where there is none;
    `baseline_p50_ms` and `baseline_ttft_ms` are its times, or those of a trial that is a baseline.
    """

    trial_id: str
    recipe_id: str
    model: str
    task: str
    protocol: Protocol
    machine: Machine | None
    conditions: Conditions | None
    measured_at: datetime | None
    name: str
    """The whole recipe in words."""
    short: str
    """The recipe's short name, which other recipes may share."""
    strategies: tuple[Strategy, ...]
    recipe_json: str
    axes: Axes
    numbers: Numbers
    baseline: Numbers | None
    basis: Basis
    baseline_basis: Basis
    p50_ms: float | None
    baseline_p50_ms: float | None
    baseline_ttft_ms: float | None
    mcnemar_p: float | None
    """p of McNemar's test against the baseline."""
    placebo: Ends | None
    ttft_placebo: Ends | None

    @property
    def is_baseline(self) -> bool:
        return not self.strategies

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference point, which is no compressed model."""
        return "reference" in self.strategies

    @property
    def noisy(self) -> bool:
        """Whether other processes disturbed the timing."""
        return self.basis.noisy

    @property
    def quality_p(self) -> float | None:
        """The p of McNemar's test, where quality is an accuracy."""
        return None if "perplexity_change" in self.numbers else self.mcnemar_p

    @property
    def generates(self) -> bool:
        """Whether the model generates text."""
        return self.axes.time == "tpot_ms"

    @property
    def recipe(self) -> Recipe:
        return _recipe(self.recipe_json)

    @property
    def measured_under(self) -> tuple[str | None, Conditions | None]:
        """Machine and conditions: points share an axis only where both are equal."""
        return self.machine and self.machine.id, self.conditions

    def of_baseline(self) -> Summary:
        """The baseline that was measured in the session of this trial.

        Raises `ValueError` when there is none.
        """
        if self.baseline is None:
            raise ValueError(f"trial {self.trial_id} has no paired baseline")
        return replace(
            self,
            trial_id=f"{self.trial_id}{BASELINE_SUFFIX}",
            recipe_id=Recipe().id,
            **_of_recipe(Recipe()),
            numbers=self.baseline,
            baseline=None,
            basis=self.baseline_basis,
            p50_ms=self.baseline_p50_ms,
            mcnemar_p=None,
        )

    def content(self) -> dict[str, Any]:
        """What `read` needs beside the columns of the store, as compact JSON can hold it."""
        numbers = {
            "metrics": self.numbers.to_json(),
            "baseline": None if self.baseline is None else self.baseline.to_json(),
        }
        rest = {
            name: getattr(self, name)
            for name in (
                "name short strategies basis baseline_basis p50_ms baseline_p50_ms"
                " baseline_ttft_ms mcnemar_p placebo ttft_placebo"
            ).split()
        }
        axes = {"quality": self.axes.quality, "generates": self.generates}
        return {**numbers, **rest, **axes, "recipe": self.recipe_json}

    def to_text(self) -> str:
        return json.dumps(self.content(), separators=(",", ":"), ensure_ascii=False)


Trial = TrialDocument | Summary
"""A finished trial: its document, or the summary of it."""
AnyTrial = TypeVar("AnyTrial", TrialDocument, Summary, Trial)


@lru_cache(maxsize=4096)
def _recipe(text: str) -> Recipe:
    return Recipe.model_validate_json(text)


def _of_recipe(recipe: Recipe) -> dict[str, Any]:
    """The fields of a summary that say which recipe it is of."""
    canonical = json.loads(recipe.canonical_json())
    named = {} if recipe.name is None else {"name": recipe.name}
    return {
        "name": recipe.in_words(),
        "short": short_name(recipe),
        "strategies": recipe.strategies,
        "recipe_json": json.dumps({**canonical, **named}, separators=(",", ":")),
    }


def summary(trial: Trial) -> Summary:
    """The summary of a document; a summary is returned as it is."""
    if isinstance(trial, Summary):
        return trial
    at, generation = trial.latency, trial.generation
    base = trial.baseline or (trial if trial.is_baseline else None)
    base_generation = base and base.generation
    return Summary(
        trial_id=trial.trial_id,
        recipe_id=trial.recipe_id,
        **_of_recipe(trial.recipe),
        model=trial.model,
        task=trial.task,
        protocol=trial.protocol,
        machine=trial.machine,
        conditions=trial.measured_under[1],
        measured_at=trial.measured_at,
        axes=trial.axes,
        numbers=Numbers.of(trial.metrics()),
        baseline=None if trial.baseline is None else _of_measured(trial, trial.baseline),
        basis=_basis(trial),
        baseline_basis=_basis(base) if base else Basis(),
        p50_ms=at and at.p50_ms,
        baseline_p50_ms=base.latency.p50_ms if base and base.latency else None,
        baseline_ttft_ms=base_generation.ttft_ms if base_generation else None,
        mcnemar_p=trial.paired.mcnemar_p if trial.paired else None,
        placebo=_ends(trial.placebo),
        ttft_placebo=_ends(generation and generation.ttft_placebo),
    )


def _of_measured(trial: TrialDocument, baseline: Measured) -> Numbers:
    absent = {"paired": None, "speedup": None, "recipe": Recipe()}
    return Numbers.of(trial.model_copy(update={**dict(baseline), **absent}).metrics())


def _basis(of: TrialDocument | Measured) -> Basis:
    quality, at = of.quality, of.latency
    timed = of.generation or at
    return Basis(
        quality.n if quality else None,
        quality.split if quality else "",
        timed.n if timed else 0,
        bool(at and at.noisy),
    )


def _ends(found: Interval | None) -> Ends | None:
    return None if found is None else Ends(found.value, found.low, found.high)


class Columns(NamedTuple):
    """What the store has of a summary in columns of its own."""

    trial_id: str
    recipe_id: str
    model: str
    task: str
    protocol: Protocol
    machine: Machine | None
    conditions: Conditions | None
    measured_at: datetime | None


def read_summary(columns: Columns, text: str) -> Summary:
    """The summary with this `content`; a few microseconds, without validation."""
    found = _CONTENT.validate_json(text)
    metrics, base = found["metrics"], found["baseline"]
    return Summary(
        *columns,
        found["name"],
        found["short"],
        _strategies(*found["strategies"]),
        found["recipe"],
        _axes(found["quality"], found["generates"]),
        Numbers(metrics[0], metrics[1:]),
        Numbers(base[0], base[1:]) if base else None,
        Basis(*found["basis"]),
        Basis(*found["baseline_basis"]),
        found["p50_ms"],
        found["baseline_p50_ms"],
        found["baseline_ttft_ms"],
        found["mcnemar_p"],
        Ends(*found["placebo"]) if found["placebo"] else None,
        Ends(*found["ttft_placebo"]) if found["ttft_placebo"] else None,
    )


@lru_cache(maxsize=8)
def _axes(quality: str, generates: bool) -> Axes:
    return axes(quality, generates=generates)


@lru_cache(maxsize=64)
def _strategies(*names: Strategy) -> tuple[Strategy, ...]:
    return names
