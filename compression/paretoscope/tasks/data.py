"""Examples as read, with the splits and groups that a data file names and its further columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paretoscope.tasks.labels import Example


@dataclass(frozen=True, eq=False)
class Data:
    """The examples of a task; `Example.row` is an index into the other sequences.

    `splits` has the split of each row of the file and `groups` its group; both are empty unless a
    column was selected. `columns` are the columns of the file that were not selected. `notes` say
    how the file was read. The order of the rows is fixed in built-in data, where `ordered` is True.
    """

    examples: list[Example]
    splits: Sequence[str] = ()
    groups: Sequence[str] = ()
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    notes: tuple[str, ...] = ()
    split_column: str | None = None
    group_column: str | None = None
    ordered: bool = False
