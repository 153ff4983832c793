"""What comes back from the engine: the JSON document that every command and page shares.

Requests are `trials/request.py`'s. Documents are stored by `store/` and made by `engine/` and
`measure/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import Field

from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.axes import Axes, axes
from paretoscope.trials.change_interval import change_interval
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.request import Conditions, Protocol
from paretoscope.values import Value

Status = Literal["queued", "running", "done", "failed", "cancelled"]
WARNING = "Warning: "
"""Start of a note without which the result would be misread."""
LIVE: tuple[Status, ...] = ("queued", "running")


class ArtifactRecord(Value):
    """A folder that runs anywhere. `weights_bytes` is the payload of its tensors alone."""

    path: str
    size_bytes: int
    files: dict[str, int]
    sha256: dict[str, str]
    weights_bytes: int | None = None


class Interval(Value):
    value: float
    low: float
    high: float


class Quality(Value):
    """A quality metric on one split, with its 95 % interval.

    `max_length` is the number of tokens to which a classifier's texts are truncated, `truncated`
    the share of the split's texts that are longer. Both are None where texts are not truncated.
    """

    metric: str = "accuracy"
    value: float
    low: float
    high: float
    n: int
    split: str = "validation"
    max_length: int | None = None
    truncated: float | None = None


class Paired(Value):
    """A paired comparison with the baseline on the same examples; in prose, examples are tokens.

    `lost` were right in the baseline only, `gained` here only; `mcnemar_p` is the exact two-sided
    test on the two; `agreement` is the share with the same answer; `kl` is the mean divergence in
    nats, None where the distributions were not kept, and `kl_floor` that of the baseline computed
    with other threads and another batch. `change` is that of the perplexity as a share
    of the baseline's (0.02: 2 % more), None where quality is an accuracy.
    """

    agreement: float
    lost: int
    gained: int
    mcnemar_p: float
    kl: float | None = None
    kl_floor: float | None = None
    change: Interval | None = None


class HeldOut(Value):
    """The evaluation of a chosen model on the test split; a baseline has no comparison."""

    quality: Quality
    baseline: Quality | None = None
    paired: Paired | None = None
    opened_at: datetime


class Latency(Value):
    """Quantiles of `n` requests; one that `n` does not support is None. Low and high bound the
    median at 95 %.
    """

    batch: int
    sequence: int
    threads: int
    n: int
    p50_ms: float
    p50_low_ms: float | None = None
    p50_high_ms: float | None = None
    p90_ms: float
    p95_ms: float | None = None
    p99_ms: float | None = None
    load_ms: float | None = None
    noisy: bool = False


class Memory(Value):
    """Resident bytes of the measuring process over those of an empty runtime."""

    peak_bytes: int
    steady_bytes: int


class Generation(Value):
    """Generation times of a decoder after a prompt of `prompt_tokens`.

    `ttft` is the time to the first token, `tpot` the time of each further token: medians over `n`
    requests with 95 % intervals. `tokens_per_s` counts all rows of the batch. `ttft_speedup` is the
    baseline's time to first token over this one's, measured interleaved, `ttft_placebo` that of
    the baseline to itself.
    """

    prompt_tokens: int
    new_tokens: int
    n: int
    ttft_ms: float
    ttft_low_ms: float | None = None
    ttft_high_ms: float | None = None
    ttft_p90_ms: float
    tpot_ms: float
    tpot_low_ms: float | None = None
    tpot_high_ms: float | None = None
    tpot_p90_ms: float
    tokens_per_s: float
    ttft_speedup: Interval | None = None
    ttft_placebo: Interval | None = None


class Energy(Value):
    joules_per_request: float
    source: str


class Measured(Value):
    """All measurements of one artefact, compressed or baseline.

    Only a decoder has `generation`; its `latency` is the time per output token.
    """

    artifact: ArtifactRecord
    quality: Quality
    latency: Latency
    memory: Memory
    energy: Energy
    generation: Generation | None = None
    theoretical_bytes: int | None = None


class TrialDocument(Value):
    """The JSON document of a trial: `run --json` prints one, `sweep` and `frontier` print lists.

    Fields that a trial has not reached yet are None.
    """

    trial_id: str
    recipe_id: str
    model: str
    task: str
    status: Status
    recipe: Recipe
    protocol: Protocol
    artifact: ArtifactRecord | None = None
    quality: Quality | None = None
    paired: Paired | None = None
    latency: Latency | None = None
    speedup: Interval | None = None
    placebo: Interval | None = None
    """Speed-up of the baseline against itself in the same session: what the session cannot tell
    from no change. None in documents from before it was measured.
    """
    memory: Memory | None = None
    energy: Energy | None = None
    generation: Generation | None = None
    theoretical_bytes: int | None = None
    baseline: Measured | None = None
    machine: Machine | None = None
    timings_s: dict[str, float] = Field(default_factory=dict)
    """Seconds that each step took in this trial; close to 0 for a step found in the cache."""
    stage_seconds: tuple[float, ...] = ()
    """Seconds that each stage took when it was computed, by this trial or an earlier one."""
    held_out: HeldOut | None = None
    """The evaluation on the test split, once, for a chosen model; no plot uses it."""
    error: str | None = None
    measured_at: datetime | None = None
    data_options: dict[str, Any] = Field(default_factory=dict)
    """Options with which a data file was read, without those that have the default."""
    notes: tuple[str, ...] = ()
    """What a reader has to know of the result; the most important ones start with `WARNING`."""

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def is_baseline(self) -> bool:
        return not self.recipe.stages

    @property
    def generates(self) -> bool:
        """Whether the model generates text."""
        return self.generation is not None

    @property
    def measured_under(self) -> tuple[str | None, Conditions | None]:
        """Machine and conditions: points share an axis only where both are equal."""
        at = self.latency
        under = at and Conditions(batch=at.batch, sequence=at.sequence, threads=at.threads)
        return self.machine and self.machine.id, under

    @property
    def axes(self) -> Axes:
        """The metrics that say how good, large and fast this model is."""
        return axes(
            self.quality.metric if self.quality else "accuracy",
            generates=self.generates,
        )

    def metrics(self) -> Iterator[MetricValue]:
        """Every number with its key in the metric table; missing numbers are left out."""
        yield from self._quality_metrics()
        if self.artifact:
            yield MetricValue("size_bytes", self.artifact.size_bytes)
        yield from self._speed_metrics()
        yield from self._resource_metrics()
        if self.paired:
            fidelity = {"agreement": self.paired.agreement, "kl": self.paired.kl}
            yield from (
                MetricValue(key, value) for key, value in fidelity.items() if value is not None
            )
        if self.theoretical_bytes is not None:
            yield MetricValue("theoretical_bytes", self.theoretical_bytes)
        for row in METRICS.values():
            if row.value and (computed := row.value(self)) is not None:
                yield MetricValue(row.key, computed)

    def _quality_metrics(self) -> Iterator[MetricValue]:
        if found := self.quality:
            yield MetricValue(self.axes.quality, found.value, found.low, found.high)
            yield from self._change_metrics(found)

    def _change_metrics(self, quality: Quality) -> Iterator[MetricValue]:
        """The change of quality from the baseline on the same examples; 0 for the baseline."""
        if self.is_baseline:
            yield MetricValue(self.axes.change, 0.0, 0.0, 0.0)
        elif self.paired and (change := self.paired.change):
            yield MetricValue("perplexity_change", change.value, change.low, change.high)
        elif self.paired and self.axes.quality == "quality":
            base = self.baseline.quality.value if self.baseline else None
            found = (self.paired.gained - self.paired.lost) / quality.n
            ends = change_interval(self.paired.lost, self.paired.gained, quality.n)
            yield MetricValue(
                "quality_change", found if base is None else quality.value - base, *ends
            )

    def _speed_metrics(self) -> Iterator[MetricValue]:
        if self.generation:
            yield from self._generation_metrics(self.generation)
        elif self.latency:
            yield from self._latency_metrics(self.latency)
        if self.latency and self.latency.load_ms is not None:
            yield MetricValue("load_ms", self.latency.load_ms)
        if found := self.speedup:
            yield MetricValue("speedup", found.value, found.low, found.high)

    def _resource_metrics(self) -> Iterator[MetricValue]:
        if self.memory:
            yield MetricValue("peak_memory_bytes", self.memory.peak_bytes)
            yield MetricValue("steady_memory_bytes", self.memory.steady_bytes)
        if self.energy:
            yield MetricValue("energy_j", self.energy.joules_per_request)

    def _latency_metrics(self, at: Latency) -> Iterator[MetricValue]:
        yield MetricValue("latency_p50_ms", at.p50_ms, at.p50_low_ms, at.p50_high_ms)
        yield MetricValue("latency_p90_ms", at.p90_ms)
        for key, value in (("latency_p95_ms", at.p95_ms), ("latency_p99_ms", at.p99_ms)):
            if value is not None:
                yield MetricValue(key, value)

    def _generation_metrics(self, at: Generation) -> Iterator[MetricValue]:
        yield MetricValue("tpot_ms", at.tpot_ms, at.tpot_low_ms, at.tpot_high_ms)
        yield MetricValue("ttft_ms", at.ttft_ms, at.ttft_low_ms, at.ttft_high_ms)
        yield MetricValue("tokens_per_s", at.tokens_per_s)
        if at.ttft_speedup:
            yield MetricValue(
                "ttft_speedup", at.ttft_speedup.value, at.ttft_speedup.low, at.ttft_speedup.high
            )


class MetricValue(NamedTuple):
    """One number about one artefact, in the unit it is stored in."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
