"""References to models: the location of the weights, and a key made of their content.

Resolving a name to a reference is in `sources/resolve.py`.
"""

from __future__ import annotations

from typing import Literal

from paretoscope.families.family import ArchitectureName
from paretoscope.values import Value


class ModelRef(Value):
    """The original model of a compression.

    `path` is the folder of the base weights or the GGUF file, `adapter` the adapter file of a
    built-in model, `task` its default task. `key` is 16 hex digits of a hash of the content, so two
    names of the same weights have one key. `labels` are the class names in the config, None if
    these are only LABEL_0, LABEL_1, ...; `classes` is the number of outputs in both cases. A
    decoder has neither. `max_tokens` is the longest input by its positions, for a classifier also
    by `model_max_length` of its tokenizer; None if neither limits it. `licence` is the SPDX id and
    `base_model` the hub id of the weights of a built-in model. `notes` are sentences about
    the stored weights for each trial of the model.
    """

    name: str
    kind: Literal["builtin", "folder", "hub", "gguf"]
    architecture: ArchitectureName = "classifier"
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
    licence: str | None = None
    base_model: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """A name for each output, LABEL_i if the model has none; `model_labels` of `load_task`."""
        if self.labels is None and self.classes:
            return tuple(f"LABEL_{index}" for index in range(self.classes))
        return self.labels
