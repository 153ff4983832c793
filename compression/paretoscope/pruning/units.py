"""Units: attention heads and feed-forward neurons, as rows of some matrices and columns of the
next.

It says where units are and cuts them out. Which ones go is for a criterion such as
`pruning/criteria/magnitude.py`.
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


@dataclass(frozen=True)
class UnitGroup:
    """The units of one layer, which compete with each other.

    Unit u owns what `rows` say of the outputs of some modules, those of one module in rising order,
    and the entries u*size to (u+1)*size - 1 of the inputs of the module `columns`.
    """

    rows: tuple[Rows, ...]
    columns: str
    size: int = 1

    def count(self, model: PreTrainedModel) -> int:
        """Units that are there now; earlier stages may have cut some."""
        return matrix(model, self.columns).shape[1] // self.size

    def made_by(self, model: PreTrainedModel) -> Iterator[Tensor]:
        """Of each of `rows` the weights [units, each, inputs] that make the units."""
        count = self.count(model)
        for rows in self.rows:
            yield matrix(model, rows.module)[rows.first : rows.first + count * rows.each].unflatten(
                0, (count, rows.each)
            )

    def read_by(self, model: PreTrainedModel) -> Tensor:
        """The weights [outputs, units, size] that read the units."""
        return matrix(model, self.columns).unflatten(1, (-1, self.size))


def keep_units(model: PreTrainedModel, group: UnitGroup, units: Tensor) -> None:
    """Cut every unit that `units` [kept] does not name, in place. Those that stay keep their order."""
    units = units.sort().values
    for module, parts in groupby(group.rows, key=lambda rows: rows.module):
        slice_linear(
            model,
            module,
            torch.cat([part.first + _entries(units, part.each) for part in parts]),
            dimension=0,
        )
    slice_linear(model, group.columns, _entries(units, group.size), dimension=1)


def _entries(units: Tensor, each: int) -> Tensor:
    """
    >>> _entries(torch.tensor([0, 2]), 2)
    tensor([0, 1, 4, 5])
    """
    return (units[:, None] * each + torch.arange(each)).flatten()
