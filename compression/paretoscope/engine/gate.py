"""Compares an artefact with another one under a budget, as a test of continuous integration does.

Both are folders that `export` wrote; nothing is made and nothing is stored. The data comes from the
manifest of the artefact, or is given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from paretoscope.artifact.golden import open_logits
from paretoscope.artifact.self_check import compare
from paretoscope.engine.evaluators import EVALUATORS, SPLIT, tokenizer_of
from paretoscope.engine.measuring import TIMERS
from paretoscope.errors import ArtifactError, ParetoscopeError, Problems, TaskError, did_you_mean
from paretoscope.inference.graph_io import GENAI
from paretoscope.measure import locks
from paretoscope.measure.session import MeasurementSession
from paretoscope.measure.size import artifact_record
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Task
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.trial import Interval, Paired, Quality
from paretoscope.values import Value


class Budget(Value):
    """Limits on an artefact; a limit that is None is not checked. Numbers must be numbers: `yes` or
    "1" is no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_drop: float | None = Field(default=None, ge=0)
    """Largest loss of quality: points of accuracy, or per cent of perplexity."""
    max_bytes: int | None = Field(default=None, ge=1)
    """Largest size of the folder in bytes."""
    max_p50_ratio: float | None = Field(default=None, gt=0)
    """Largest median latency (time per token) as a multiple of the baseline's."""
    min_agreement: float | None = Field(default=None, ge=0, le=1)
    """Smallest share of examples (tokens) with the baseline's answer."""


@dataclass(frozen=True)
class Check:
    """One value against its limit; without a limit it is only reported."""

    name: str
    value: float
    limit: float | None
    passed: bool
    note: str = ""


