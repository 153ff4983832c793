"""What the sections share: rows of models made by recipes, scored and, where asked, timed; what was
wanted of them; the file it all goes to.

A recipe is written as the stages of its YAML, so a section's list grows by a line. A row whose
recipe this version or this model cannot take says why and holds up nothing. Perplexity is that of
the validation split through the artefact; of two rows it is compared on the same tokens, with the
bootstrap over documents that the product takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import telling
from benchmarks.shipped import shipped_bytes
from paretoscope.catalog import request
from paretoscope.engine.pipeline import Bench, Made, run_trial
from paretoscope.engine.progress import Steps
from paretoscope.errors import ParetoscopeError
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.statistics.paired import paired_tokens
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Conditions, Generation, Interval, Paired, Protocol, Quality
from paretoscope.workspace import Workspace

Stages = Sequence[Mapping[str, Any]]
"""The stages of a recipe, as its YAML has them."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks of every section."""

    model: str
    task: str | None
    protocol: Protocol
    conditions: Conditions
    workspace: Workspace
    to: Path
    """The folder of the JSON files."""

    def bench(self, workspace: Workspace | None = None) -> Bench:
        wanted = request(
            self.model, Recipe(), task=self.task, protocol=self.protocol, conditions=self.conditions
        )
        return Bench(wanted, workspace or self.workspace, Steps(wanted.recipe, lambda _: None))


@dataclass(frozen=True)
class Row:
    """A model. `change` is that of its perplexity beside fp32, `seconds` what its stages cost;
    `generation` and `speedup` of a timed one only. One that could not be made has an `error` and
    nothing else."""

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
        said = [f"perplexity {telling.within(self.perplexity, 2)}"]
        if self.change:
            said.append(f"({percent(self.change)})")
        if self.generation:
            said.append(
                f"{self.generation.tokens_per_s:.1f} tokens/s, first token"
                f" {self.generation.ttft_ms:.0f} ms"
            )
        if self.speedup:
            said.append(
                f"{telling.within(self.speedup, 2)} times the tokens per"
                f" second{', noisy' if self.noisy else ''}"
            )
        return f"  {self.name:<34} {size}  {', '.join(said)}"


@dataclass
class Found:
    """A section's rows and verdicts while it runs; `write` leaves them in `SECTION.json`."""

    section: str
    asked: Asked
    rows: list[Row] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        telling.title(
            self.section,
            f"{self.asked.model}, {self.asked.conditions.in_words()}, protocol"
            f" {self.asked.protocol}",
        )

    def row(self, row: Row) -> Row:
        self.rows.append(row)
        print(row.in_words(), flush=True)
        return row

    def verdict(self, wanted: str, found: str, met: bool) -> None:
        self.verdicts.append({"wanted": wanted, "found": found, "met": bool(met)})
        telling.verdict(wanted, found, met)

    def write(self, **more: Any) -> Path:
        content = {
            "section": self.section,
            "model": self.asked.model,
            "protocol": self.asked.protocol,
            "conditions": self.asked.conditions.model_dump(),
            "machine": fingerprint().model_dump(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rows": [row.to_json() for row in self.rows],
            "verdicts": self.verdicts,
            **more,
        }
        self.asked.to.mkdir(parents=True, exist_ok=True)
        path = self.asked.to / f"{self.section}.json"
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        print(f"  written to {path}", flush=True)
        return path


# --- making ---------------------------------------------------------------------------------------


def timed(asked: Asked, name: str, stages: Stages) -> Row:
    """A model as the product makes and measures it: a whole trial, with its baseline in turns; or
    why it cannot be had.
    """
    try:
        recipe = _recipe(stages)
        document = run_trial(
            request(
                asked.model,
                recipe,
                task=asked.task,
                protocol=asked.protocol,
                conditions=asked.conditions,
            ),
            *_quietly(asked),
        )
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


def _quietly(asked: Asked) -> tuple[Workspace, Any]:
    return asked.workspace, lambda _: None


def scored(bench: Bench, name: str, stages: Stages) -> Row:
    """A model made and scored beside fp32, but not timed; or why it cannot be had."""
    try:
        recipe = fitting(bench, stages)
        made, whole = bench.make(recipe), bench.make(Recipe())
        reference = bench.scores(whole, whole)
        scores = reference if made.key == whole.key else bench.scores(made, whole)
    except ParetoscopeError as error:
        return Row(name, error=str(error))
    quality = bench.evaluator.quality(made.folder, scores)
    paired = (
        bench.evaluator.paired(made.folder, scores, reference) if scores is not reference else None
    )
    return Row(
        name,
        recipe.in_words(),
        shipped_bytes(made.folder),
        _interval(quality),
        paired.change if paired else None,
        paired.kl if paired else None,
        quality.n,
        made.stage_seconds,
        answers=TokenAnswers(
            scores["log_probability"], scores["top"], scores["targets"], scores["lengths"]
        ),
    )


def fitting(bench: Bench, stages: Stages) -> Recipe:
    """The recipe of `stages`; raises `ParetoscopeError` when this version does not know it or the
    model cannot take it.
    """
    recipe = _recipe(stages)
    asked = bench.request
    request(
        asked.model, recipe, task=asked.task, protocol=asked.protocol, conditions=asked.conditions
    )
    return recipe


def made(bench: Bench, stages: Stages) -> Made:
    return bench.make(fitting(bench, stages))


def _recipe(stages: Stages) -> Recipe:
    return parse_recipe({"stages": [dict(stage) for stage in stages]}, where="In the benchmark")


# --- comparing ------------------------------------------------------------------------------------


def beside(first: Row, second: Row) -> Paired | None:
    """The second on the same tokens as the first; None when one of them was not made."""
    return (
        paired_tokens(second.answers, first.answers) if first.answers and second.answers else None
    )


def beats(found: Found, better: Row, other: Row, wanted: str, *, at_most: float = 1.0) -> None:
    """A verdict on whether the perplexity of `better` is at most that share of the other's."""
    paired = beside(other, better)
    if paired is None or paired.change is None:
        found.verdict(wanted, f"not made: {better.error or other.error}", False)
        return
    found.verdict(
        wanted,
        f"perplexity {percent(paired.change)} beside {other.name}",
        1 + paired.change.value <= at_most,
    )


def percent(change: Interval) -> str:
    """
    >>> percent(Interval(value=0.012, low=-0.001, high=0.025))
    '+1.20 % [-0.10, +2.50]'
    """
    return f"{change.value * 100:+.2f} % [{change.low * 100:+.2f}, {change.high * 100:+.2f}]"


def _interval(quality: Quality) -> Interval:
    return Interval(value=quality.value, low=quality.low, high=quality.high)
