"""Stages, and differences between two recipes, in phrases for people who know no field names.

>>> from paretoscope.recipes.stages import PruneStructure, Quantize
>>> one = Recipe(stages=(Quantize(scheme="weight-only", bits=4),))
>>> cut = PruneStructure(target="vocabulary", ratio=0.55)
>>> other = Recipe(stages=(cut, Quantize(scheme="weight-only", bits=4, embedding_bits=4)))
>>> differences_in_words(one, other)
['also removes 55 % of the vocabulary', 'embedding in 4 bits instead of 8']
>>> differences_in_words(other, one)
['keeps the whole vocabulary', 'embedding in 8 bits instead of 4']
"""

from __future__ import annotations

from paretoscope.recipes.diff import Difference, recipe_differences, stages_by_title
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.recipes.stages.stage import percent

PARTS = {
    "heads": ("attention heads", "all attention heads"),
    "ffn": ("FFN width", "the whole FFN width"),
    "layers": ("layers", "all layers"),
    "hidden": ("hidden width", "the whole hidden width"),
    "vocabulary": ("vocabulary", "the whole vocabulary"),
}
"""By target of structured pruning: what is removed, and what is kept without it."""
SCHEMES = {
    "int8-dynamic": "8-bit integers, ranges found at run time",
    "int8-static": "8-bit integers, ranges calibrated in advance",
    "weight-only": "few-bit weights, float activations",
}
FIELDS = {
    "layers": "a student of {} layers",
    "teacher_layers": "student starts from teacher layers {}",
    "head_ratio": "share of attention heads removed: {}",
    "ffn_ratio": "share of the FFN width removed: {}",
    "criterion": "importance score: {}",
    "temperature": "softmax temperature {} in distillation",
    "soft_weight": "weight of the teacher's outputs: {}",
    "hidden_weight": "weight of the hidden-state loss: {}",
    "attention_weight": "weight of the attention loss: {}",
    "augment": "augmented copies of each text: {}",
    "unlabelled": "training on unlabelled texts: {}",
    "epochs": "training epochs: {}",
    "learning_rate": "learning rate {}",
    "target": "removes from the {}",
    "ratio": "removes {}",
    "allocation": "allocation: {}",
    "retrain_epochs": "retraining epochs: {}",
    "distill_weight": "weight of the teacher's outputs in training: {}",
    "method": "pruning method: {}",
    "sparsity": "zeros among the weights: {}",
    "pattern": "pattern of zeros: {}",
    "scope": "scores compared within: {}",
    "steps": "pruning steps: {}",
    "scheme": "{}",
    "bits": "weights in {} bits",
    "parts": "widths of single parts: {}",
    "group_size": "one scale for {} weights",
    "rounding": "rounding: {}",
    "zero_point": "zero points: {}",
    "max_mb": "size limit of {} MB",
    "embedding_bits": "embedding in {} bits",
    "frequent_words": "frequent tokens kept at 8 bits: {}",
    "head_bits": "output head in {} bits",
    "cache_bits": "key-value cache in {} bits",
    "calibration": "calibration: {}",
    "calibration_examples": "calibration texts: {}",
    "smooth": "SmoothQuant strength {}",
    "train_epochs": "epochs of quantization-aware training: {}",
    "seed": "random seed {}",
}
"""A phrase for each field of a stage; the value of the other recipe follows."""
SHARES = {"head_ratio", "ffn_ratio", "ratio", "sparsity"}
"""Fields that are written in per cent."""


def stage_in_words(stage: Stage) -> str:
    """What a stage does, as a verb phrase.

    >>> stage_in_words(Distill(layers=3)), stage_in_words(PruneWeights(pattern="2:4"))
    ('distils a student of 3 layers', 'keeps 2 of every 4 weights')
    >>> stage_in_words(Quantize(embedding_bits=4))
    'computes in 8-bit integers, embedding in 4 bits'
    """
    if isinstance(stage, Distill):
        return f"distils a student of {stage.layers} layer{'s' if stage.layers > 1 else ''}"
    if isinstance(stage, PruneStructure):
        what = PARTS[stage.target][0]
        return f"removes {percent(stage.ratio)} of the {what}"
    if isinstance(stage, PruneWeights):
        if pattern := stage.n_of_m:
            return f"keeps {pattern[0]} of every {pattern[1]} weights"
        return f"sets {percent(stage.target_sparsity)} of the weights to zero"
    return _quantized(stage) if isinstance(stage, Quantize) else stage.in_words()


def _quantized(stage: Quantize) -> str:
    words = "computes in 8-bit integers"
    if stage.scheme == "weight-only":
        size = f"{stage.bits:g} bits" if stage.max_mb is None else f"{stage.max_mb:g} MB in total"
        words = f"stores weights in {size}"
    return words if stage.embedding_bits == 8 else f"{words}, embedding in {_bits(stage)}"


def _bits(stage: Quantize) -> str:
    return "float32" if stage.embedding_bits == 32 else f"{stage.embedding_bits} bits"


def recipe_in_words(recipe: Recipe) -> list[str]:
    """A phrase for each stage; of the baseline that it is unchanged."""
    return [stage_in_words(stage) for stage in recipe.stages] or ["the original model, unchanged"]


def differences_in_words(reference: Recipe, other: Recipe) -> list[str]:
    """What `other` does in another way than `reference`; empty when they are equal."""
    added, missing = stages_by_title(other), stages_by_title(reference)
    phrases: list[str] = []
    for title, stage in added.items():
        if title not in missing:
            phrases.append(f"also {stage_in_words(stage)}")
    for title, stage in missing.items():
        if title not in added:
            phrases.append(_without(stage))
    changed = [_changed(row, added) for row in recipe_differences([reference, other])]
    return [*phrases, *(phrase for phrase in changed if phrase)]


def _without(stage: Stage) -> str:
    if isinstance(stage, PruneStructure):
        return f"keeps {PARTS[stage.target][1]}"
    if isinstance(stage, PruneWeights):
        return "keeps all weights"
    return "is not distilled" if isinstance(stage, Distill) else "is not quantized"


def _changed(row: Difference, stages: dict[tuple[str, int], Stage]) -> str:
    """A setting that both recipes have; empty for a stage that only one has."""
    before, after = row.values
    if not row.field:
        return ""
    if row.field == "order of the stages":
        return "its stages are in another order"
    name = row.field.replace(" ", "_")
    phrase = FIELDS.get(name, f"{row.field}: {{}}").format(_value(name, after))
    if name == "ratio":
        stage = next((each for key, each in stages.items() if key[0] == row.stage), None)
        if isinstance(stage, PruneStructure):
            phrase += f" of the {PARTS[stage.target][0]}"
    return f"{phrase} instead of {_value(name, before)}"


def _value(name: str, value: str) -> str:
    if name == "scheme":
        return SCHEMES.get(value, value)
    return percent(float(f"{float(value):.3g}")) if name in SHARES and _number(value) else value


def _number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
