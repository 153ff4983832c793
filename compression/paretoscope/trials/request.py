"""What is requested of the engine: a model, a task, a recipe and the conditions of measuring.

The id of a trial is the hash of its request; what comes back is in `trials/trial.py`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from paretoscope.recipes.recipe import Recipe
from paretoscope.values import Value

Protocol = Literal["quick", "standard"]


class Conditions(Value):
    """What a latency was taken under: requests at once, tokens in each, threads of the runtime."""

    batch: int = 1
    sequence: int = 32
    threads: int = 2

    def in_words(self) -> str:
        """
        >>> Conditions().in_words()
        'batch 1, 32 tokens, 2 threads'
        """
        return (
            f"batch {self.batch}, {self.sequence} tokens, {self.threads}"
            f" thread{'s' if self.threads > 1 else ''}"
        )


class TrialRequest(Value):
    """One thing to make and measure. Equal requests are one trial.

    `model` and `task` are the names a person gave (a built-in name, a folder, a hub id; a built-in
    task or a file), `unlabelled` a file of texts to learn from beside the task's; `model_key` and
    `task_key` are hashes of their content, filled in when queued.
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
