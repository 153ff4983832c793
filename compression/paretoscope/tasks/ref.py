"""References to tasks: which data, and the options with which it is read.

Resolving a name to a reference is in `tasks/resolve.py`, reading the data in `tasks/load.py`.
"""

from __future__ import annotations

from typing import Literal

from paretoscope.families.family import ArchitectureName
from paretoscope.values import Value

SPLIT_VERSION = "1"
"""Part of every task's key and the seed of every split; increment it when splitting changes."""


class DataOptions(Value):
    """How a data file is read.

    A text or label column that is None is guessed from common names (`tasks/columns.py`).
    `unlabelled` is a file of texts without labels, for recipes that also train on unlabelled texts
    with a teacher.
    """

    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    unlabelled: str | None = None
    max_length: int | None = None
    """Longest text in tokens; longer texts are truncated. None: the model's own maximum."""
    labels: tuple[str, ...] | None = None
    """Labels of the data in the order of the model's outputs; None: matched by name or index."""
    split_column: str | None = None
    """Column that names the split of each row; None: the rows are split by the hash of the text."""
    group_column: str | None = None
    """Column of a group, such as a film: all rows of a group are put in one split."""
    delimiter: str | None = None
    """Between the fields of a CSV file; None: the most frequent one of the header."""
    drop_missing: bool = False
    """Whether rows without a label are dropped; by default they are an error."""


DEFAULT_OPTIONS = DataOptions()


class TaskRef(Value):
    """The data of a task. `path` is a file or folder; `key` hashes the content and the options.

    `architecture` is the kind of model that the task is for; it decides how a file is read.
    `metric` is the quality metric of the task.
    """

    name: str
    kind: Literal["builtin", "file"]
    architecture: ArchitectureName = "classifier"
    metric: str = "accuracy"
    path: str
    options: DataOptions = DEFAULT_OPTIONS
    key: str
    about: str = ""
    source: str = ""

    def __hash__(self) -> int:
        return hash(self.key)
