"""The numbers of a finished trial as rows of the table of measurements, for SQL queries.

Pages and commands read the document; the product does not read these rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from paretoscope.store.tables import Measurement
from paretoscope.trials.trial import TrialDocument


def measurement_rows(document: TrialDocument) -> Iterator[Measurement]:
    """One row per number of the compressed model and of the baseline in the same session."""
    yield from _numbers("candidate", document)
    if document.baseline:
        absent = dict.fromkeys(("paired", "speedup"))
        numbers = {
            name: getattr(document.baseline, name) for name in type(document.baseline).model_fields
        }
        yield from _numbers("baseline", document.model_copy(update=absent | numbers))


def held_out_rows(document: TrialDocument) -> Iterator[Measurement]:
    """Rows of the test split: the model in the role `test`, and its baseline."""
    found = document.held_out
    if found:
        absent = {
            "baseline": None,
            "latency": None,
            "memory": None,
            "energy": None,
            "generation": None,
            "speedup": None,
            "artifact": None,
        }
        absent |= {"theoretical_bytes": None, "measured_at": found.opened_at}
        yield from _numbers(
            "test",
            document.model_copy(update=absent | {"quality": found.quality, "paired": found.paired}),
        )
        if found.baseline:
            yield from _numbers(
                "test baseline",
                document.model_copy(update=absent | {"quality": found.baseline, "paired": None}),
            )


def _numbers(role: str, document: TrialDocument) -> Iterator[Measurement]:
    at = document.latency
    conditions = (
        "" if at is None else f"batch {at.batch}, {at.sequence} tokens, {at.threads} threads"
    )
    counts = {
        "quality": document.quality.n if document.quality else None,
        "latency": at.n if at else None,
    }
    counts |= dict.fromkeys(("perplexity", "agreement", "kl"), counts["quality"]) | dict.fromkeys(
        ("speedup", "tpot", "tokens"), counts["latency"]
    )
    counts |= dict.fromkeys(("ttft",), document.generation.n if document.generation else None)
    versions = document.machine.versions if document.machine else {}
    for number in document.metrics():
        yield Measurement(
            trial_id=document.trial_id,
            role=role,
            metric=number.metric,
            value=number.value,
            low=number.low,
            high=number.high,
            n=counts.get(number.metric.split("_")[0]),
            protocol=document.protocol,
            conditions=conditions,
            machine_id=document.machine.id if document.machine else None,
            runtime=f"onnxruntime {versions['onnxruntime']}" if "onnxruntime" in versions else "",
            taken_at=document.measured_at or datetime.now(UTC),
        )
