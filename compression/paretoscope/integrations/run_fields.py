"""A trial as the fields of a run in a tracking server: parameters, metrics and tags."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from paretoscope.trials.format import conditions_in_words, machine_in_words, short
from paretoscope.trials.trial import TrialDocument

TRIAL, MEASURED = "paretoscope.trial_id", "paretoscope.measured_at"
"""Tags that identify the measurement of a run."""
LONGEST_PARAM = 6_000
"""Characters that MLflow stores of a parameter."""


def params(document: TrialDocument) -> dict[str, str]:
    """Model, data, protocol and recipe: `stage_1.kind`, `stage_1.sparsity` and so on."""
    found = {
        "model": short(document.model),
        "task": short(document.task),
        "protocol": document.protocol,
        "recipe_id": document.recipe_id,
        "recipe": document.recipe.in_words(),
        "seed": str(document.recipe.seed),
    }
    for number, stage in enumerate(document.recipe.stages, start=1):
        found |= dict(_fields(f"stage_{number}", stage.model_dump(mode="json")))
    return {name: value[:LONGEST_PARAM] for name, value in found.items()}


def metrics(document: TrialDocument) -> dict[str, float]:
    """Every number by its key in the metric table, in stored units.

    `_low` and `_high` are the ends of its 95 % interval, `baseline.` the numbers of the
    uncompressed model in the same session, `paired.` the comparison with it.
    """
    found: dict[str, float] = {}
    for number in document.metrics():
        ends = {"": number.value, "_low": number.low, "_high": number.high}
        found |= {
            f"{number.metric}{end}": value for end, value in ends.items() if value is not None
        }
    if base := document.baseline:
        found["baseline.size_bytes"] = base.artifact.size_bytes
        found[f"baseline.{document.axes.quality}"] = base.quality.value
        found[f"baseline.{document.axes.time}"] = base.latency.p50_ms
    if pair := document.paired:
        found |= {"paired.lost": pair.lost, "paired.gained": pair.gained}
        found["paired.mcnemar_p"] = pair.mcnemar_p
    return {key: float(value) for key, value in found.items() if math.isfinite(value)}


def tags(document: TrialDocument) -> dict[str, str]:
    """Identity, machine and conditions of the measurement, and a link back to the trial."""
    machine, at = document.machine, document.latency
    found = {
        TRIAL: document.trial_id,
        MEASURED: document.measured_at.isoformat() if document.measured_at else "",
        "paretoscope.machine": machine_in_words(document),
        "paretoscope.machine_id": machine.id if machine else "",
        "paretoscope.conditions": conditions_in_words(document),
        "paretoscope.noisy": str(bool(at and at.noisy)).lower(),
        "mlflow.source.name": "paretoscope",
        "mlflow.note.content": (
            f"{document.recipe.in_words()}\n\nTrial {document.trial_id} of Paretoscope:"
            f" `paretoscope compare {document.trial_id} TRIAL` compares it with another one."
        ),
    }
    for name, version in (machine.versions if machine else {}).items():
        found[f"paretoscope.version.{name}"] = version
    return found


def _fields(name: str, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a stage that have a value, as (`name.field`, text).

    >>> dict(_fields("stage_1", {"kind": "quantize", "bits": 8.0, "seed": None, "kept": [0, 2]}))
    {'stage_1.kind': 'quantize', 'stage_1.bits': '8.0', 'stage_1.kept': '[0, 2]'}
    """
    return (
        (f"{name}.{field}", str(value)) for field, value in content.items() if value is not None
    )
