"""Units: attention heads and feed-forward neurons, as rows of some matrices and columns of the next.

It says where units are and cuts them out. Which ones go is for a criterion such as `magnitude.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from compression.models.slicing import slice_linear


@dataclass(frozen=True)
class UnitGroup:
    """The units of one layer, which compete with each other.

    Unit u owns the entries u*size to (u+1)*size - 1 of the outputs of every Linear in `rows`, and the
    same entries of the inputs of the Linear `columns`.
    """

    rows: tuple[str, ...]
    columns: str
    size: int = 1

    def count(self, model: PreTrainedModel) -> int:
        """Units that are there now; earlier stages may have cut some."""
        return model.get_parameter(f"{self.columns}.weight").shape[1] // self.size


def keep_units(model: PreTrainedModel, group: UnitGroup, units: Tensor) -> None:
    """Cut every unit that `units` [kept] does not name, in place. Those that stay keep their order."""
    entries = (units.sort().values[:, None] * group.size + torch.arange(group.size)).flatten()
    for name in group.rows:
        slice_linear(model, name, entries, dimension=0)
    slice_linear(model, group.columns, entries, dimension=1)