@dataclass(frozen=True)
class Result:
    """All checks of an artefact and what they stand on."""

    checks: tuple[Check, ...]
    quality: Quality
    baseline: Quality
    paired: Paired
    p50_ratio: Interval
    placebo: Interval

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def load_budget(path: Path) -> Budget:
    """Read a budget from a YAML or JSON file; an error names everything that is wrong in it."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ParetoscopeError(
            f'The budget "{path}" cannot be read: {reason}; give a YAML file with'
            f" {', '.join(Budget.model_fields)}."
        ) from error
    if not isinstance(content, dict):
        raise ParetoscopeError(
            f'The budget "{path}" has no limits; write one a line, such as "max_drop: 1", from'
            f" {', '.join(Budget.model_fields)}."
        )
    limits = {str(name): value for name, value in cast(dict[Any, Any], content).items()}
    try:
        budget = Budget.model_validate(limits)
    except ValidationError as error:
        problems = Problems(f'The budget "{path}"', ParetoscopeError)
        for each in error.errors():
            name = str(each["loc"][0]) if each["loc"] else ""
            if each["type"] == "extra_forbidden":
                problems.add("", f'there is no "{name}"; {did_you_mean(name, Budget.model_fields)}')
            else:
                problems.add("", f"{name} {each['msg'].removeprefix('Input ')}.".strip())
        raise problems.error() from error
    if not any(value is not None for value in budget.model_dump().values()):
        raise ParetoscopeError(
            f'The budget "{path}" has no limit; set at least one of'
            f" {', '.join(Budget.model_fields)}."
        )
    return budget


class Artifact:
    """An exported folder whose files are those of its manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            content: dict[str, Any] = json.loads(
                (folder / "manifest.json").read_text(encoding="utf-8")
            )
            expected = dict[str, str](content["sha256"])
            self.conditions = Conditions.model_validate(content["conditions"])
            self.task = str(content["task"])
            self.options = DataOptions.model_validate(content.get("data", {}))
            longest = content["max_length"]
            self.max_length = None if longest is None else int(longest)
            self.golden: Mapping[str, Any] | None = content.get("check")
        except OSError as error:
            raise ArtifactError(
                f'"{folder}" has no readable manifest.json; give a folder that `paretoscope export`'
                " wrote."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f'"{folder / "manifest.json"}" is not as `paretoscope export` of this version'
                f" writes it ({type(error).__name__}: {str(error).splitlines()[0]}); export the"
                " artefact again."
            ) from error
        self.record = artifact_record(folder)
        changed = [
            name for name, digest in expected.items() if self.record.sha256.get(name) != digest
        ]
        if changed:
            raise ArtifactError(
                f'{changed[0]} in "{folder}" is not the file that its manifest.json describes; '
                "export the artefact again."
            )

    @property
    def decoder(self) -> bool:
        return (self.folder / GENAI).is_file()

    def labels(self) -> tuple[str, ...] | None:
        """The outputs of a classifier in order; raises `ArtifactError` if they cannot be read."""
        if self.decoder:
            return None
        path = self.folder / "config.json"
        try:
            table = json.loads(path.read_text(encoding="utf-8"))["id2label"]
            return tuple(table[str(index)] for index in range(len(table)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f'"{path}" does not name the outputs in id2label; export the artefact again.'
            ) from error


def gate(
    artifact: Artifact,
    baseline: Artifact,
    budget: Budget,
    *,
    task: str | None = None,
    options: DataOptions | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Result:
    """Check an artefact against a baseline on the validation split of its task.

    `task` and `options` replace those of the manifest. Raises `ParetoscopeError` when a folder or
    the data cannot be used, or when the two are not of one kind.
    """
    if artifact.decoder != baseline.decoder or artifact.labels() != baseline.labels():
        raise ArtifactError(
            f'"{artifact.folder}" and "{baseline.folder}" do not have the same outputs; give two'
            " artefacts of one task."
        )
    if artifact.decoder and tokenizer_of(artifact.folder) != tokenizer_of(baseline.folder):
        raise ArtifactError(
            f'"{artifact.folder}" and "{baseline.folder}" have different tokenizers, so their'
            " perplexities cannot be compared; give two artefacts of one model."
        )
    data = _task(artifact, task, options)
    conditions = artifact.conditions
    request = TrialRequest(model="artifact", task=data.name, conditions=conditions)
    evaluator = EVALUATORS[data.kind](data, _longest(artifact, baseline), request, SPLIT)
    progress("accuracy")
    with locks.compute():
        reference = evaluator.scores(baseline.folder, None)
        scores = evaluator.scores(artifact.folder, reference)
    progress("latency")
    with locks.measuring():
        timer = TIMERS["decoder" if artifact.decoder else "classifier"]
        session = timer(artifact.folder, baseline.folder, conditions, "quick")
    quality, base = (
        evaluator.quality(each.folder, found)
        for each, found in ((artifact, scores), (baseline, reference))
    )
    paired = evaluator.paired(artifact.folder, scores, reference)
    ratio = _inverse(session)
    checks = (
        *_quality_checks(budget, quality, base, paired),
        _at_most("bytes", artifact.record.size_bytes, budget.max_bytes),
        _at_most("p50 ratio", ratio.value, budget.max_p50_ratio, _interval(ratio)),
        *_self_check(artifact, conditions.threads),
    )
    return Result(checks, quality, base, paired, ratio, session.placebo)


def _task(artifact: Artifact, task: str | None, options: DataOptions | None) -> Task:
    if task is None:
        task, options = artifact.task, artifact.options
    architecture = "decoder" if artifact.decoder else "classifier"
    try:
        ref = resolve_task(task, options or DataOptions(), architecture=architecture)
    except TaskError as error:
        raise TaskError(f"{error} --task gives the data of the check.") from error
    return load_task(ref, artifact.labels())


def _longest(artifact: Artifact, baseline: Artifact) -> int | None:
    """Most tokens that both artefacts read; None if neither has a limit."""
    limits = (artifact.max_length, baseline.max_length)
    return min((limit for limit in limits if limit is not None), default=None)


def _quality_checks(
    budget: Budget, quality: Quality, base: Quality, paired: Paired
) -> Iterator[Check]:
    if quality.metric == "perplexity":
        drop = 100 * (quality.value / base.value - 1)
        note = "per cent of perplexity"
    else:
        drop = 100 * (base.value - quality.value)
        note = f"points, {paired.lost} lost, {paired.gained} gained of {quality.n:,}"
    yield _at_most("drop", drop, budget.max_drop, note)
    least = budget.min_agreement
    passed = least is None or paired.agreement >= least
    yield Check("agreement", paired.agreement, least, passed)


def _self_check(artifact: Artifact, threads: int) -> Sequence[Check]:
    """Whether this machine gives the logits of the golden inputs."""
    if artifact.golden is None:
        return ()
    untyped: Any = Tokenizer
    tokenizer = untyped.from_str(tokenizer_of(artifact.folder))

    def encode(text: str) -> Sequence[int]:
        return tokenizer.encode(text).ids

    try:
        found = compare(artifact.golden, open_logits(artifact.folder, threads), encode)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ArtifactError(
            f'The golden inputs in "{artifact.folder / "manifest.json"}" cannot be read; export the'
            " artefact again."
        ) from error
    note = f"largest difference of a logit, {found['agree']} of {found['texts']} answers agree"
    return (
        Check("self-check", found["largest_difference"], found["tolerance"], found["within"], note),
    )


def _at_most(name: str, value: float, limit: float | None, note: str = "") -> Check:
    return Check(name, value, limit, limit is None or value <= limit, note)


def _inverse(session: MeasurementSession) -> Interval:
    """The artefact's median over the baseline's."""
    assert session.speedup
    speedup = session.speedup
    return Interval(value=1 / speedup.value, low=1 / speedup.high, high=1 / speedup.low)


def _interval(ratio: Interval) -> str:
    return f"[{ratio.low:.2f}, {ratio.high:.2f}]"
