"""Whether a recipe can change the size or the speed of a model on a machine, before it is run.

Every rule is a property of the formats and kernels of the artefacts (ONNX Runtime on a CPU); see
`whatif/pruning_effects.py` and `whatif/quantization_effects.py`. How much a recipe changes quality
is estimated in `whatif/estimate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Reference,
)
from paretoscope.shape.apply_recipe import AppliedRecipe
from paretoscope.trials.request import Conditions
from paretoscope.whatif.effect import Effect
from paretoscope.whatif.pruning_effects import (
    Change,
    sparsity_effects,
    structure_effects,
    student_effects,
)
from paretoscope.whatif.quantization_effects import quantization_effects

NEITHER = (
    "This recipe can reduce accuracy, but makes the model neither smaller nor faster on this"
    " machine."
)

REFERENCE = (
    "A reference point has no layers, so it is smaller and faster than any compressed model; its"
    " accuracy shows what the layers add."
)


@dataclass(frozen=True)
class Advice:
    """Whether size and speed can change, why, and by which stage (from 0; None: the recipe)."""

    size: bool
    speed: bool
    text: str
    stage: int | None = None

    def __str__(self) -> str:
        return self.text


def advice(
    recipe: Recipe,
    flags: Sequence[str] = (),
    conditions: Conditions | None = None,
    applied: AppliedRecipe | None = None,
) -> list[Advice]:
    """Advice on every stage in order, and on the recipe if nothing gets smaller or faster.

    `flags` are the machine's instruction sets (`Machine.flags`; empty: unknown). With the recipe
    `applied` to a model, advice includes widths after rounding.

    >>> str(advice(Recipe(stages=(PruneWeights(sparsity=0.6),)))[0])  # doctest: +ELLIPSIS
    'Sparse weights are stored densely: the file gets neither smaller nor faster. ...'
    """
    at = conditions or Conditions()
    found: list[Advice] = []
    for index, stage in enumerate(recipe.stages):
        change = (applied.steps[index], applied.steps[index + 1]) if applied else None
        if isinstance(stage, Quantize):
            effects = quantization_effects(stage, flags, at, applied.before if applied else None)
        elif isinstance(stage, Reference):
            effects = [Effect(True, True, REFERENCE)]
        else:
            effects = _pruning_effects(stage, change)
        found += [Advice(*effect, stage=index) for effect in effects]
    if found and not any(each.size or each.speed for each in found):
        found.append(Advice(False, False, NEITHER))
    return found


def _pruning_effects(
    stage: PruneWeights | PruneStructure | Distill, change: Change
) -> list[Effect]:
    if isinstance(stage, PruneWeights):
        return sparsity_effects(stage)
    if isinstance(stage, PruneStructure):
        return structure_effects(stage, change)
    return student_effects(stage, change)
