"""The stages that the form has: one slot each, with its fields and their first values.

A recipe of the form has at most one stage of each slot, in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage

State = dict[str, Any]
"""The values of the form: `on_SLOT`, `SLOT_FIELD`, `order`, and those of the whole recipe."""

RETRAINING = ("retrain_epochs", "distill_weight", "unlabelled", "learning_rate", "temperature")
PERCENT = ("ratio", "sparsity", "head_ratio", "ffn_ratio")
"""Fields that are shares in a recipe and per cent in the form."""


@dataclass(frozen=True)
class Slot:
    """A kind of stage in the form; `target` tells the structures apart."""

    name: str
    label: str
    stage: type[Stage]
    fields: tuple[str, ...]
    target: str | None = None
    starts: Mapping[str, Any] | None = None
    """First values that differ from the defaults of the stage, as the form has them."""

    def start(self, field: str) -> Any:
        """The first value of a field."""
        if self.starts and field in self.starts:
            return self.starts[field]
        default = self.stage.model_fields[field].default
        return float(default) if isinstance(default, int) and field in FRACTIONS else default


FRACTIONS = (
    "epochs retrain_epochs train_epochs temperature soft_weight hidden_weight attention_weight"
    " distill_weight smooth"
).split()
"""Fields whose controls have fractions, although some defaults are whole numbers."""


def _structure(target: str, label: str, share: float, *more: str) -> Slot:
    fields = ("ratio", *more, *RETRAINING)
    return Slot(target, label, PruneStructure, fields, target, {"ratio": share})


SLOTS: dict[str, Slot] = {
    slot.name: slot
    for slot in (
        Slot(
            "student",
            "Student",
            Distill,
            (
                *("layers", "epochs", "temperature", "soft_weight", "hidden_weight"),
                *("attention_weight", "augment", "unlabelled", "head_ratio", "ffn_ratio"),
                *("criterion", "learning_rate"),
            ),
            starts={"head_ratio": 0.0, "ffn_ratio": 0.0},
        ),
        _structure("layers", "Layers", 35.0, "criterion"),
        _structure("ffn", "FFN width", 50.0, "criterion", "allocation"),
        _structure("heads", "Heads", 25.0, "criterion", "allocation"),
        _structure("hidden", "Hidden width", 25.0, "criterion"),
        _structure("vocabulary", "Vocabulary", 50.0),
        Slot(
            "weights",
            "Sparsity",
            PruneWeights,
            ("method", "sparsity", "pattern", "scope", "steps", *RETRAINING),
            starts={"sparsity": 50.0},
        ),
        Slot(
            "quantize",
            "Bits",
            Quantize,
            (
                *("scheme", "group_size", "rounding", "zero_point", "frequent_words"),
                *("allocation", "max_mb", "embedding_bits", "head_bits", "cache_bits"),
                *("calibration", "calibration_examples", "smooth", "train_epochs"),
                *("distill_weight", "learning_rate"),
            ),
        ),
    )
}
"""By name, in the usual order of the stages."""

ORDER = tuple(SLOTS)
AVERAGE = "average"
CHOICES = ("32", "8", "6", "4", "3", "2", AVERAGE)
"""Bits per weight; 32 is no quantization, and an average is set apart."""

DEFAULTS: State = {
    "decoder": False,
    "order": list(ORDER),
    **{f"on_{name}": name == "quantize" for name in SLOTS},
    **{
        f"{slot.name}_{field}": slot.start(field)
        for slot in SLOTS.values()
        for field in slot.fields
    },
    "quantize_choice": "8",
    "quantize_average": 4.0,
    "seed": 0,
    "recover": 0.0,
    "recover_epochs": 4.0,
}
"""The first recipe: int8, which is the first method to try on any CPU."""

DECODER_STARTS: State = {
    "quantize_choice": "4",
    "quantize_scheme": "weight-only",
    "quantize_zero_point": "real",
    "student_criterion": "activation",
    "layers_criterion": "activation",
    "ffn_criterion": "activation",
    "heads_criterion": "activation",
}
"""First values that differ for a language model: at 4 bits it loses much less with real zero
points, and magnitude ranks its units poorly (`python -m benchmarks.decoders pruning`)."""


def starts(*, decoder: bool) -> State:
    """The first values of the form."""
    return {**DEFAULTS, **(DECODER_STARTS if decoder else {}), "decoder": decoder}


def slot_of(stage: Stage) -> str:
    """The slot of a stage.

    >>> slot_of(PruneStructure(target="heads")), slot_of(Quantize())
    ('heads', 'quantize')
    """
    target = getattr(stage, "target", None)
    return next(
        slot.name
        for slot in SLOTS.values()
        if isinstance(stage, slot.stage) and slot.target in (None, target)
    )


def ordered(first: Sequence[str]) -> list[str]:
    """All slots with those of `first` in its order, and each other one before those that usually
    follow it.

    >>> ordered(["student", "vocabulary", "ffn"])
    ['student', 'layers', 'heads', 'hidden', 'vocabulary', 'ffn', 'weights', 'quantize']
    >>> ordered([]) == list(ORDER)
    True
    """
    found = list(first)
    for place, name in enumerate(ORDER):
        if name not in found:
            later = [found.index(each) for each in ORDER[place:] if each in found]
            found.insert(min(later, default=len(found)), name)
    return found
