"""The structured results of the tools: the documents that the commands print with --json.

The main fields are declared here for the schemas that an agent reads; documents may have more.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from paretoscope.trials.trial import Interval

Document = dict[str, Any]
Trials = Annotated[
    list[Document],
    Field(description="trial documents: recipe, quality, latency, speedup, memory, conditions"),
]


class Output(BaseModel):
    """A document with further fields."""

    model_config = ConfigDict(extra="allow")


class Models(Output):
    """The built-in models."""

    models: Annotated[list[Document], Field(description="name, default task, classes, source")]


class Tasks(Output):
    """The built-in tasks, or one task in detail."""

    tasks: Annotated[list[Document] | None, Field(description="without a task: all")] = None
    name: str | None = None
    labels: list[str] | None = None
    splits: Annotated[
        dict[str, Document] | None, Field(description="examples and sha256 of each split")
    ] = None


class Estimate(Output):
    """A recipe before it runs."""

    trial_id: Annotated[str, Field(description="id that `run` will give it")]
    size_bytes: Annotated[int, Field(description="bytes on disk, counted")]
    size_exact: Annotated[
        bool, Field(description="whether the weights are exact; other files are within 4 kB")
    ]
    baseline_size_bytes: int
    quality: Annotated[
        Interval | None, Field(description="accuracy as a share of 1, or perplexity")
    ]
    latency_p50_ms: Interval | None
    speedup: Annotated[Interval | None, Field(description="times as fast as the original")]
    interval_level: Annotated[float | None, Field(description="coverage of the intervals")]
    measured: Annotated[
        str | None, Field(description="trial that measured it; null: the numbers are estimates")
    ]
    source: Annotated[str, Field(description="workspace, or shipped study (another machine)")]
    reason: Annotated[str, Field(description="why a number is missing or wide")]
    run_seconds: Annotated[Interval | None, Field(description="expected duration of `run`")]
    advice: list[str]


class Queued(Output):
    """A trial that was queued, or that was measured before."""

    trial_id: str
    status: Annotated[str, Field(description="queued, running, done, failed or cancelled")]
    notes: Annotated[list[str], Field(description="what holds for every result of the model")]


class Status(Output):
    """Trials with their progress."""

    trials: Annotated[
        list[Document],
        Field(
            description=(
                "status, progress, error; `document` has the measurements of a finished trial that"
                " was named"
            )
        ),
    ]
    engine_alive: bool


class Front(Output):
    """The Pareto front of a model."""

    source: Annotated[str, Field(description="workspace, or shipped study (another machine)")]
    trials: Trials
    on_front: list[str]
    statistically_on_front: Annotated[
        list[str], Field(description="the front and what cannot be told apart from it")
    ]
    knee: str | None
    recommendation: Annotated[
        Document, Field(description="trial_id, runner_up, reason, feasible, limits")
    ]
    omitted: Annotated[int, Field(description="further trials, which `everything` includes")]


class Comparison(Output):
    """Trials compared pairwise."""

    trials: Trials
    dominates: dict[str, list[str]]
    recipe_differences: list[Document]
    pairs: Annotated[list[Document], Field(description="paired tests on the same examples")]


class Exported(Output):
    """A copy of an artefact."""

    path: str
