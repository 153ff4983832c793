"""Typed requests: what each command was given, converted once from argparse's Namespace.

Field names are those of the options in `cli/options.py`. What a command does with its request is
`cli/verbs.py`'s.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from paretoscope.tasks.ref import DataOptions
from paretoscope.trials.request import Conditions, Protocol


@dataclass(frozen=True)
class Request:
    """The options of one command."""

    @classmethod
    def read(cls, given: Namespace) -> Self:
        """The request in a Namespace; lists become tuples."""
        values: dict[str, Any] = {field.name: getattr(given, field.name) for field in fields(cls)}
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]
                for name, value in values.items()
            }
        )


@dataclass(frozen=True)
class ModelsRequest(Request):
    """`paretoscope models`."""


@dataclass(frozen=True)
class JobsRequest(Request):
    """`paretoscope jobs`."""


@dataclass(frozen=True)
class DataRequest(Request):
    """`paretoscope data`; without an action it lists the packages."""

    action: Literal["install"] | None


@dataclass(frozen=True)
class UiRequest(Request):
    """`paretoscope ui`."""

    host: str
    port: int
    headless: bool
    read_only: bool


@dataclass(frozen=True)
class _DataFile(Request):
    """How a data file is read."""

    text_column: str | None
    label_column: str | None
    encoding: str
    max_length: int | None
    labels: tuple[str, ...] | None
    split_column: str | None
    group_column: str | None
    delimiter: str | None
    drop_missing: bool

    @property
    def options(self) -> DataOptions:
        """How a data file is read, and the unlabelled texts of `run`."""
        names = DataOptions.model_fields
        return DataOptions.model_validate({name: getattr(self, name, None) for name in names})


@dataclass(frozen=True)
class TasksRequest(_DataFile):
    """`paretoscope tasks`."""

    task: str | None
    split: str | None
    to: str | None


@dataclass(frozen=True)
class MeasureRequest(_DataFile):
    """`paretoscope references`, and what `run`, `sweep` and `estimate` have in common with it: the
    model, its data and the conditions.
    """

    model: str
    task: str | None
    protocol: Protocol
    batch: int | None
    sequence: int | None
    threads: int | None

    @property
    def conditions(self) -> Conditions | None:
        """The conditions that were given, the others by default; None when none were."""
        given = {"batch": self.batch, "sequence": self.sequence, "threads": self.threads}
        given = {name: value for name, value in given.items() if value is not None}
        return Conditions.model_validate(given) if given else None


@dataclass(frozen=True)
class RunRequest(MeasureRequest):
    """`paretoscope run`."""

    recipe: str | None
    again: bool
    each_stage: bool
    unlabelled: str | None


@dataclass(frozen=True)
class SweepRequest(MeasureRequest):
    """`paretoscope sweep`."""

    again: bool
    sparsity: str
    bits: str
    what: Literal["weights", "ffn", "heads"]
    retrain_epochs: float
    seed: int


@dataclass(frozen=True)
class EstimateRequest(MeasureRequest):
    """`paretoscope estimate`."""

    recipe: str | None
    unlabelled: str | None


@dataclass(frozen=True)
class CancelRequest(Request):
    """`paretoscope cancel`."""

    trials: tuple[str, ...]


@dataclass(frozen=True)
class FrontierRequest(Request):
    """`paretoscope frontier`."""

    model: str
    task: str | None = None
    study: bool = False
    x: str | None = None
    y: str | None = None
    by: str | None = None
    max_drop: float | None = None
    max_latency_ms: float | None = None
    max_size_mb: float | None = None


@dataclass(frozen=True)
class ReportRequest(Request):
    """`paretoscope report`."""

    model: str
    task: str | None
    study: bool
    to: str


@dataclass(frozen=True)
class ShareRequest(Request):
    """`paretoscope share`."""

    trials: tuple[str, ...]
    to: str


@dataclass(frozen=True)
class CompareRequest(Request):
    """`paretoscope compare`."""

    trials: tuple[str, ...]


@dataclass(frozen=True)
class ImpactRequest(Request):
    """`paretoscope impact`; None stands for the value of the tables or the default."""

    trial: str
    instance: str
    grid: str
    electricity: str
    device: str
    requests_per_day: float | None
    peak_factor: float | None
    utilization: float | None
    speed: float | None
    usd_per_hour: float | None
    vcpus: float | None
    usd_per_kwh: float | None
    g_per_kwh: float | None
    pue: float | None
    embodied_g_per_hour: float | None
    device_requests: float | None
    billing: Literal["instances", "time"] | None
    energy: Literal["trial", "provider"] | None
    prompt_tokens: int | None
    new_tokens: int | None


@dataclass(frozen=True)
class KeepRequest(Request):
    """`paretoscope keep`."""

    trials: tuple[str, ...]


@dataclass(frozen=True)
class ExportRequest(Request):
    """`paretoscope export`."""

    trial: str
    to: str


@dataclass(frozen=True)
class CheckRequest(_DataFile):
    """`paretoscope check`."""

    folder: str
    against: str
    budget: str
    task: str | None


@dataclass(frozen=True)
class ProfileRequest(Request):
    """`paretoscope profile`."""

    trials: tuple[str, ...]
    batch: int | None
    sequence: int | None
    threads: int | None
    to: str | None


@dataclass(frozen=True)
class SensitivityRequest(_DataFile):
    """`paretoscope sensitivity`."""

    model: str
    task: str | None
    texts: int
    to: str | None


@dataclass(frozen=True)
class EngineRequest(Request):
    """`paretoscope engine`; without an action it becomes the engine."""

    action: Literal["status", "stop"] | None
    ends_when_idle: bool
    trial_function: str | None


@dataclass(frozen=True)
class OperatorsRequest(Request):
    """`paretoscope operators`."""

    artifact: str


@dataclass(frozen=True)
class LogRequest(Request):
    """`paretoscope log`."""

    trials: tuple[str, ...]
    to: Literal["mlflow"]
    tracking_uri: str | None
    experiment: str


@dataclass(frozen=True)
class PushRequest(Request):
    """`paretoscope push`."""

    trial: str
    to: str
    private: bool
    pull_request: bool
    revision: str | None
    yes: bool


@dataclass(frozen=True)
class McpRequest(Request):
    """`paretoscope mcp`."""
