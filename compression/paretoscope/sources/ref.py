"""A model by name: where its weights are, and a key made of their content."""

from __future__ import annotations

from typing import Literal

from paretoscope.families.family import Architecture
from paretoscope.values import Value


class ModelRef(Value):
    """What compression starts from.

    `path` is the folder of the base weights or the GGUF file, `adapter` the adapter file of a
    built-in model, `task` the task it was trained on, or is judged on when nothing else is asked
    for. `key` is 16 hex digits of a hash of the content: two names of the same weights have one
    key. `labels` are the class names of the model's config, None when that holds only LABEL_0,
    LABEL_1, ...; `classes` is how many outputs it has either way; a decoder has neither.
    `max_tokens` is the longest input that its positions allow, None when unknown.
    """

    name: str
    kind: Literal["builtin", "folder", "hub", "gguf"]
    architecture: Architecture = "classifier"
    path: str | None = None
    adapter: str | None = None
    revision: str | None = None
    task: str | None = None
    key: str
    labels: tuple[str, ...] | None = None
    classes: int | None = None
    max_tokens: int | None = None
    about: str = ""
    source: str = ""

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """One name an output, LABEL_i where the model gives none: what `tasks.load_task` takes as
        `model_labels`.
        """
        if self.labels is None and self.classes:
            return tuple(f"LABEL_{index}" for index in range(self.classes))
        return self.labels
