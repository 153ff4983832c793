"""The recipe language: a list of stages in a valid order, and a seed.

A recipe is a value; its stages and their fields are defined in `stages/`. Its id is a hash of its
canonical JSON, so equal recipes have equal ids. Prefixes of a recipe are recipes, which lets trials
share the results of their first stages.

    >>> recipe = Recipe(stages=(PruneWeights(sparsity=0.5), Quantize()))
    >>> recipe.in_words()
    'magnitude 50 % → int8 dynamic'
    >>> recipe.prefix(1).in_words()
    'magnitude 50 %'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from paretoscope.recipes.stages import AnyStage, PruneWeights, Quantize, Reference, Strategy

NAME_LENGTH = 28
"""Characters that fit into a heading, a legend or a column."""
REFUSED_IN_NAMES = "<>[]{}*`$\\|~"
"""Characters that Markdown or HTML would interpret where a name is shown."""


class Recover(BaseModel, frozen=True, extra="forbid"):
    """Limits the loss of every stage on the validation split. When a stage exceeds the limit, other
    ways to the same size are tried (another allocation, a data-driven method, more training, a
    teacher); the result lists them."""

    max_drop: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="largest loss of one stage: points of accuracy, or per cent of perplexity",
        ),
    ] = 1.0
    epochs: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description=(
                "epochs of training that may be added in total, counted as in retrain_epochs; with"
                " 0, only methods without training are tried"
            ),
        ),
    ] = 4.0

    def in_words(self) -> str:
        return f"at most {self.max_drop:g} lost a stage"


def order_problems(stages: Sequence[AnyStage]) -> list[str]:
    """What makes no sense in the order of stages, as sentences without a full stop.

    >>> order_problems((Quantize(), PruneWeights()))[0].partition(":")[0]
    'stage 2 (prune-weights) comes after stage 1 (quantize)'
    """
    found = [
        f"stage {place + 1} ({after.kind}) comes after stage {place} (quantize): integers can be"
        " neither trained nor pruned further; move quantize to the end"
        for place, (stage, after) in enumerate(pairwise(stages), start=1)
        if isinstance(stage, Quantize)
    ]
    if len(stages) > 1:
        found += [
            f"stage {place} ({stage.kind}) is fitted in place of the model, so it must be the only"
            " stage; remove the other stages"
            for place, stage in enumerate(stages, start=1)
            if isinstance(stage, Reference)
        ]
    last = stages[-1] if stages else None
    if (
        isinstance(last, Quantize)
        and last.zero_point == "real"
        and any(isinstance(stage, PruneWeights) for stage in stages)
    ):
        found.append(
            "zero_point real has no level at zero, so pruned weights would not stay zero; leave"
            " zero_point out"
        )
    return found


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """What to do to a model: a list of stages in order, and a seed. No stages: the baseline."""

    version: Literal[1] = 1
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    stages: tuple[AnyStage, ...] = ()
    recover: Recover | None = None
    name: Annotated[
        str | None,
        Field(
            description=(
                f"short name for headings, legends and tables, at most {NAME_LENGTH} characters;"
                " not part of the id"
            )
        ),
    ] = None

    @field_validator("name")
    @classmethod
    def _one_short_line(cls, name: str | None) -> str | None:
        if name is None:
            return None
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise ValueError(
                "name must be one line of text without spaces at its ends, but got"
                f" {json.dumps(name, ensure_ascii=False)}"
            )
        if len(name) > NAME_LENGTH:
            raise ValueError(
                f'name must have at most {NAME_LENGTH} characters, but "{name}" has {len(name)}'
            )
        if refused := [sign for sign in REFUSED_IN_NAMES if sign in name]:
            raise ValueError(f'name must not contain {" ".join(refused)}, but got "{name}"')
        return name

    @model_serializer(mode="wrap")
    def _without_an_absent_name(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes without a name are stored as they were before names existed."""
        content: dict[str, Any] = write(self)
        if content.get("name") is None:
            content.pop("name", None)
        return content

    @model_validator(mode="after")
    def _order_makes_sense(self) -> Self:
        for problem in order_problems(self.stages):
            raise ValueError(problem)
        return self

    def canonical_json(self) -> str:
        """Equal recipes give equal text: sorted keys, no white space, no default values."""
        return json.dumps(
            self._content([stage.canonical() for stage in self.stages]),
            sort_keys=True,
            separators=(",", ":"),
        )

    def _content(self, stages: list[dict[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {"version": self.version, "seed": self.seed, "stages": stages}
        if self.recover and self.stages:  # a baseline loses nothing
            content["recover"] = self.recover.model_dump(mode="json")
        return content

    @property
    def id(self) -> str:
        """First 12 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:12]

    def prefix(self, count: int) -> Recipe:
        """The recipe that stops after `count` stages; only the whole recipe has the name."""
        whole = count >= len(self.stages)
        return self.model_copy(
            update={"stages": self.stages[:count], "name": self.name if whole else None}
        )

    @property
    def learns_from_unlabelled(self) -> bool:
        """Whether a stage trains on unlabelled texts."""
        return any(getattr(stage, "unlabelled", False) for stage in self.stages)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies it uses, each once, in order."""
        return tuple(dict.fromkeys(stage.strategy for stage in self.stages))

    @property
    def is_reference(self) -> bool:
        """Whether it makes a reference point, which is no compressed model."""
        return any(isinstance(stage, Reference) for stage in self.stages)

    def in_words(self) -> str:
        """The recipe in a line."""
        if not self.stages:
            return "fp32 baseline"
        return " → ".join(stage.in_words() for stage in self.stages) + (
            f" ({self.recover.in_words()})" if self.recover else ""
        )

    def to_yaml(self) -> str:
        """The text that `file.parse_recipe` reads back to an equal recipe.

        A stage's essential fields are written even where they have their defaults.
        """
        content = self._content([stage.spelt() for stage in self.stages])
        if self.name is not None:
            content = {"name": self.name, **content}
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
