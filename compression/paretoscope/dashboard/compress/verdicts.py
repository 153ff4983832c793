"""What each stage would do to size and speed on this machine, in a few words.

The size is counted. The speed is that of a measured recipe with only this stage where there is one,
else what is known of the formats and kernels (`whatif/advice.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paretoscope.dashboard.compress import evidence
from paretoscope.dashboard.compress.evidence import Evidence
from paretoscope.dashboard.compress.form.rows import EMBEDDING, Verdict
from paretoscope.dashboard.compress.form.slots import SLOTS, State, slot_of
from paretoscope.dashboard.compress.form.to_recipe import is_on, stage_of
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    AnyStage,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
)
from paretoscope.report.tables.table import Row
from paretoscope.shape.apply_recipe import apply_recipe, expected_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.format import speed_with_interval
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.trial import Interval
from paretoscope.whatif.advice import advice

SAME = 1.02
"""A smaller ratio of sizes is no change."""
NEAR = 0.16
"""Largest difference of two shares whose speed is quoted for each other."""


def verdicts(scope: Scope, shape: ModelShape | None, state: State) -> dict[str, Verdict]:
    """By slot, and for the bits of the embedding."""
    sources = (Evidence(scope.rows(), _where(scope)), evidence.study(scope))
    found: dict[str, Verdict] = {}
    for name in SLOTS:
        try:
            recipe = parse_recipe(
                {"stages": [content] if (content := stage_of(state, name)) else []}
            )
            verdict = _verdict(scope, shape, recipe, sources)
        except ParetoscopeError:
            continue  # the reason is shown with the recipe
        if verdict:
            found[name] = verdict
    if embedding := _embedding(shape, state):
        found[EMBEDDING] = embedding
    return found


def _where(scope: Scope) -> str:
    return "" if scope.here else "demo machine" if scope.demo else "other machine"


def _verdict(
    scope: Scope, shape: ModelShape | None, recipe: Recipe, sources: Sequence[Evidence]
) -> Verdict | None:
    if not recipe.stages:
        return None
    (stage,) = recipe.stages
    size = _size(shape, recipe)
    reasons = advice(
        recipe,
        data.this_machine().flags,
        scope.conditions,
        apply_recipe(shape, recipe) if shape else None,
    )
    why = " ".join(each.text for each in reasons if each.stage == 0)
    near = _nearest(stage, sources)
    if near is None:
        faster = any(each.speed for each in reasons)
        return Verdict(_words(size, "faster" if faster else "", faster=faster), why)
    row, where = near
    speedup = row.document.speedup
    assert speedup is not None, "only rows with a speed-up are near"
    measured = f"{row.short_name}: {speed_with_interval(speedup, row.document.placebo)}"
    quote = f"Measured{f' on the {where}' if where else ' here'}: {measured}."
    return Verdict(_words(size, *_speed(speedup, row)), f"{quote} {why}".strip())


def _speed(speedup: Interval, row: Row) -> tuple[str, bool]:
    if no_measurable_change(speedup, row.document.placebo):
        return "", False
    if speedup.value > 1:
        return f"{speedup.value:.1f}x faster", True
    return f"slower ({speedup.value:.2f}x)", False


def _words(size: float, speed: str, faster: bool) -> str:
    """
    >>> _words(1.0, "", False), _words(3.8, "2.2x faster", True)
    ('no smaller or faster here', '3.8x smaller, 2.2x faster')
    >>> _words(4.7, "slower (0.95x)", False), _words(1.3, "", False)
    ('4.7x smaller, slower (0.95x)', '1.3x smaller, no faster')
    """
    smaller = f"{size:.{2 if size < 1.1 else 1}f}x smaller" if size >= SAME else ""
    if not smaller and not speed:
        return "no smaller or faster here"
    return f"{smaller or 'no smaller'}, {speed or 'no faster'}"


def _size(shape: ModelShape | None, recipe: Recipe) -> float:
    """How many times smaller the recipe makes the original."""
    if shape is None:
        return 1.0
    return expected_bytes(shape, Recipe()).total_bytes / expected_bytes(shape, recipe).total_bytes


def _nearest(stage: AnyStage, sources: Sequence[Evidence]) -> tuple[Row, str] | None:
    """The measured recipe of only one stage that is most like `stage`, of the first source."""
    for rows, where in sources:
        distances = {
            row.id: (distance, row)
            for row in rows
            if row.document.speedup and not row.noisy and len(row.document.recipe.stages) == 1
            if (distance := _distance(stage, row.document.recipe.stages[0])) is not None
        }
        if distances:
            wanted = stage.in_words()
            return min(
                distances.values(),
                key=lambda each: (each[0], each[1].name != wanted, each[1].id),
            )[1], where
    return None


def _distance(stage: AnyStage, other: AnyStage) -> float | None:
    """How different two stages are in what decides their speed; None if too much."""
    if slot_of(stage) != slot_of(other):
        return None
    match stage, other:
        case (Distill(), Distill()):
            apart = abs(stage.layers - other.layers)
            shares = abs(stage.ffn_ratio - other.ffn_ratio) + abs(
                stage.head_ratio - other.head_ratio
            )
            return shares if apart == 0 and shares <= NEAR else None
        case (PruneStructure(), PruneStructure()):
            apart = abs(stage.ratio - other.ratio)
            return apart if apart <= NEAR else None
        case (PruneWeights(), PruneWeights()):
            return abs(stage.target_sparsity - other.target_sparsity)
        case (Quantize(), Quantize()):
            same = (stage.scheme, stage.bits) == (other.scheme, other.bits)
            alike = stage.embedding_bits == other.embedding_bits
            return (0.0 if alike else 1.0) if same and stage.max_mb == other.max_mb else None
        case _:
            return None


def _embedding(shape: ModelShape | None, state: Mapping[str, object]) -> Verdict | None:
    """What the bits of the embedding change, counted."""
    if shape is None or not is_on(state, "quantize"):
        return None
    try:
        sizes = [
            expected_bytes(shape, parse_recipe({"stages": [content]})).total_bytes
            for bits in (32, state["quantize_embedding_bits"])
            if (content := stage_of({**state, "quantize_embedding_bits": bits}, "quantize"))
        ]
    except ParetoscopeError:
        return None
    saved = (sizes[0] - sizes[-1]) / 1e6
    words = f"saves {saved:.3g} MB, no faster" if saved > 0 else "no smaller or faster here"
    return Verdict(words, "The embedding is looked up, not multiplied; counted in bytes.")
