"""The recipe language: every stage that exists, what its fields mean, and which orders make sense.

A recipe is a value. It says what to do; the file named by a stage's `carried_out_by` does it.
Its id is a hash of its canonical JSON, so the same recipe is the same id everywhere, and the same
holds for every prefix of it, which is what lets trials share their first stages.

    >>> recipe = Recipe(stages=(PruneWeights(sparsity=0.5), Quantize()))
    >>> recipe.in_words()
    'magnitude 50 % → int8 dynamic'
    >>> recipe.prefix(1).in_words()
    'magnitude 50 %'
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, Field, field_validator, model_validator

from compression.errors import RecipeError
from compression.methods import CALIBRATIONS, ROUNDINGS, STRUCTURE_CRITERIA, WEIGHT_SCORES, known

Strategy = Literal["pruning", "quantization", "distillation"]
BITS = (2, 4, 8)
"""The bit widths that a weight may take in a file; an average lies between 2 and 8."""
GROUP_SIZES = (16, 32, 64, 128, 256)


# --- stages -----------------------------------------------------------------------------------------


class Stage(BaseModel, frozen=True, extra="forbid"):
    """One step of a recipe. A subclass is the whole description of an algorithm to a person:
    the form on the page, the YAML, the row in the docs and the shared tests all come from it."""

    strategy: ClassVar[Strategy]
    title: ClassVar[str]
    carried_out_by: ClassVar[str]
    """The module with `apply(stage, ..., context)`."""
    code_version: ClassVar[int] = 1
    """Raised when the same stage would give another result, so that old cache entries are left alone."""

    kind: str

    def in_words(self) -> str:
        """The stage in a few words, as a plot's legend would put it."""
        raise TypeError(f"{type(self).__name__} must say itself in words")

    def canonical(self) -> dict[str, Any]:
        """The kind and whatever differs from the defaults: two ways to write one stage are one value."""
        return {"kind": self.kind, **self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})}

    def essentials(self) -> tuple[str, ...]:
        """Fields that a file names even where they are defaults, for the person who reads it."""
        return ()

    def spelt(self) -> dict[str, Any]:
        """What `canonical` says, and the essentials."""
        named = {*self.canonical(), *self.essentials()}
        return {name: value for name, value in self.model_dump(mode="json").items() if name in named}


class Retrained(BaseModel, frozen=True):
    """Fields of a stage that can train afterwards to win back what it cost."""

    retrain_epochs: Annotated[
        float, Field(ge=0, le=50, description="passes over the training split afterwards, of a language model over 16,384 tokens of it each")
    ] = 0
    learning_rate: Annotated[float, Field(gt=0, le=0.1, description="peak learning rate of that training")] = 5e-5
    distill_weight: Annotated[
        float, Field(ge=0, le=1, description="share of the loss on the outputs of the model as it came in; the rest is on labels")
    ] = 0
    temperature: Annotated[float, Field(gt=0, le=100, description="softens both outputs before they are compared (with distill_weight)")] = 2.0
    unlabelled: Annotated[bool, Field(description="also learn from the task's unlabelled texts, on the outputs alone (with distill_weight)")] = False

    @model_validator(mode="after")
    def _unlabelled_texts_need_a_teacher(self) -> Self:
        if self.unlabelled and not (self.distill_weight and self.retrain_epochs):
            raise ValueError("unlabelled texts say nothing without a teacher; give retrain_epochs and distill_weight, or leave unlabelled out")
        return self

    def retrained_in_words(self) -> str:
        """`" + 2 epochs"`, `" + 2 epochs with teacher"`, or nothing."""
        if not self.retrain_epochs:
            return ""
        teacher = " with teacher" if self.distill_weight else ""
        return _epochs_in_words(self.retrain_epochs) + teacher + (" + unlabelled" if self.unlabelled else "")


