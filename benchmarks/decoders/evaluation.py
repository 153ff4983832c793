"""Shared by the sections: rows of models, verdicts on targets, and the JSON file of both.

A recipe is written as the stages of its YAML. A recipe that this version or this model does not
support becomes a row with an error; the section continues. Perplexity is measured on the artefact
and the validation split. Two rows are compared on the same tokens, with a bootstrap over documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import verdicts
from benchmarks.artifact_bytes import artifact_bytes
from paretoscope.catalog import request
from paretoscope.engine.build import Bench, Made
from paretoscope.engine.measuring import evaluate
from paretoscope.engine.pipeline import run_trial
from paretoscope.engine.progress import Steps
from paretoscope.errors import ParetoscopeError
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.statistics.paired import paired_tokens
from paretoscope.trials.request import Conditions, Protocol, TrialRequest
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Generation, Interval, Paired, Quality
from paretoscope.workspace import Workspace

Stages = Sequence[Mapping[str, Any]]
"""The stages of a recipe, as in its YAML."""


@dataclass(frozen=True)
class Options:
    """The command-line options that every section gets."""

    model: str
    task: str | None
    protocol: Protocol
    conditions: Conditions
    workspace: Workspace
    to: Path
    """The folder of the JSON files."""

    def bench(self, workspace: Workspace | None = None) -> Bench:
        trial = self.request(Recipe())
        return Bench(trial, workspace or self.workspace, Steps(trial.recipe, lambda _: None))

    def request(self, recipe: Recipe) -> TrialRequest:
        """A trial of the recipe; raises `ParetoscopeError` when the model does not support it."""
        return request(
            self.model, recipe, task=self.task, protocol=self.protocol, conditions=self.conditions
        )


@dataclass(frozen=True)
class Row:
    """One model: `change` of perplexity compared with fp32, `seconds` of each stage.

    Only a timed model has `generation` and `speedup`. A model that failed has only its `error`.
    """

    name: str
    recipe: str = ""
    bytes: int | None = None
    perplexity: Interval | None = None
    change: Interval | None = None
    kl: float | None = None
    tokens: int | None = None
    seconds: tuple[float, ...] = ()
    generation: Generation | None = None
    speedup: Interval | None = None
    noisy: bool = False
    error: str = ""
    answers: TokenAnswers | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        values = {
            name: value
            for name, value in vars(self).items()
            if name != "answers" and value not in (None, "", (), False)
        }
        return {
            name: value.model_dump() if hasattr(value, "model_dump") else value
            for name, value in values.items()
        }

    def in_words(self) -> str:
        if self.error or self.perplexity is None:
            return f"  {self.name:<34} not made: {self.error}"
        size = f"{self.bytes / 1e6:8.2f} MB" if self.bytes else " " * 11
        result = [f"perplexity {verdicts.with_interval(self.perplexity, 2)}"]
        if self.change:
            result.append(f"({percent(self.change)})")
        if self.generation:
            result.append(
                f"{self.generation.tokens_per_s:.1f} tokens/s, first token"
                f" {self.generation.ttft_ms:.0f} ms"
            )
        if self.speedup:
            result.append(
                f"{verdicts.with_interval(self.speedup, 2)} times the tokens per"
                f" second{', noisy' if self.noisy else ''}"
            )
        return f"  {self.name:<34} {size}  {', '.join(result)}"


@dataclass
class Report:
    """The rows and verdicts of a section; `write` saves them as `SECTION.json`."""

    section: str
    options: Options
    rows: list[Row] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        verdicts.title(
            self.section,
            f"{self.options.model}, {self.options.conditions.in_words()}, protocol"
            f" {self.options.protocol}",
        )

    def add(self, row: Row) -> Row:
        self.rows.append(row)
        print(row.in_words(), flush=True)
        return row

    def verdict(self, target: str, result: str, met: bool) -> None:
        self.verdicts.append({"target": target, "result": result, "met": bool(met)})
        verdicts.verdict(target, result, met)

    def write(self, **more: Any) -> Path:
        content = {
            "section": self.section,
            "model": self.options.model,
            "protocol": self.options.protocol,
            "conditions": self.options.conditions.model_dump(),
            "machine": fingerprint().model_dump(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rows": [row.to_json() for row in self.rows],
            "verdicts": self.verdicts,
            **more,
        }
        self.options.to.mkdir(parents=True, exist_ok=True)
        path = self.options.to / f"{self.section}.json"
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        print(f"  written to {path}", flush=True)
        return path


# --- models ---------------------------------------------------------------------------------------


def timed(options: Options, name: str, stages: Stages) -> Row:
    """A complete trial, with latency interleaved with the baseline's; or a row with an error."""
    try:
        recipe = recipe_of(stages)
        document = run_trial(options.request(recipe), options.workspace, lambda _: None)
    except ParetoscopeError as error:
        return Row(name, error=str(error))
    assert document.quality and document.artifact and document.latency
    return Row(
        name,
        recipe.in_words(),
        document.artifact.size_bytes,
        _interval(document.quality),
        document.paired.change if document.paired else None,
        document.paired.kl if document.paired else None,
        document.quality.n,
        document.stage_seconds,
        document.generation,
        document.speedup,
        document.latency.noisy,
    )


