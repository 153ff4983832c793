"""What the module of a pruning criterion has: one protocol for each kind of row.

The rows are in `recipes/stages/methods.py`; `recipes/contracts.py` loads their modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.context import StageContext


class WeightCriterion(Protocol):
    """A row of `WEIGHT_SCORES` that ranks weights."""

    def score(self, weight: Tensor, statistics: Tensor | None, /) -> Tensor:
        """Scores [out, in] of `weight` [out, in]; the highest are kept.

        `statistics` is what the row's `needs` names, None for `weights`.
        """
        ...


class WeightUpdate(Protocol):
    """A row of `WEIGHT_SCORES` with `updates`: it also changes the weights that are kept."""

    def prune(
        self,
        weight: Tensor,
        moments: Tensor,
        sparsity: float,
        pattern: tuple[int, int] | None,
        factor: Tensor | None,
        /,
    ) -> Tensor:
        """The pruned weight [out, in], with exactly the zeros of `sparsity` or `pattern`.

        `moments` is X^T X / tokens [in, in]; `pattern` is (kept, of). Zeros stay zero.
        """
        ...

    def inverse_factor(self, moments: Tensor, /) -> Tensor:
        """The `factor` of these moments, computed once for all matrices with the same inputs."""
        ...


class StructureCriterion(Protocol):
    """A row of `STRUCTURE_CRITERIA`; the highest scores are kept."""

    def score_units(
        self, model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext, /
    ) -> list[Tensor]:
        """Scores [units] of heads or neurons for each group."""
        ...

    def score_layers(
        self,
        model: PreTrainedModel,
        layers: Sequence[Layer],
        context: StageContext,
        /,
    ) -> Tensor:
        """Scores [layers]."""
        ...

    def score_hidden(self, model: PreTrainedModel, context: StageContext, /) -> Tensor:
        """Scores [hidden] of the dimensions of the residual stream."""
        ...
