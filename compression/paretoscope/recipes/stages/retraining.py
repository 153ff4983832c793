"""The fields of a stage that can retrain the model afterwards."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from paretoscope.recipes.stages.stage import epochs_in_words


class Retrained(BaseModel, frozen=True):
    """Fields of a stage that can retrain the model afterwards."""

    retrain_epochs: Annotated[
        float,
        Field(
            ge=0,
            le=50,
            description=("epochs of retraining; for a language model, one epoch is 16,384 tokens"),
        ),
    ] = 0
    learning_rate: Annotated[
        float, Field(gt=0, le=0.1, description="peak learning rate of the retraining")
    ] = 5e-5
    distill_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description=(
                "weight of the distillation loss (teacher: the model before this stage); the rest"
                " is the loss on the labels"
            ),
        ),
    ] = 0
    temperature: Annotated[
        float,
        Field(
            gt=0,
            le=100,
            description="softmax temperature of the distillation loss (with distill_weight)",
        ),
    ] = 2.0
    unlabelled: Annotated[
        bool,
        Field(
            description=(
                "also train on the task's unlabelled texts, using only the teacher's outputs (with"
                " distill_weight)"
            )
        ),
    ] = False

    @property
    def training_epochs(self) -> float:
        return self.retrain_epochs

    @model_validator(mode="after")
    def _unlabelled_texts_need_a_teacher(self) -> Self:
        if self.unlabelled and not (self.distill_weight and self.retrain_epochs):
            raise ValueError(
                "unlabelled texts need a teacher; set retrain_epochs and distill_weight, or leave"
                " unlabelled out"
            )
        return self

    def retrained_in_words(self) -> str:
        """`" + 2 epochs"`, `" + 2 epochs with teacher"`, or nothing."""
        if not self.retrain_epochs:
            return ""
        teacher = " with teacher" if self.distill_weight else ""
        return (
            epochs_in_words(self.retrain_epochs)
            + teacher
            + (" + unlabelled" if self.unlabelled else "")
        )
