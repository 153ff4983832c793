"""What the module of a calibration has; the rows are in `recipes/stages/methods.py`."""

from __future__ import annotations

from typing import Protocol

from paretoscope.quantization.calibration.histogram import Histogram


class Calibration(Protocol):
    """A row of `CALIBRATIONS`."""

    def clipped_range(self, histogram: Histogram, /) -> tuple[float, float]:
        """(low, high) of an activation; values beyond are clipped to it."""
        ...
