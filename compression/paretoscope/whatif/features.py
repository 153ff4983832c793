"""A recipe as numbers, for the kernel regression over measured recipes.

The regression itself is in `whatif/regression.py`, what it predicts in `whatif/ratios.py`.
"""

from __future__ import annotations

import math
from typing import TypeVar

from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES
from paretoscope.shape.apply_recipe import AppliedRecipe
from paretoscope.shape.quantized_bytes import average_bits
from paretoscope.whatif.durations import passes

DATA_USE = {"weights": 0.0, "inputs": 0.5, "gradients": 0.5, "training": 0.5}
"""Distance between weight scores, by the data they need; updating other weights adds 1."""

_Stage = TypeVar("_Stage", Distill, PruneStructure, PruneWeights, Quantize)


def features(applied: AppliedRecipe) -> dict[str, float]:
    """The features of a recipe for one model by name, each of about unit scale.

    Equal differences in two features matter about equally; all are 0 for the baseline.
    """
    shares = {
        width: getattr(applied.after, width) / getattr(applied.before, width)
        for width in ("layers", "heads", "ffn", "hidden", "encoder_parameters")
    }
    tokens = applied.after.vocabulary / applied.before.vocabulary
    return {
        **{width: math.log2(share) for width, share in shares.items()},
        "vocabulary": math.log2(tokens) / 2,
        "cut by data": _cut_by_data(applied) / 2,
        **_training(applied, shares["encoder_parameters"]),
        **_sparsity(applied),
        **_quantization(applied),
    }


def _of_kind(applied: AppliedRecipe, kind: type[_Stage]) -> list[_Stage]:
    return [stage for stage in applied.recipe.stages if isinstance(stage, kind)]


def _cut_by_data(applied: AppliedRecipe) -> float:
    cuts = _of_kind(applied, PruneStructure)
    return float(any(cut.criterion != "magnitude" or cut.allocation == "global" for cut in cuts))


def _training(applied: AppliedRecipe, share: float) -> dict[str, float]:
    """Distillation and epochs; `share` is that of the encoder's weights that are kept."""
    students = _of_kind(applied, Distill)
    epochs = sum(passes(stage) for stage in applied.recipe.stages)
    teacher_weights = map(_teacher_weight, applied.recipe.stages)
    return {
        "distilled": float(bool(students)),
        "taught": max(teacher_weights, default=0.0),
        "inner states": float(any(student.imitates for student in students)) / 2,
        "epochs": math.log2(1 + epochs) / 2,
        # Pruning without training afterwards has an effect of its own.
        "untrained": 0.0 if epochs else math.log2(share),
    }


def _teacher_weight(stage: AnyStage) -> float:
    if isinstance(stage, Distill):
        return stage.soft_weight
    if isinstance(stage, PruneStructure | PruneWeights) and stage.retrain_epochs:
        return stage.distill_weight
    return 0.0


def _sparsity(applied: AppliedRecipe) -> dict[str, float]:
    stages = _of_kind(applied, PruneWeights)
    kept = min((1 - stage.target_sparsity for stage in stages), default=1.0)
    scores = [WEIGHT_SCORES[stage.method] for stage in stages]
    return {
        "zeros": -1.5 * math.log2(kept),
        "zeros by data": max((DATA_USE[each.needs] + each.updates for each in scores), default=0.0),
        "global zeros": float(any(stage.scope == "global" for stage in stages)) / 2,
        "N:M": float(any(stage.n_of_m for stage in stages)) / 2,
    }


def _quantization(applied: AppliedRecipe) -> dict[str, float]:
    stage = next(iter(_of_kind(applied, Quantize)), None)
    bits, embedding_bits = _bits(applied, stage)
    grouped = stage if stage and stage.scheme == "weight-only" else None
    real = grouped is not None and grouped.zero_point == "real"
    return {
        # Below 4 bits each bit costs more than the one before.
        "bits": (5 - math.log2(bits)) / 2,
        "below 4 bits": max(0.0, 4 - bits),
        "embedding bits": (5 - math.log2(embedding_bits)) / 4,
        **{
            name: float(stage is not None and stage.scheme == name)
            for name in ("int8-dynamic", "int8-static", "weight-only")
        },
        "group size": math.log2(grouped.group_size / 32) / 4 if grouped else 0.0,
        "rounded by data": float(bool(grouped and ROUNDINGS[grouped.rounding].needs_data)) / 4,
        "widths by data": float(bool(grouped and grouped.allocation == "sensitivity")) / 4,
        # The loss of 8 bits does not depend on the zero point.
        "real zero points": (8 - bits) / 4 if real else 0.0,
    }


def _bits(applied: AppliedRecipe, stage: Quantize | None) -> tuple[float, float]:
    """Bits of the layers and of the embedding; their average if a size limit determines them."""
    if stage is None:
        return 32, 32
    if stage.max_mb is None:
        return average_bits(applied.after.matrices(), stage), stage.embedding_bits
    average = applied.size.weights_bytes * 8 / applied.after.parameters
    clipped = min(8.0, max(2.0, average))
    return clipped, clipped
