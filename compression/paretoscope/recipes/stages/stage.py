"""What every stage is: one step of a recipe, a value that describes an algorithm to a person and
names the file that carries it out.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel

Strategy = Literal["pruning", "quantization", "distillation"]


class Stage(BaseModel, frozen=True, extra="forbid"):
    """One step of a recipe. A subclass is the whole description of an algorithm to a person:
    the form on the page, the YAML, the row in the docs and the shared tests all come from it."""

    strategy: ClassVar[Strategy]
    title: ClassVar[str]
    module: ClassVar[str]
    """The module with `apply(stage, ..., context)`."""
    code_version: ClassVar[int] = 1
    """Raised when the same stage would give another result, so that old cache entries are left
    alone.
    """

    kind: str

    def in_words(self) -> str:
        """The stage in a few words, as a plot's legend would put it."""
        raise TypeError(f"{type(self).__name__} must say itself in words")

    @property
    def training_epochs(self) -> float:
        """Passes over the training split that the stage makes; 0 for one that does not train."""
        return 0.0

    def canonical(self) -> dict[str, Any]:
        """The kind and whatever differs from the defaults: two ways to write one stage are one
        value.
        """
        return {
            "kind": self.kind,
            **self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"}),
        }

    def essentials(self) -> tuple[str, ...]:
        """Fields that a file names even where they are defaults, for the person who reads it."""
        return ()

    def spelt(self) -> dict[str, Any]:
        """What `canonical` says, and the essentials."""
        named = {*self.canonical(), *self.essentials()}
        return {
            name: value for name, value in self.model_dump(mode="json").items() if name in named
        }


def percent(share: float) -> str:
    """
    >>> percent(0.5)
    '50 %'
    """
    return f"{share * 100:g} %"


def epochs_in_words(epochs: float) -> str:
    """
    >>> epochs_in_words(1), epochs_in_words(0)
    (' + 1 epoch', '')
    """
    return f" + {epochs:g} epoch{'' if epochs == 1 else 's'}" if epochs else ""