class Distill(Stage, frozen=True):
    """A student with fewer layers, heads or neurons, started from those of the teacher, trained on the labels, on the
    teacher's softened outputs (Hinton et al. 2015, arXiv:1503.02531) and, where asked for, on its hidden states
    (TinyBERT, arXiv:1909.10351) and its last attention (MiniLM, arXiv:2002.10957)."""

    strategy: ClassVar[Strategy] = "distillation"
    title: ClassVar[str] = "Distil a student"
    carried_out_by: ClassVar[str] = "compression.distillation.student"

    kind: Literal["distill"] = "distill"
    layers: Annotated[int, Field(ge=1, le=96, description="layers that the student keeps")] = 3
    teacher_layers: Annotated[
        tuple[int, ...] | None, Field(description="teacher layers it starts from, counted from 0; evenly spread when left out")
    ] = None
    head_ratio: Annotated[float, Field(ge=0, lt=1, description="share of each layer's attention heads that the student does without")] = 0
    ffn_ratio: Annotated[float, Field(ge=0, lt=1, description="share of each layer's feed-forward neurons that the student does without")] = 0
    criterion: Annotated[str, Field(description="which heads and neurons of the teacher the student does without first")] = "magnitude"
    temperature: Annotated[float, Field(gt=0, le=100, description="softens both outputs before they are compared")] = 2.0
    soft_weight: Annotated[float, Field(ge=0, le=1, description="share of the loss on the teacher's outputs, the rest is on labels")] = 0.7
    hidden_weight: Annotated[float, Field(ge=0, le=1000, description="weight of the distance to the teacher's hidden states, added to it")] = 0
    attention_weight: Annotated[float, Field(ge=0, le=1000, description="weight of the distance to its last layer's attention, added too")] = 0
    augment: Annotated[int, Field(ge=0, le=20, description="damaged copies of each training text to learn from, masked and shortened")] = 0
    unlabelled: Annotated[bool, Field(description="also learn from the task's unlabelled texts, of which the teacher alone speaks")] = False
    epochs: Annotated[float, Field(ge=0, le=100, description="passes over the training split, of a language model over 16,384 tokens of it each")] = 6
    learning_rate: Annotated[float, Field(gt=0, le=0.1, description="peak learning rate")] = 3e-4

    @field_validator("criterion")
    @classmethod
    def _known_criterion(cls, name: str) -> str:
        return known(name, STRUCTURE_CRITERIA, "criterion")

    @model_validator(mode="after")
    def _layers_agree(self) -> Self:
        if self.teacher_layers is not None:
            if len(self.teacher_layers) != self.layers:
                raise ValueError(f"teacher_layers names {len(self.teacher_layers)} layers but layers is {self.layers}; make them agree")
            if list(self.teacher_layers) != sorted(set(self.teacher_layers)) or min(self.teacher_layers) < 0:
                raise ValueError(f"teacher_layers must rise from 0 without repeats, got {list(self.teacher_layers)}")
        return self

    @model_validator(mode="after")
    def _unlabelled_texts_need_a_teacher(self) -> Self:
        if self.unlabelled and not (self.soft_weight or self.imitates):
            raise ValueError("unlabelled texts say nothing without a teacher; give soft_weight, or leave unlabelled out")
        return self

    def essentials(self) -> tuple[str, ...]:
        return "layers", "temperature", "soft_weight", "epochs"

    def kept(self, count: int) -> tuple[int, ...]:
        """The layers, of a teacher with `count` of them, that the student starts from, counted from 0.

        Raises `RecipeError` when the teacher does not have them.

        >>> Distill(layers=3).kept(6), Distill(layers=4).kept(6)
        ((0, 2, 4), (0, 1, 3, 4))
        """
        if self.layers > count:
            raise RecipeError(f"The student is to have {self.layers} layers, but its teacher has only {count}; set layers to {count} or fewer.")
        if self.teacher_layers is None:
            return tuple(number * count // self.layers for number in range(self.layers))
        if self.teacher_layers[-1] >= count:
            last = self.teacher_layers[-1]
            raise RecipeError(f"teacher_layers names layer {last}, but the teacher's {count} layers are 0 to {count - 1}; choose among these.")
        return self.teacher_layers

    @property
    def imitates(self) -> bool:
        """Whether the teacher has to run beside the student; its outputs alone are asked for once."""
        return bool(self.hidden_weight or self.attention_weight)

    def cuts(self) -> tuple[PruneStructure, ...]:
        """What makes the teacher's layers as narrow as the student's.

        >>> [cut.in_words() for cut in Distill(ffn_ratio=0.5).cuts()]
        ['ffn -50 %']
        """
        heads = PruneStructure(target="heads", ratio=self.head_ratio, criterion=self.criterion)
        ffn = PruneStructure(target="ffn", ratio=self.ffn_ratio, criterion=self.criterion)
        return tuple(cut for cut in (heads, ffn) if cut.ratio)

    def in_words(self) -> str:
        """
        >>> Distill(ffn_ratio=0.5, hidden_weight=1, attention_weight=1, augment=2).in_words()
        'student-3 ffn -50 % + hidden states + attention + 2 copies'
        """
        words = " ".join([f"student-{self.layers}", *(cut.in_words() for cut in self.cuts())])
        if self.epochs != type(self).model_fields["epochs"].default:
            words += _epochs_in_words(self.epochs) or " untrained"
        words += " + hidden states" if self.hidden_weight else ""
        words += " + attention" if self.attention_weight else ""
        words += f" + {self.augment} cop{'y' if self.augment == 1 else 'ies'}" if self.augment else ""
        words += " + unlabelled" if self.unlabelled else ""
        return words if self.soft_weight or self.imitates else f"{words} without teacher"


class PruneStructure(Retrained, Stage, frozen=True):
    """Whole attention heads, feed-forward neurons, layers, dimensions of the hidden state or entries of the vocabulary go; the
    tensors really get smaller. With retraining, the model as it came in may be the teacher of what is left (Hinton et al. 2015,
    arXiv:1503.02531)."""

    strategy: ClassVar[Strategy] = "pruning"
    title: ClassVar[str] = "Prune structure"
    carried_out_by: ClassVar[str] = "compression.pruning.structure"

    kind: Literal["prune-structure"] = "prune-structure"
    target: Annotated[
        Literal["heads", "ffn", "layers", "hidden", "vocabulary"],
        Field(description="what goes: attention heads, feed-forward neurons, layers, hidden dimensions everywhere, entries of the vocabulary"),
    ] = "ffn"
    ratio: Annotated[float, Field(ge=0, lt=1, description="share that goes; neurons and dimensions are kept in multiples of 8")] = 0.5
    criterion: Annotated[str, Field(description="which go first")] = "magnitude"
    allocation: Annotated[
        Literal["uniform", "global"],
        Field(description="heads and neurons: the same share of every layer, or as many in all from the layers that miss them least"),
    ] = "uniform"

    @field_validator("criterion")
    @classmethod
    def _known_criterion(cls, name: str) -> str:
        return known(name, STRUCTURE_CRITERIA, "criterion")

    @model_validator(mode="after")
    def _allocation_has_layers_to_choose_from(self) -> Self:
        if self.allocation == "global" and self.target not in ("heads", "ffn"):
            raise ValueError(f"allocation global is for heads and ffn, but target is {self.target}; leave allocation out")
        return self

    @model_validator(mode="after")
    def _words_are_ranked_by_use(self) -> Self:
        if self.target == "vocabulary" and self.criterion != "magnitude":
            raise ValueError(f"entries of the vocabulary are ranked by how often they are used, but criterion is {self.criterion}; leave it out")
        return self

    def essentials(self) -> tuple[str, ...]:
        return "target", "ratio"

    def kept(self, count: int) -> int:
        """How many of `count` heads or neurons of a layer, of all layers, dimensions or entries, stay; never none.

        Neurons and dimensions stay in multiples of 8: eight floats are one 256-bit vector, so any other width leaves lanes idle.

        >>> PruneStructure(target="heads", ratio=0.25).kept(12), PruneStructure(target="ffn", ratio=0.7).kept(1536)
        (9, 464)
        """
        if self.ratio == 0:
            return count
        if self.target in ("ffn", "hidden"):
            return min(count, max(8, round(count * (1 - self.ratio) / 8) * 8))
        return max(1, count - round(self.ratio * count))

    def in_words(self) -> str:
        by = "" if self.criterion == "magnitude" else f" by {self.criterion}"
        where = " global" if self.allocation == "global" else ""
        return f"{self.target}{where} -{_percent(self.ratio)}{by}" + self.retrained_in_words()


class PruneWeights(Retrained, Stage, frozen=True):
    """Single weights become zero: unstructured, or N kept of every M along the inputs. With several steps
    the sparsity rises on a cubic schedule (Zhu and Gupta 2017, arXiv:1710.01878), retraining in between,
    and what was pruned stays pruned. The model as it came in may be the teacher of the retraining."""

    strategy: ClassVar[Strategy] = "pruning"
    title: ClassVar[str] = "Prune weights"
    carried_out_by: ClassVar[str] = "compression.pruning.weights"

    kind: Literal["prune-weights"] = "prune-weights"
    method: Annotated[str, Field(description="which weights go first")] = "magnitude"
    sparsity: Annotated[float | None, Field(ge=0, lt=1, description="share of zeros in the pruned matrices; a pattern N:M sets it to 1 - N/M")] = None
    pattern: Annotated[str, Field(description='"unstructured", or "N:M": N kept of every M')] = "unstructured"
    scope: Annotated[Literal["layer", "global"], Field(description="rank weights within each matrix, or over all of them")] = "layer"
    steps: Annotated[int, Field(ge=1, le=100, description="1 prunes at once; more rise on a cubic schedule")] = 1

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        return known(name, WEIGHT_SCORES, "method")

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> Self:
        method = WEIGHT_SCORES[self.method]
        if method.updates and self.scope == "global":
            raise ValueError(f"method {self.method} makes up for its zeros within each matrix, so scope must be layer, but got global")
        if method.looks_at == "training" and not self.retrain_epochs:
            raise ValueError(f"method {self.method} ranks weights by how retraining moves them, so retrain_epochs must be above 0, but got 0")
        return self

    @field_validator("pattern")
    @classmethod
    def _readable_pattern(cls, pattern: str) -> str:
        if pattern == "unstructured":
            return pattern
        match = re.fullmatch(r"(\d+):(\d+)", pattern)
        if not match or not 0 < int(match[1]) < int(match[2]) <= 64:
            raise ValueError(f'pattern must be "unstructured" or "N:M" with N kept of M, such as "2:4", but got "{pattern}"')
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
            raise ValueError(f"pattern {self.pattern} means a sparsity of {implied:g}, but sparsity is {self.sparsity:g}; leave it out")
        if self.scope == "global":
            raise ValueError(f"pattern {self.pattern} is kept within every row, so scope must be layer, but got global")
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
        """Share of zeros at the end, whatever way it was written."""
        assert self.sparsity is not None
        return self.sparsity

    def in_words(self) -> str:
        what = self.pattern if self.n_of_m else _percent(self.target_sparsity)
        scope = " global" if self.scope == "global" else ""
        steps = f" in {self.steps} steps" if self.steps > 1 else ""
        return f"{self.method}{scope} {what}{steps}" + self.retrained_in_words()


class Quantize(Stage, frozen=True):
    """Fewer bits per weight, and with the int8 schemes integer arithmetic too.

    `int8-dynamic` finds the range of activations at run time, `int8-static` once from the calibration
    split, `weight-only` leaves activations in fp32 and gives each group of weights its own scale. An
    average of bits between 2, 4 and 8 is met by giving each matrix 2, 4 or 8; with `max_mb` the embedding and
    the head are among them and the artefact is as large as it may be. With `train_epochs` the model is trained
    first as if it were quantized (Jacob et al. 2018, arXiv:1712.05877)."""

    strategy: ClassVar[Strategy] = "quantization"
    title: ClassVar[str] = "Quantize"
    carried_out_by: ClassVar[str] = "compression.quantization.quantize"
    trained_by: ClassVar[str] = "compression.quantization.qat"
    """The module that trains the torch model first, where `train_epochs` asks for it."""
    code_version: ClassVar[int] = 4

    kind: Literal["quantize"] = "quantize"
    scheme: Annotated[Literal["int8-dynamic", "int8-static", "weight-only"], Field(description="what is rounded, and when")] = "int8-dynamic"
    bits: Annotated[float, Field(ge=2, le=8, description="average bits per weight of the matrices")] = 8
    group_size: Annotated[int, Field(description="weights that share a scale (weight-only)")] = 32
    rounding: Annotated[str, Field(description="how a weight finds its integer (weight-only)")] = "rtn"
    allocation: Annotated[
        Literal["error", "sensitivity"],
        Field(description="what decides which matrix takes which bits: its own relative error, or how far the model's answers move (weight-only)"),
    ] = "error"
    zero_point: Annotated[
        Literal["integer", "real"],
        Field(
            description="whether zero is a level of every group (integer), or levels begin at its least weight: finer, a byte more a group, "
            "and all but exact for the weights of a Q4_1 file (weight-only, 2 and 4 bits)"
        ),
    ] = "integer"
    max_mb: Annotated[
        float | None, Field(gt=0, description="in place of bits: the artefact has at most this many megabytes on disk (weight-only)")
    ] = None
    embedding_bits: Annotated[Literal[2, 4, 8, 32], Field(description="bits of the word embedding; 32 leaves it")] = 8
    frequent_words: Annotated[
        int,
        Field(
            ge=0,
            description="first words of the vocabulary that keep 8 bits where the others have embedding_bits; the merges of a byte-pair vocabulary "
            "come by frequency (weight-only)",
        ),
    ] = 0
    head_bits: Annotated[
        Literal[2, 4, 8, 32], Field(description="bits of the last matrix; 32 leaves it. A head that is the embedding takes the finer of the two")
    ] = 8
    cache_bits: Annotated[Literal[8, 32], Field(description="bits of a language model's key-value cache; 32 leaves it")] = 32
    calibration: Annotated[str, Field(description="how the range of an activation is found (int8-static)")] = "minmax"
    calibration_examples: Annotated[
        int, Field(ge=8, le=4096, description="examples that set ranges (int8-static) and factors (smooth), and measure sensitivity")
    ] = 128
    smooth: Annotated[
        float, Field(ge=0, le=1, description="share of an activation's size that its weights take over (int8); 0 is off, 0.5 usual")
    ] = 0
    train_epochs: Annotated[
        float, Field(ge=0, le=50, description="passes over the training split with rounding in the forward pass; 0 trains nothing")
    ] = 0
    learning_rate: Annotated[float, Field(gt=0, le=0.1, description="peak learning rate of that training")] = 5e-5
    distill_weight: Annotated[float, Field(ge=0, le=1, description="share of its loss on the outputs of the model before quantization")] = 0.5

    @field_validator("group_size")
    @classmethod
    def _known_group(cls, size: int) -> int:
        if size not in GROUP_SIZES:
            raise ValueError(f"group_size must be one of {', '.join(map(str, GROUP_SIZES))}, but got {size}")
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
            raise ValueError(f"{self.scheme} has 8 bits, but bits is {self.bits:g}; choose scheme weight-only for fewer")
        if self.scheme != "weight-only" and self.head_bits not in (8, 32):
            raise ValueError(f"head_bits must be 8 or 32 with {self.scheme}, but got {self.head_bits}")
        return self

    @model_validator(mode="after")
    def _smoothing_is_for_rounded_activations(self) -> Self:
        if self.scheme == "weight-only" and self.smooth:
            raise ValueError(f"smooth is {self.smooth:g}, but weight-only does not round activations; choose an int8 scheme or leave smooth out")
        return self

    @model_validator(mode="after")
    def _grids_of_weight_only(self) -> Self:
        given = [name for name in ("zero_point", "frequent_words") if getattr(self, name) not in ("integer", 0)]
        if given and self.scheme != "weight-only":
            raise ValueError(f"{self.scheme} has no {' and no '.join(given)}; choose scheme weight-only or leave out {' and '.join(given)}")
        if self.frequent_words and (self.embedding_bits not in (2, 4) or self.max_mb is not None):
            raise ValueError(
                f"frequent_words is {self.frequent_words}, so the other words need fewer than 8 bits: set embedding_bits to 4 or 2, without max_mb"
            )
        return self

    @model_validator(mode="after")
    def _training_knows_the_grid(self) -> Self:
        """What is trained must be what ships, so the grid may depend on nothing but the trained weights."""
        if self.train_epochs == 0:
            return self
        if self.one_width is None:
            raise ValueError("with train_epochs, bits must be 2, 4 or 8 and the same for all: which matrix takes which width would move in training")
        if self.rounding != "rtn":
            raise ValueError(f"with train_epochs, rounding must be rtn, but got {self.rounding}: training moves weights towards their nearest level")
        if self.zero_point != "integer" or self.frequent_words:
            raise ValueError("with train_epochs, zero_point must be integer and frequent_words 0: that is the grid that training knows")
        if self.smooth:
            raise ValueError(f"with train_epochs, smooth must be 0, but got {self.smooth:g}: training finds its own way round large activations")
        return self

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.scheme != "weight-only" and (self.allocation != "error" or self.max_mb is not None):
            raise ValueError(f"{self.scheme} gives every matrix 8 bits; allocation and max_mb need scheme weight-only")
        given = [name for name in ("bits", "embedding_bits", "head_bits") if getattr(self, name) != 8]
        if self.max_mb is not None and given:
            raise ValueError(f"max_mb chooses the bits of every part, so leave out {' and '.join(given)}, or leave out max_mb")
        return self

    def essentials(self) -> tuple[str, ...]:
        if self.max_mb is not None:
            return "scheme", "group_size"
        return ("scheme", "bits", "group_size", "embedding_bits") if self.scheme == "weight-only" else ("scheme", "embedding_bits")

    @property
    def one_width(self) -> int | None:
        """The bits that every encoder matrix takes; None when some may take more and others less."""
        alike = self.max_mb is None and (self.bits in (BITS[0], BITS[-1]) or (self.bits in BITS and self.allocation == "error"))
        return int(self.bits) if alike else None

    @property
    def uses_data(self) -> bool:
        """Whether the result depends on the calibration split."""
        if self.cache_bits != 32:
            return True
        if self.scheme != "weight-only":
            return self.scheme == "int8-static" or self.smooth > 0
        return ROUNDINGS[self.rounding].looks_at_data or (self.allocation == "sensitivity" and self.one_width is None)

    def in_words(self) -> str:
        if self.scheme != "weight-only":
            words = self.scheme.replace("-", " ")
            if self.scheme == "int8-static" and self.calibration != "minmax":
                words += f" {self.calibration}"
            if self.smooth:
                words += f" smooth {self.smooth:g}"
        else:
            words = f"weights {self.bits:g} bit" if self.max_mb is None else f"weights to {self.max_mb:g} MB"
            words += ("" if self.group_size == 32 else f" g{self.group_size}") + ("" if self.rounding == "rtn" else f" {self.rounding}")
            words += ("" if self.allocation == "error" else " by sensitivity") + ("" if self.zero_point == "integer" else ", real zero points")
        words += "" if self.embedding_bits == 8 else f", embedding {self.embedding_bits}"
        words += f" ({self.frequent_words:,} words at 8)" if self.frequent_words else ""
        return words + ("" if self.cache_bits == 32 else f", cache {self.cache_bits}") + _epochs_in_words(self.train_epochs)


AnyStage = Annotated[Distill | PruneStructure | PruneWeights | Quantize, Field(discriminator="kind")]
STAGES: dict[str, type[Stage]] = {
    "distill": Distill,
    "prune-structure": PruneStructure,
    "prune-weights": PruneWeights,
    "quantize": Quantize,
}


# --- the recipe ---------------------------------------------------------------------------------------


class Recover(BaseModel, frozen=True, extra="forbid"):
    """A rule for every stage of a recipe: where one costs more than is allowed on the validation split, other ways to the same
    size are tried (a gentler allocation, a method that looks at data, more training, a teacher), and the result says which."""

    max_drop: Annotated[float, Field(ge=0, le=100, description="points of accuracy, or per cent of perplexity, that one stage may cost")] = 1.0
    epochs: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="passes over the training split that may be added in all, counted as in retrain_epochs; 0 allows what costs no training",
        ),
    ] = 4.0

    def in_words(self) -> str:
        return f"at most {self.max_drop:g} lost a stage"


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """What to do to a model: an ordered list of stages and a seed. No stage at all is the baseline."""

    version: Literal[1] = 1
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    stages: tuple[AnyStage, ...] = ()
    recover: Recover | None = None

    @model_validator(mode="after")
    def _order_makes_sense(self) -> Self:
        for place, stage in enumerate(self.stages[:-1]):
            if isinstance(stage, Quantize):
                after = self.stages[place + 1]
                raise ValueError(
                    f"stage {place + 2} ({after.kind}) comes after stage {place + 1} (quantize): integers can be neither trained "
                    "nor pruned further; move quantize to the end"
                )
        last = self.stages[-1] if self.stages else None
        if isinstance(last, Quantize) and last.zero_point == "real" and any(isinstance(stage, PruneWeights) for stage in self.stages):
            raise ValueError("zero_point real has no level at zero, so pruned weights would not stay zero; leave zero_point out")
        return self

    def canonical_json(self) -> str:
        """One spelling for one meaning: sorted keys, no white space, nothing that is a default."""
        return json.dumps(self._content([stage.canonical() for stage in self.stages]), sort_keys=True, separators=(",", ":"))

    def _content(self, stages: list[dict[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {"version": self.version, "seed": self.seed, "stages": stages}
        if self.recover and self.stages:  # a baseline has nothing to win back
            content["recover"] = self.recover.model_dump(mode="json")
        return content

    @property
    def id(self) -> str:
        """First 12 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:12]

    def prefix(self, count: int) -> Recipe:
        """The recipe that stops after `count` stages."""
        return self.model_copy(update={"stages": self.stages[:count]})

    @property
    def learns_from_unlabelled(self) -> bool:
        """Whether a stage asks for texts without labels."""
        return any(getattr(stage, "unlabelled", False) for stage in self.stages)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies it uses, each once, in order."""
        return tuple(dict.fromkeys(stage.strategy for stage in self.stages))

    def in_words(self) -> str:
        """The recipe in a line."""
        if not self.stages:
            return "fp32 baseline"
        return " → ".join(stage.in_words() for stage in self.stages) + (f" ({self.recover.in_words()})" if self.recover else "")

    def to_yaml(self) -> str:
        """The file that `recipe_file.parse_recipe` reads back to an equal recipe; what a stage is about stands there even where it is a default."""
        return yaml.safe_dump(self._content([stage.spelt() for stage in self.stages]), sort_keys=False, allow_unicode=True)


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def _epochs_in_words(epochs: float) -> str:
    return f" + {epochs:g} epoch{'' if epochs == 1 else 's'}" if epochs else ""
