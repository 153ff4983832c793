"""What is requested of the engine: a model, a task, a recipe and the conditions of measuring.

The id of a trial is the hash of its request; what comes back is in `trials/trial.py`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from paretoscope.recipes.recipe import Recipe
from paretoscope.values import Value

Protocol = Literal["quick", "standard"]
DATA_FIELDS = (
    "text_column label_column encoding unlabelled max_length labels split_column group_column"
    " delimiter drop_missing"
).split()
"""Fields of a request that are those of `DataOptions`, named as the options of the command line."""
NEW_TOKENS: dict[Protocol, int] = {"quick": 24, "standard": 64}
"""Tokens that a language model generates after each prompt while its speed is measured."""


class Conditions(Value):
    """The conditions of a latency: batch size, tokens per request, threads of the runtime."""

    batch: int = 1
    sequence: int = 32
    threads: int = 2

    def in_words(self, *, generates: bool = False) -> str:
        """
        >>> Conditions().in_words(), Conditions(threads=1).in_words(generates=True)
        ('batch 1, 32 tokens, 2 threads', 'batch 1, prompt of 32 tokens, 1 thread')
        """
        prompt = "prompt of " if generates else ""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"batch {self.batch}, {prompt}{self.sequence} tokens, {threads}"


class TrialRequest(Value):
    """A model to make and measure. Equal requests are one trial.

    `model` is a built-in name, a folder or a hub id, `task` a built-in name or a file, `unlabelled`
    a file of further texts for training. `model_key` and `task_key` are hashes of their content,
    set when the request is queued. `DATA_FIELDS` are those of `DataOptions` (`tasks/ref.py`).
    """

    model: str
    task: str
    recipe: Recipe = Recipe()
    protocol: Protocol = "quick"
    conditions: Conditions = Conditions()
    model_key: str = ""
    task_key: str = ""
    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    unlabelled: str | None = None
    max_length: int | None = None
    labels: tuple[str, ...] | None = None
    split_column: str | None = None
    group_column: str | None = None
    delimiter: str | None = None
    drop_missing: bool = False

    @property
    def data_options(self) -> dict[str, Any]:
        """The options with which the data is read that are not the default."""
        return self.model_dump(
            mode="json", include=set(DATA_FIELDS), exclude_defaults=True, exclude_none=True
        )

    @property
    def trial_id(self) -> str:
        """First 12 hex digits of a hash of the request, with content keys instead of names."""
        content = {
            "model": self.model_key or self.model,
            "task": self.task_key or self.task,
            "recipe": self.recipe.id,
            "protocol": self.protocol,
            "conditions": self.conditions.model_dump(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
