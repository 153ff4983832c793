"""The stages of the recipe language: one class and one file each, with fields and their checks.

A stage only describes an algorithm; the file named by its `module` runs it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from paretoscope.recipes.stages.distill import Distill
from paretoscope.recipes.stages.prune_structure import PruneStructure
from paretoscope.recipes.stages.prune_weights import PruneWeights
from paretoscope.recipes.stages.quantize import BITS, GROUP_SIZES, Quantize
from paretoscope.recipes.stages.reference import Reference
from paretoscope.recipes.stages.retraining import Retrained
from paretoscope.recipes.stages.stage import Stage, Strategy

__all__ = [
    "BITS",
    "GROUP_SIZES",
    "STAGES",
    "AnyStage",
    "Distill",
    "PruneStructure",
    "PruneWeights",
    "Quantize",
    "Reference",
    "Retrained",
    "Stage",
    "Strategy",
]

AnyStage = Annotated[
    Distill | PruneStructure | PruneWeights | Quantize | Reference, Field(discriminator="kind")
]
STAGES: dict[str, type[Stage]] = {
    "distill": Distill,
    "prune-structure": PruneStructure,
    "prune-weights": PruneWeights,
    "quantize": Quantize,
    "reference": Reference,
}
