"""The document of a sensitivity scan: what a model's outputs lose when one part is compressed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from paretoscope.machine import Machine
from paretoscope.trials.trial import Interval
from paretoscope.values import Value

TEXTS = 64
"""Calibration texts of a scan by default."""
WIDTHS = (8, 4, 3, 2)
"""Bits that are tried; 3 is between the widths that a file can have."""
SPARSITIES = (0.3, 0.5, 0.7, 0.9)
"""Shares of weights that are set to zero, the smallest first."""


class Option(Value):
    """One way to compress a part: in `bits`, or with a `sparsity` between 0 and 1."""

    bits: int | None = None
    sparsity: float | None = None

    @property
    def label(self) -> str:
        """
        >>> Option(bits=4).label, Option(sparsity=0.5).label
        ('4 bits', '50 % zeros')
        """
        return f"{self.bits} bits" if self.bits else f"{100 * (self.sparsity or 0):.0f} % zeros"


OPTIONS = (
    *(Option(bits=bits) for bits in WIDTHS),
    *(Option(sparsity=share) for share in SPARSITIES),
)


class Cell(Value):
    """What changes when only `part` is compressed by `option`.

    `kl` is KL(fp32 || changed) in nats at temperature 2, with a 95 % interval over texts; `error`
    the size of the change of the logits relative to theirs; `changed` the number of texts with
    another prediction.
    """

    part: str
    option: Option
    kl: Interval
    error: float
    changed: int


class Sensitivity(Value):
    """A scan of one model on texts of its calibration split."""

    model: str
    task: str
    texts: int = Field(gt=0)
    cells: tuple[Cell, ...]
    machine: Machine
    seconds: float
    measured_at: datetime

    @property
    def by_part(self) -> dict[tuple[str, Option], Cell]:
        return {(each.part, each.option): each for each in self.cells}

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(dict.fromkeys(each.option for each in self.cells))
