"""The table of models as a pandas DataFrame, with the columns of the CSV file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from paretoscope.report.tables.csv_table import to_csv
from paretoscope.report.tables.table import Row

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

TEXT = ("trial_id", "recipe_id", "model", "task")
"""Columns that may look like numbers."""


def to_frame(table: Sequence[Row]) -> pd.DataFrame:
    """All metrics with their intervals in stored units, a row for each model, by trial id."""
    pandas: Any = import_module("pandas")  # takes half a second
    frame = pandas.read_csv(io.StringIO(to_csv(table)), dtype=dict.fromkeys(TEXT, str))
    frame["measured_at"] = pandas.to_datetime(frame["measured_at"])
    return frame.set_index("trial_id")
