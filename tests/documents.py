"""Finished trials made by hand, for tests of what only reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from compression.recipe import AnyStage, Recipe
from compression.trial import (
    ArtifactRecord,
    Conditions,
    Energy,
    Interval,
    Latency,
    Machine,
    Measured,
    Memory,
    Paired,
    Protocol,
    Quality,
    TrialDocument,
    TrialRequest,
)

MACHINE = Machine(
    id="cafe0123cafe", cpu="Test CPU", flags=("avx512_vnni",), cores=2, memory_bytes=8 << 30, system="Linux", versions={"onnxruntime": "1.31.1"}
)
BASE_QUALITY, BASE_P50, BASE_BYTES = 0.96, 8.0, 91_000_000
MEASURED_FROM = datetime(2026, 3, 1, 12, tzinfo=UTC)


def document(
    *stages: AnyStage,
    quality: float = 0.95,
    speedup: float = 2.0,
    size: int = 23_000_000,
    model: str = "minilm-trec",
    task: str = "trec",
    machine: Machine = MACHINE,
    conditions: Conditions | None = None,
    timings_s: dict[str, float] | None = None,
    stage_seconds: tuple[float, ...] = (),
    protocol: Protocol = "quick",
    age: int = 0,
) -> TrialDocument:
    """A trial that is done, `speedup` times as fast as a baseline of 96 %, 8 ms and 91 MB; without stages that baseline."""
    recipe, at = Recipe(stages=stages), conditions or Conditions()
    request = TrialRequest(model=model, task=task, recipe=recipe, protocol=protocol, conditions=at)
    common = {
        "trial_id": request.trial_id,
        "recipe_id": recipe.id,
        "model": model,
        "task": task,
        "status": "done",
        "recipe": recipe,
        "protocol": protocol,
        "machine": machine,
        "timings_s": timings_s or {},
        "stage_seconds": stage_seconds,
        "measured_at": MEASURED_FROM - timedelta(days=age),
    }
    base = _measured(BASE_QUALITY, BASE_P50, BASE_BYTES, at)
    if not stages:
        return TrialDocument.model_validate({**common, **dict(base)})
    own = _measured(quality, BASE_P50 / speedup, size, at)
    beside = {
        "baseline": base,
        "paired": Paired(agreement=0.97, lost=12, gained=4, mcnemar_p=0.077, kl=0.02),
        "speedup": Interval(value=speedup, low=speedup * 0.95, high=speedup * 1.05),
    }
    return TrialDocument.model_validate({**common, **dict(own), **beside})


def _measured(quality: float, p50: float, size: int, at: Conditions) -> Measured:
    return Measured(
        artifact=ArtifactRecord(path="artifacts/x", size_bytes=size, files={"model.onnx": size}, sha256={"model.onnx": "0" * 64}, weights_bytes=size),
        quality=Quality(value=quality, low=quality - 0.015, high=min(1.0, quality + 0.012), n=538),
        latency=Latency(
            batch=at.batch,
            sequence=at.sequence,
            threads=at.threads,
            n=120,
            p50_ms=p50,
            p50_low_ms=p50 * 0.97,
            p50_high_ms=p50 * 1.03,
            p90_ms=p50 * 1.1,
        ),
        memory=Memory(peak_bytes=2 * size, steady_bytes=size),
        energy=Energy(joules_per_request=p50 * 0.03, source="estimate: time x 15 W a core"),
    )
