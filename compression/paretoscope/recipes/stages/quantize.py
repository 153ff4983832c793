"""Quantization: fewer bits per weight, and integer arithmetic."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from paretoscope.recipes.stages.methods import CALIBRATIONS, ROUNDINGS, known
from paretoscope.recipes.stages.parts import EXAMPLE, Parts, bits_of
from paretoscope.recipes.stages.quantize_words import in_words
from paretoscope.recipes.stages.stage import Stage, Strategy

BITS = (2, 4, 8)
"""The bit widths of weights in a file; an average is between 2 and 8."""
GROUP_SIZES = (16, 32, 64, 128, 256)


class Quantize(Stage, frozen=True):
    """Fewer bits per weight; the int8 schemes also use integer arithmetic.

    `int8-dynamic` computes the range of activations at run time, `int8-static` once on the
    calibration split; `weight-only` keeps activations in float32 and has one scale per group of
    weights. Mixed precision reaches an average of `bits` by giving each matrix 2, 4 or 8; with
    `max_mb` it includes the embedding and the output head and fills the size limit. `train_epochs`
    adds quantization-aware training (Jacob et al. 2018, arXiv:1712.05877)."""

    strategy: ClassVar[Strategy] = "quantization"
    title: ClassVar[str] = "Quantize"
    module: ClassVar[str] = "paretoscope.quantization.quantize"
    trained_by: ClassVar[str] = "paretoscope.quantization.qat"
    """The module that runs quantization-aware training first, with `train_epochs`."""
    code_version: ClassVar[int] = 4

    kind: Literal["quantize"] = "quantize"
    scheme: Annotated[
        Literal["int8-dynamic", "int8-static", "weight-only"],
        Field(description="which values are quantized, and when ranges are computed"),
    ] = "int8-dynamic"
    bits: Annotated[
        float, Field(ge=2, le=8, description="average bits per weight of the matrices")
    ] = 8
    group_size: Annotated[int, Field(description="weights per scale (weight-only)")] = 32
    rounding: Annotated[str, Field(description="rounding method (weight-only)")] = "rtn"
    allocation: Annotated[
        Literal["error", "sensitivity"],
        Field(
            description=(
                "how mixed precision assigns bits: by the relative error of each matrix, or by the"
                " sensitivity of the model's outputs (weight-only)"
            )
        ),
    ] = "error"
    zero_point: Annotated[
        Literal["integer", "real"],
        Field(
            description=(
                "integer: zero is a level of every group; real: levels start at the smallest weight"
                " (finer, one byte more per group, almost exact for the weights of Q4_1 files;"
                " weight-only, 2 and 4 bits)"
            )
        ),
    ] = "integer"
    parts: Annotated[
        Parts,
        Field(
            description=(
                f"bits of single parts, such as `{EXAMPLE}`, instead of `bits`; of two parts with"
                " the same matrix the longer counts (weight-only)"
            ),
            json_schema_extra={"default": {}},
        ),
    ] = ()
    max_mb: Annotated[
        float | None,
        Field(gt=0, description="instead of bits: largest size on disk in megabytes (weight-only)"),
    ] = None
    embedding_bits: Annotated[
        Literal[2, 4, 8, 32],
        Field(description="bits of the word embedding; 32 leaves it in float32"),
    ] = 8
    frequent_words: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "number of first tokens of the vocabulary that keep 8 bits while the others have"
                " embedding_bits; byte-pair vocabularies are sorted by frequency (weight-only)"
            ),
        ),
    ] = 0
    head_bits: Annotated[
        Literal[2, 4, 8, 32],
        Field(
            description=(
                "bits of the output head; 32 leaves it in float32. A head tied to the embedding has"
                " the larger of both"
            )
        ),
    ] = 8
    cache_bits: Annotated[
        Literal[8, 32],
        Field(
            description="bits of the key-value cache of a language model; 32 leaves it in float32"
        ),
    ] = 32
    calibration: Annotated[
        str, Field(description="calibration method of activation ranges (int8-static)")
    ] = "minmax"
    calibration_examples: Annotated[
        int,
        Field(
            ge=8,
            le=4096,
            description=(
                "examples for activation ranges (int8-static), SmoothQuant factors (smooth) and"
                " sensitivities"
            ),
        ),
    ] = 128
    smooth: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description=(
                "SmoothQuant migration strength: how much of the activation range moves to the"
                " weights (int8); 0 is off, 0.5 usual"
            ),
        ),
    ] = 0
    train_epochs: Annotated[
        float,
        Field(
            ge=0,
            le=50,
            description=("epochs of quantization-aware training; 0 for post-training quantization"),
        ),
    ] = 0
    learning_rate: Annotated[
        float, Field(gt=0, le=0.1, description="peak learning rate of quantization-aware training")
    ] = 5e-5
    distill_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="weight of its distillation loss (teacher: the model before quantization)",
        ),
    ] = 0.5

    @field_validator("group_size")
    @classmethod
    def _known_group(cls, size: int) -> int:
        if size not in GROUP_SIZES:
            raise ValueError(
                f"group_size must be one of {', '.join(map(str, GROUP_SIZES))}, but got {size}"
            )
        return size

    @field_validator("rounding")
    @classmethod
    def _known_rounding(cls, name: str) -> str:
        return known(name, ROUNDINGS, "rounding")

    @field_validator("calibration")
    @classmethod
    def _known_calibration(cls, name: str) -> str:
        return known(name, CALIBRATIONS, "calibration")

    @model_validator(mode="after")
    def _int8_means_eight_bits(self) -> Self:
        if self.scheme != "weight-only" and self.bits != 8:
            raise ValueError(
                f"{self.scheme} has 8 bits, but bits is {self.bits:g}; choose scheme weight-only"
                " for fewer"
            )
        if self.scheme != "weight-only" and self.head_bits not in (8, 32):
            raise ValueError(
                f"head_bits must be 8 or 32 with {self.scheme}, but got {self.head_bits}"
            )
        return self

    @model_validator(mode="after")
    def _smoothing_is_for_rounded_activations(self) -> Self:
        if self.scheme == "weight-only" and self.smooth:
            raise ValueError(
                f"smooth is {self.smooth:g}, but weight-only does not round activations; choose an"
                " int8 scheme or leave smooth out"
            )
        return self

    @model_validator(mode="after")
    def _grids_of_weight_only(self) -> Self:
        given = [
            name
            for name in ("zero_point", "frequent_words")
            if getattr(self, name) not in ("integer", 0)
        ]
        if given and self.scheme != "weight-only":
            raise ValueError(
                f"{self.scheme} has no {' and no '.join(given)}; choose scheme weight-only or leave"
                f" out {' and '.join(given)}"
            )
        if self.frequent_words and (self.embedding_bits not in (2, 4) or self.max_mb is not None):
            raise ValueError(
                f"frequent_words is {self.frequent_words}, so the other tokens need fewer than 8"
                " bits: set embedding_bits to 4 or 2, without max_mb"
            )
        return self

    @model_validator(mode="after")
    def _training_knows_the_grid(self) -> Self:
        """The grid must depend only on the trained weights, so that it is the grid in training."""
        if self.train_epochs == 0:
            return self
        if self.one_width is None:
            raise ValueError(
                "with train_epochs, bits must be 2, 4 or 8 for all matrices: mixed precision would"
                " change during training"
            )
        if self.rounding != "rtn":
            raise ValueError(
                f"with train_epochs, rounding must be rtn, but got {self.rounding}: training moves"
                " weights towards their nearest level"
            )
        if self.zero_point != "integer" or self.frequent_words:
            raise ValueError(
                "with train_epochs, zero_point must be integer and frequent_words 0: training"
                " supports only that grid"
            )
        if self.smooth:
            raise ValueError(
                f"with train_epochs, smooth must be 0, but got {self.smooth:g}: training adapts to"
                " large activations by itself"
            )
        return self

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.scheme != "weight-only" and (self.allocation != "error" or self.max_mb is not None):
            raise ValueError(
                f"{self.scheme} gives every matrix 8 bits; allocation and max_mb need scheme"
                " weight-only"
            )
        parts = ("bits", "embedding_bits", "head_bits")
        given = [name for name in parts if getattr(self, name) != 8]
        if self.max_mb is not None and given:
            raise ValueError(
                f"max_mb chooses the bits of every part, so leave out {' and '.join(given)}, or"
                " leave out max_mb"
            )
        return self

    @model_validator(mode="after")
    def _parts_have_known_widths(self) -> Self:
        fixed = self.scheme == "weight-only" and self.one_width
        if self.parts and (not fixed or self.train_epochs):
            raise ValueError(
                "parts need scheme weight-only and bits 2, 4 or 8 for the other matrices, with"
                " allocation error, without max_mb and train_epochs"
            )
        return self

    def essentials(self) -> tuple[str, ...]:
        if self.max_mb is not None:
            return "scheme", "group_size"
        if self.scheme == "weight-only":
            return "scheme", "bits", "group_size", "embedding_bits"
        return "scheme", "embedding_bits"

    @property
    def training_epochs(self) -> float:
        return self.train_epochs

    @property
    def one_width(self) -> int | None:
        """The bits of all encoder matrices; None for mixed precision."""
        alike = self.max_mb is None and (
            self.bits in (BITS[0], BITS[-1]) or (self.bits in BITS and self.allocation == "error")
        )
        return int(self.bits) if alike else None

    @property
    def uses_data(self) -> bool:
        """Whether the result depends on the calibration split."""
        if self.cache_bits != 32:
            return True
        if self.scheme != "weight-only":
            return self.scheme == "int8-static" or self.smooth > 0
        return ROUNDINGS[self.rounding].needs_data or (
            self.allocation == "sensitivity" and self.one_width is None
        )

    def bits_of(self, name: str) -> int | None:
        """The bits of a matrix of the layers by its name; None for mixed precision."""
        return bits_of(name, self.parts) or self.one_width

    def in_words(self) -> str:
        return in_words(self)
