"""The base class of stages: a value that describes one step and names the module that runs it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel

Strategy = Literal["pruning", "quantization", "distillation", "reference"]


class Stage(BaseModel, frozen=True, extra="forbid"):
    """One step of a recipe.

    The form on the page, the YAML schema, the docs and the shared tests come from the subclasses.
    """

    strategy: ClassVar[Strategy]
    title: ClassVar[str]
    module: ClassVar[str]
    """The module with `apply(stage, ..., context)`."""
    code_version: ClassVar[int] = 1
    """Increased when the same stage gives another result, which invalidates cache entries."""

    kind: str

    def in_words(self) -> str:
        """The stage in a few words."""
        raise TypeError(f"{type(self).__name__} must define in_words")

    @property
    def training_epochs(self) -> float:
        """Passes over the training split that the stage makes; 0 for one that does not train."""
        return 0.0

    def canonical(self) -> dict[str, Any]:
        """The kind and the fields that differ from their defaults."""
        return {
            "kind": self.kind,
            **self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"}),
        }

    def essentials(self) -> tuple[str, ...]:
        """Fields that are written to a file even where they have their defaults."""
        return ()

    def spelt(self) -> dict[str, Any]:
        """The fields of `canonical`, and the essentials."""
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
