"""Finished trials made by hand, for tests of what only reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage
from paretoscope.trials.request import Conditions, Protocol, TrialRequest
from paretoscope.trials.trial import (
    ArtifactRecord,
    Energy,
    Generation,
    Interval,
    Latency,
    Measured,
    Memory,
    Paired,
    Quality,
    TrialDocument,
)

MACHINE = Machine(
    id="cafe0123cafe",
    cpu="Test CPU",
    flags=("avx512_vnni",),
    cores=2,
    memory_bytes=8 << 30,
    system="Linux",
    versions={"onnxruntime": "1.31.1"},
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
    """A trial that is done, `speedup` times as fast as a baseline of 96 %, 8 ms and 91 MB; without
    stages that baseline.
    """
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
        artifact=ArtifactRecord(
            path="artifacts/x",
            size_bytes=size,
            files={"model.onnx": size},
            sha256={"model.onnx": "0" * 64},
            weights_bytes=size,
        ),
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


def decoder_document(
    *stages: AnyStage,
    perplexity: float = 20.0,
    change: tuple[float, float] = (0.0, 0.0),
    speedup: float = 1.0,
    size: int = 540_000_000,
    machine: Machine = MACHINE,
) -> TrialDocument:
    """A trial of a language model, `speedup` times as fast as a baseline of perplexity 20, 40 ms a
    token and 540 MB; `change` is the interval of the change of its perplexity, relative."""
    at = Conditions(sequence=128)
    plain = document(
        *stages,
        speedup=speedup,
        size=size,
        model="smollm2-135m",
        task="prose",
        conditions=at,
        machine=machine,
    )
    own = {**dict(plain), **_generating(perplexity, 40.0 / speedup, size)}
    if plain.baseline and plain.paired and plain.speedup:
        own["baseline"] = {**dict(plain.baseline), **_generating(20.0, 40.0, 540_000_000)}
        own["generation"] = own["generation"].model_copy(update={"ttft_speedup": plain.speedup})
        own["paired"] = plain.paired.model_copy(
            update={"change": Interval(value=perplexity / 20.0 - 1, low=change[0], high=change[1])}
        )
    return TrialDocument.model_validate(own)


def _generating(perplexity: float, tpot_ms: float, size: int) -> dict[str, Any]:
    quantiles = {
        "p50_ms": tpot_ms,
        "p50_low_ms": tpot_ms * 0.98,
        "p50_high_ms": tpot_ms * 1.02,
        "p90_ms": tpot_ms,
        "load_ms": 50,
    }
    latency = Latency.model_validate(
        {"batch": 1, "sequence": 128, "threads": 2, "n": 120, **quantiles}
    )
    timed = {
        "ttft_p90_ms": 420,
        "tpot_ms": tpot_ms,
        "tpot_p90_ms": tpot_ms,
        "tokens_per_s": 1000 / tpot_ms,
    }
    return {
        "artifact": ArtifactRecord(
            path="artifacts/x",
            size_bytes=size,
            files={"model.onnx.data": size},
            sha256={"model.onnx.data": "0" * 64},
        ),
        "quality": Quality(
            metric="perplexity",
            value=perplexity,
            low=perplexity * 0.95,
            high=perplexity * 1.05,
            n=12_000,
        ),
        "latency": latency,
        "generation": Generation.model_validate(
            {"prompt_tokens": 128, "new_tokens": 24, "n": 9, "ttft_ms": 400, **timed}
        ),
    }
