"""A task by name: which data, and how it is read."""

from __future__ import annotations

from typing import Literal

from paretoscope.families.family import Architecture
from paretoscope.values import Value


class TaskRef(Value):
    """Data to train and to judge on. `path` is a file or folder; `key` hashes the content and how
    it is read.

    `architecture` is the kind of model that it is for, which decides how a file is read; `metric`
    is what its quality is. `unlabelled` is a person's file of texts without labels, for recipes
    that learn from such.
    """

    name: str
    kind: Literal["builtin", "file"]
    architecture: Architecture = "classifier"
    metric: str = "accuracy"
    path: str
    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    unlabelled: str | None = None
    key: str
    about: str = ""
    source: str = ""

    def __hash__(self) -> int:
        return hash(self.key)
