"""Units: attention heads and neurons, as rows of some matrices and columns of the next one.

Where the units of a layer are is in `heads.py` and `ffn.py`; which ones are pruned is decided by
the scores of a criterion in `criteria/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.modules.access import matrix
from paretoscope.models.modules.slicing import Rows, slice_linear
from paretoscope.models.modules.tensors import unflatten


@dataclass(frozen=True)
class UnitGroup:
    """The units of one layer.

    Unit u has the outputs that `rows` names (ascending within a module), and the entries u*size to
    (u+1)*size - 1 of the inputs of the module `columns`.
    """

    rows: tuple[Rows, ...]
    columns: str
    size: int = 1

    def count(self, model: PreTrainedModel) -> int:
        """Units in the model now; earlier stages may have pruned some."""
        return matrix(model, self.columns).shape[1] // self.size

    def made_by(self, model: PreTrainedModel) -> Iterator[Tensor]:
        """The weights [units, each, inputs] that compute the units, for each of `rows`."""
        count = self.count(model)
        for rows in self.rows:
            outputs = matrix(model, rows.module)[rows.first : rows.first + count * rows.each]
            yield unflatten(outputs, 0, (count, rows.each))

    def read_by(self, model: PreTrainedModel) -> Tensor:
        """The weights [outputs, units, size] that read the units."""
        return unflatten(matrix(model, self.columns), 1, (-1, self.size))


def keep_units(model: PreTrainedModel, group: UnitGroup, units: Tensor) -> None:
    """Remove every unit whose index is not in `units` [kept], in place; the order is kept."""
    units = units.sort().values
    for module, parts in groupby(group.rows, key=lambda rows: rows.module):
        outputs = torch.cat([part.first + _entries(units, part.each) for part in parts])
        slice_linear(model, module, outputs, dimension=0)
    slice_linear(model, group.columns, _entries(units, group.size), dimension=1)


def _entries(units: Tensor, each: int) -> Tensor:
    """
    >>> _entries(torch.tensor([0, 2]), 2)
    tensor([0, 1, 4, 5])
    """
    return (units[:, None] * each + torch.arange(each)).flatten()
