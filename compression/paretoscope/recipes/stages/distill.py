"""Distillation: a smaller student, trained with the current model as its teacher."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from paretoscope.errors import RecipeError
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, known
from paretoscope.recipes.stages.prune_structure import PruneStructure
from paretoscope.recipes.stages.stage import Stage, Strategy, epochs_in_words


class Distill(Stage, frozen=True):
    """A student with fewer layers, heads or FFN neurons, initialized from the teacher and trained
    on the labels and the teacher's softened outputs (Hinton et al. 2015, arXiv:1503.02531);
    optionally also on its hidden states (TinyBERT, arXiv:1909.10351) and the attention of its last
    layer (MiniLM, arXiv:2002.10957)."""

    strategy: ClassVar[Strategy] = "distillation"
    title: ClassVar[str] = "Distil a student"
    module: ClassVar[str] = "paretoscope.distillation.student"

    kind: Literal["distill"] = "distill"
    layers: Annotated[int, Field(ge=1, le=96, description="layers of the student")] = 3
    teacher_layers: Annotated[
        tuple[int, ...] | None,
        Field(description="teacher layers that initialize it, from 0; evenly spread by default"),
    ] = None
    head_ratio: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of attention heads to remove from each layer",
        ),
    ] = 0
    ffn_ratio: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of FFN neurons to remove from each layer",
        ),
    ] = 0
    criterion: Annotated[
        str,
        Field(description="importance score of heads and neurons; the lowest are removed"),
    ] = "magnitude"
    temperature: Annotated[
        float, Field(gt=0, le=100, description="softmax temperature of the distillation loss")
    ] = 2.0
    soft_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="weight of the distillation loss; the rest is the loss on the labels",
        ),
    ] = 0.7
    hidden_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="weight of the hidden-state loss, added to the other losses",
        ),
    ] = 0
    attention_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="weight of the attention loss of the last layer, added to the other losses",
        ),
    ] = 0
    augment: Annotated[
        int,
        Field(
            ge=0,
            le=20,
            description="augmented copies of each training text, masked and shortened",
        ),
    ] = 0
    unlabelled: Annotated[
        bool,
        Field(
            description=(
                "also train on the task's unlabelled texts, using only the teacher's outputs"
            )
        ),
    ] = False
    epochs: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description=("epochs of training; for a language model, one epoch is 16,384 tokens"),
        ),
    ] = 6
    learning_rate: Annotated[float, Field(gt=0, le=0.1, description="peak learning rate")] = 3e-4

    @property
    def training_epochs(self) -> float:
        return self.epochs

    @field_validator("criterion")
    @classmethod
    def _known_criterion(cls, name: str) -> str:
        return known(name, STRUCTURE_CRITERIA, "criterion")

    @model_validator(mode="after")
    def _layers_agree(self) -> Self:
        if self.teacher_layers is not None:
            if len(self.teacher_layers) != self.layers:
                raise ValueError(
                    f"teacher_layers names {len(self.teacher_layers)} layers but layers is"
                    f" {self.layers}; make them agree"
                )
            if (
                list(self.teacher_layers) != sorted(set(self.teacher_layers))
                or min(self.teacher_layers) < 0
            ):
                raise ValueError(
                    "teacher_layers must rise from 0 without repeats, got"
                    f" {list(self.teacher_layers)}"
                )
        return self

    @model_validator(mode="after")
    def _unlabelled_texts_need_a_teacher(self) -> Self:
        if self.unlabelled and not (self.soft_weight or self.imitates):
            raise ValueError(
                "unlabelled texts need a teacher; set soft_weight, or leave unlabelled out"
            )
        return self

    def essentials(self) -> tuple[str, ...]:
        return "layers", "temperature", "soft_weight", "epochs"

    def kept(self, count: int) -> tuple[int, ...]:
        """The teacher layers, of `count`, that initialize the student, from 0.

        Raises `RecipeError` when the teacher does not have them.

        >>> Distill(layers=3).kept(6), Distill(layers=4).kept(6)
        ((0, 2, 4), (0, 1, 3, 4))
        """
        if self.layers > count:
            raise RecipeError(
                f"The student is to have {self.layers} layers, but its teacher has only {count};"
                f" set layers to {count} or fewer."
            )
        if self.teacher_layers is None:
            return tuple(number * count // self.layers for number in range(self.layers))
        if self.teacher_layers[-1] >= count:
            last = self.teacher_layers[-1]
            raise RecipeError(
                f"teacher_layers names layer {last}, but the teacher's {count} layers are 0 to"
                f" {count - 1}; choose among these."
            )
        return self.teacher_layers

    @property
    def imitates(self) -> bool:
        """Whether the teacher runs in every step; otherwise its outputs are computed once."""
        return bool(self.hidden_weight or self.attention_weight)

    def cuts(self) -> tuple[PruneStructure, ...]:
        """The structured pruning that makes the teacher's layers as narrow as the student's.

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
            words += epochs_in_words(self.epochs) or " untrained"
        words += " + hidden states" if self.hidden_weight else ""
        words += " + attention" if self.attention_weight else ""
        words += (
            f" + {self.augment} cop{'y' if self.augment == 1 else 'ies'}" if self.augment else ""
        )
        words += " + unlabelled" if self.unlabelled else ""
        return words if self.soft_weight or self.imitates else f"{words} without teacher"
