"""Finished trials in a store, without running them."""

from __future__ import annotations

from typing import Any

from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests import documents
from tests.engine.processes import toy
from tests.engine.toy_trials import document

INT8 = {"stages": [{"kind": "quantize"}]}
HALF = {"stages": [{"kind": "prune-weights", "sparsity": 0.5}]}
FEW = {"stages": [{"kind": "prune-weights", "sparsity": 0.9}]}


def done(
    store: Store, recipe: dict[str, Any], protocol: str = "quick", **changes: Any
) -> TrialDocument:
    """A finished trial of "plain", its artefact a folder with one file."""
    request = toy("plain").model_copy(update={"recipe": parse_recipe(recipe), "protocol": protocol})
    store.queue(request)
    [claimed] = store.claim()
    made = document(request).model_copy(update=changes)
    folder = store.root / "artifacts" / request.trial_id
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    assert store.finish(claimed.trial_id, claimed.attempts, made)
    return made


def session(base_ms: float, speedup: float) -> dict[str, Any]:
    """What was timed beside a baseline that took `base_ms` just then."""
    made = documents.document(Quantize(), speedup=speedup)
    assert made.latency
    assert made.baseline
    baseline = made.baseline.model_copy(
        update={"latency": made.baseline.latency.model_copy(update={"p50_ms": base_ms})}
    )
    return {
        "latency": made.latency.model_copy(update={"p50_ms": base_ms / speedup}),
        "baseline": baseline,
        "speedup": made.speedup,
    }
