"""Structured pruning: fewer heads, FFN neurons, layers, hidden dimensions or tokens."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, known
from paretoscope.recipes.stages.retraining import Retrained
from paretoscope.recipes.stages.stage import Stage, Strategy, percent


class PruneStructure(Retrained, Stage, frozen=True):
    """Removes attention heads, FFN neurons, layers, hidden dimensions or tokens of the vocabulary;
    the tensors become smaller. Retraining can use the model before this stage as a teacher (Hinton
    et al. 2015, arXiv:1503.02531)."""

    strategy: ClassVar[Strategy] = "pruning"
    title: ClassVar[str] = "Prune structure"
    module: ClassVar[str] = "paretoscope.pruning.structure"

    kind: Literal["prune-structure"] = "prune-structure"
    target: Annotated[
        Literal["heads", "ffn", "layers", "hidden", "vocabulary"],
        Field(
            description=(
                "what to remove: attention heads, FFN neurons, layers, hidden dimensions (in all"
                " layers), or tokens of the vocabulary"
            )
        ),
    ] = "ffn"
    ratio: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share to remove; neurons and dimensions are kept in multiples of 8",
        ),
    ] = 0.5
    criterion: Annotated[str, Field(description="importance score; the lowest are removed")] = (
        "magnitude"
    )
    allocation: Annotated[
        Literal["uniform", "global"],
        Field(
            description=(
                "heads and FFN: the same share of every layer (uniform), or the least important of"
                " all layers (global)"
            )
        ),
    ] = "uniform"

    @field_validator("criterion")
    @classmethod
    def _known_criterion(cls, name: str) -> str:
        return known(name, STRUCTURE_CRITERIA, "criterion")

    @model_validator(mode="after")
    def _allocation_has_layers_to_choose_from(self) -> Self:
        if self.allocation == "global" and self.target not in ("heads", "ffn"):
            raise ValueError(
                f"allocation global is for heads and ffn, but target is {self.target}; leave"
                " allocation out"
            )
        return self

    @model_validator(mode="after")
    def _words_are_ranked_by_use(self) -> Self:
        if self.target == "vocabulary" and self.criterion != "magnitude":
            raise ValueError(
                "tokens of the vocabulary are ranked by frequency, but criterion is"
                f" {self.criterion}; leave it out"
            )
        return self

    def essentials(self) -> tuple[str, ...]:
        return "target", "ratio"

    def kept(self, count: int) -> int:
        """How many of `count` units are kept, at least one.

        Neurons and dimensions are kept in multiples of 8: eight floats are one 256-bit vector, and
        other widths leave lanes idle.

        >>> PruneStructure(target="heads", ratio=0.25).kept(12)
        9
        >>> PruneStructure(target="ffn", ratio=0.7).kept(1536)
        464
        """
        if self.ratio == 0:
            return count
        if self.target in ("ffn", "hidden"):
            return min(count, max(8, round(count * (1 - self.ratio) / 8) * 8))
        return max(1, count - round(self.ratio * count))

    def in_words(self) -> str:
        by = "" if self.criterion == "magnitude" else f" by {self.criterion}"
        where = " global" if self.allocation == "global" else ""
        return f"{self.target}{where} -{percent(self.ratio)}{by}" + self.retrained_in_words()