def scored(bench: Bench, name: str, stages: Stages) -> Row:
    """A model made and scored next to fp32, without latency; or a row with an error."""
    try:
        recipe = supported(bench, stages)
        made, baseline = bench.make(recipe), bench.make(Recipe())
        reference = evaluate(bench, baseline, baseline).scores
        scores = reference if made.key == baseline.key else evaluate(bench, made, baseline).scores
    except ParetoscopeError as error:
        return Row(name, error=str(error))
    quality = bench.evaluator.quality(made.folder, scores)
    paired = (
        bench.evaluator.paired(made.folder, scores, reference) if scores is not reference else None
    )
    return Row(
        name,
        recipe.in_words(),
        artifact_bytes(made.folder),
        _interval(quality),
        paired.change if paired else None,
        paired.kl if paired else None,
        quality.n,
        made.stage_seconds,
        answers=TokenAnswers(
            scores["log_probability"], scores["top"], scores["targets"], scores["lengths"]
        ),
    )


def supported(bench: Bench, stages: Stages) -> Recipe:
    """The recipe of `stages`; raises `ParetoscopeError` when the model does not support it."""
    recipe, trial = recipe_of(stages), bench.request
    request(
        trial.model,
        recipe,
        task=trial.task,
        protocol=trial.protocol,
        conditions=trial.conditions,
    )
    return recipe


def made(bench: Bench, stages: Stages) -> Made:
    return bench.make(supported(bench, stages))


def recipe_of(stages: Stages) -> Recipe:
    return parse_recipe({"stages": [dict(stage) for stage in stages]}, where="In the benchmark")


# --- comparisons ----------------------------------------------------------------------------------


def compared(reference: Row, row: Row) -> Paired | None:
    """`row` compared with `reference` on the same tokens; None when either has an error."""
    return (
        paired_tokens(row.answers, reference.answers) if reference.answers and row.answers else None
    )


def beats(report: Report, better: Row, other: Row, target: str, *, at_most: float = 1.0) -> None:
    """A verdict on whether `better` has at most `at_most` times the perplexity of `other`."""
    paired = compared(other, better)
    if paired is None or paired.change is None:
        report.verdict(target, f"not made: {better.error or other.error}", False)
        return
    result = f"perplexity {percent(paired.change)} compared with {other.name}"
    report.verdict(target, result, 1 + paired.change.value <= at_most)


def percent(change: Interval) -> str:
    """A relative change in per cent, with its interval.

    >>> percent(Interval(value=0.012, low=-0.001, high=0.025))
    '+1.20 % [-0.10, +2.50]'
    """
    return f"{change.value * 100:+.2f} % [{change.low * 100:+.2f}, {change.high * 100:+.2f}]"


def _interval(quality: Quality) -> Interval:
    return Interval(value=quality.value, low=quality.low, high=quality.high)
