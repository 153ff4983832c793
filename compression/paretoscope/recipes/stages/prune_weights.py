"""Pruning of single weights: matrices keep their shapes and become sparse."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from paretoscope.recipes.stages.methods import WEIGHT_SCORES, known
from paretoscope.recipes.stages.retraining import Retrained
from paretoscope.recipes.stages.stage import Stage, Strategy, percent


class PruneWeights(Retrained, Stage, frozen=True):
    """Sets single weights to zero: unstructured, or all but N of every M along the inputs. With
    several steps the sparsity rises on a cubic schedule (Zhu and Gupta 2017, arXiv:1710.01878) with
    retraining in between; pruned weights stay zero. Retraining can use the model before this stage
    as a teacher."""

    strategy: ClassVar[Strategy] = "pruning"
    title: ClassVar[str] = "Prune weights"
    module: ClassVar[str] = "paretoscope.pruning.weights"

    kind: Literal["prune-weights"] = "prune-weights"
    method: Annotated[str, Field(description="importance score; the lowest weights are pruned")] = (
        "magnitude"
    )
    sparsity: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="share of zeros in the pruned matrices; 1 - N/M with a pattern N:M",
        ),
    ] = None
    pattern: Annotated[str, Field(description='"unstructured", or "N:M": keep N of every M')] = (
        "unstructured"
    )
    scope: Annotated[
        Literal["layer", "global"],
        Field(description="compare scores within each matrix, or across all of them"),
    ] = "layer"
    steps: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="pruning steps; with more than 1, sparsity rises on a cubic schedule",
        ),
    ] = 1

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        return known(name, WEIGHT_SCORES, "method")

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> Self:
        method = WEIGHT_SCORES[self.method]
        if method.updates and self.scope == "global":
            raise ValueError(
                f"method {self.method} updates the remaining weights of each matrix, so scope must"
                " be layer, but got global"
            )
        if method.needs == "training" and not self.retrain_epochs:
            raise ValueError(
                f"method {self.method} scores weights during retraining, so retrain_epochs must be"
                " above 0, but got 0"
            )
        return self

    @field_validator("pattern")
    @classmethod
    def _readable_pattern(cls, pattern: str) -> str:
        if pattern == "unstructured":
            return pattern
        match = re.fullmatch(r"(\d+):(\d+)", pattern)
        if not match or not 0 < int(match[1]) < int(match[2]) <= 64:
            raise ValueError(
                'pattern must be "unstructured" or "N:M" with N kept of M, such as "2:4", but got'
                f' "{pattern}"'
            )
        return pattern

    @model_validator(mode="after")
    def _sparsity_fits_the_pattern(self) -> Self:
        if self.n_of_m is None:
            if self.sparsity is None:
                object.__setattr__(self, "sparsity", 0.5)
            return self
        kept, of = self.n_of_m
        implied = 1 - kept / of
        if self.sparsity is not None and abs(self.sparsity - implied) > 1e-9:
            raise ValueError(
                f"pattern {self.pattern} means a sparsity of {implied:g}, but sparsity is"
                f" {self.sparsity:g}; leave it out"
            )
        if self.scope == "global":
            raise ValueError(
                f"pattern {self.pattern} is kept within every row, so scope must be layer, but got"
                " global"
            )
        object.__setattr__(self, "sparsity", implied)
        return self

    def essentials(self) -> tuple[str, ...]:
        return "method", "sparsity"

    @property
    def n_of_m(self) -> tuple[int, int] | None:
        """(kept, of) for an N:M pattern, None when unstructured."""
        if self.pattern == "unstructured":
            return None
        kept, of = self.pattern.split(":")
        return int(kept), int(of)

    @property
    def target_sparsity(self) -> float:
        """Share of zeros at the end, given as sparsity or by the pattern."""
        assert self.sparsity is not None
        return self.sparsity

    def in_words(self) -> str:
        what = self.pattern if self.n_of_m else percent(self.target_sparsity)
        scope = " global" if self.scope == "global" else ""
        steps = f" in {self.steps} steps" if self.steps > 1 else ""
        return f"{self.method}{scope} {what}{steps}" + self.retrained_in_words()
