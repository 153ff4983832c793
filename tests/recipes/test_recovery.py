"""Remedies: every one keeps what the stage promised, none trains longer than it may, and none is
the stage itself.
"""

from __future__ import annotations

import pytest

from paretoscope.recipes.recovery import remedies
from paretoscope.recipes.stages import (
    AnyStage,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Stage,
)

PROMISES = (
    "kind",
    "layers",
    "head_ratio",
    "ffn_ratio",
    "target",
    "ratio",
    "target_sparsity",
    "pattern",
    "scheme",
    "bits",
    "max_mb",
    "embedding_bits",
)
STAGES: list[AnyStage] = [
    Distill(layers=2, ffn_ratio=0.5),
    PruneStructure(target="heads", ratio=0.25),
    PruneStructure(target="vocabulary", ratio=0.5),
    PruneWeights(sparsity=0.7),
    PruneWeights(pattern="2:4", method="sparsegpt"),
    Quantize(),
    Quantize(scheme="int8-static", calibration="percentile"),
    Quantize(scheme="weight-only", bits=4),
    Quantize(scheme="weight-only", bits=3.5, rounding="hqq"),
    Quantize(scheme="weight-only", max_mb=8),
]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.in_words())
@pytest.mark.parametrize("epochs", [0.0, 0.5, 5.0])
def test_a_remedy_keeps_the_promise_and_the_budget(stage: Stage, epochs: float) -> None:
    found = list(remedies(stage, epochs))
    for remedy in found:
        assert [getattr(remedy, name, None) for name in PROMISES] == [
            getattr(stage, name, None) for name in PROMISES
        ]
        assert remedy.training_epochs <= stage.training_epochs + epochs
        assert remedy != stage
    assert len({remedy.model_dump_json() for remedy in found}) == len(found)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.in_words())
def test_what_costs_no_training_comes_first(stage: Stage) -> None:
    costs = [remedy.training_epochs for remedy in remedies(stage, 4)]
    assert costs == sorted(costs)


def test_without_a_budget_a_student_has_no_remedy() -> None:
    assert list(remedies(Distill(), 0)) == []
