"""The rule `recover` on made-up costs: what is tried, in which order, what is kept, and what is
said.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paretoscope.artifact.pack import RECOVERY_BYTES
from paretoscope.engine.recover import recovered
from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.stages import AnyStage, PruneStructure, Quantize, Stage
from paretoscope.trials.trial import Quality
from tests.recipes.test_recovery import STAGES

CUT = PruneStructure(target="ffn", ratio=0.5)


def judge(
    costs: Callable[[Stage], float], asked: list[str], metric: str = "accuracy"
) -> Callable[[Recipe], Quality]:
    """An accuracy of 0.9 less what each stage costs, or a perplexity of 20 and as much more."""

    def judged(recipe: Recipe) -> Quality:
        asked.append(recipe.in_words())
        lost = sum(map(costs, recipe.stages))
        value = 0.9 - lost if metric == "accuracy" else 20 + lost
        return Quality(metric=metric, value=value, low=value, high=value, n=100)

    return judged


def anything(stage: Stage) -> bool:
    return True


def test_without_the_rule_nothing_is_judged() -> None:
    asked: list[str] = []
    recipe = Recipe(stages=(CUT,))
    assert recovered(recipe, judge(lambda stage: 1, asked), anything) == (recipe, ())
    assert asked == []


def test_a_stage_within_the_allowance_stays_as_it_is() -> None:
    recipe = Recipe(stages=(CUT, Quantize()), recover=Recover(max_drop=1))
    found, notes = recovered(recipe, judge(lambda stage: 0.01, []), anything)
    assert found.stages == recipe.stages
    assert found.recover is None
    assert notes == ()


def test_the_first_remedy_within_the_allowance_is_kept_and_the_others_are_not_tried() -> None:
    asked: list[str] = []
    trained = judge(lambda stage: 0.03 if not getattr(stage, "retrain_epochs", 1) else 0.005, asked)
    found, (note,) = recovered(
        Recipe(stages=(CUT,), recover=Recover(max_drop=1, epochs=4)), trained, anything
    )
    assert found.in_words() == "ffn -50 % + 1 epoch with teacher"
    assert asked == [
        "fp32 baseline",
        "ffn -50 %",
        "ffn global -50 %",
        "ffn -50 % + 1 epoch with teacher",
    ]
    assert (
        note
        == "recovering, at most 1.00 points per stage: ffn -50 % -3.0 points; ffn global -50 % -3.0"
        " points; ffn -50 % + 1 epoch with teacher -0.5 points. Kept ffn -50 % + 1 epoch with"
        " teacher"
    )


def test_what_cannot_be_won_back_is_said_and_the_best_try_is_kept() -> None:
    found, (note,) = recovered(
        Recipe(stages=(CUT,), recover=Recover(max_drop=1, epochs=2)),
        judge(lambda stage: 0.05 - 0.01 * getattr(stage, "retrain_epochs", 0), []),
        anything,
    )
    assert found.in_words() == "ffn -50 % + 2 epochs with teacher"
    assert note.endswith("still above the limit")


def test_the_budget_is_one_for_all_stages() -> None:
    cuts = (CUT, PruneStructure(target="heads", ratio=0.25))
    found, _ = recovered(
        Recipe(stages=cuts, recover=Recover(max_drop=0.5, epochs=1)),
        judge(lambda stage: 0.05, []),
        anything,
    )
    added = sum(getattr(stage, "retrain_epochs", 0) for stage in found.stages)
    assert added <= 1


def test_what_the_model_cannot_take_is_not_tried() -> None:
    asked: list[str] = []
    recovered(
        Recipe(stages=(CUT,), recover=Recover()), judge(lambda stage: 1, asked), lambda stage: False
    )
    assert asked == ["fp32 baseline", "ffn -50 %"]


def test_of_perplexity_the_allowance_is_a_share() -> None:
    recipe = Recipe(
        stages=(Quantize(scheme="weight-only", bits=4),), recover=Recover(max_drop=2, epochs=0)
    )
    costs = {"rtn": 1.0, "gptq": 0.3}
    found, (note,) = recovered(
        recipe,
        judge(lambda stage: costs[getattr(stage, "rounding", "")], [], "perplexity"),
        anything,
    )
    assert found.in_words() == "weights 4 bit gptq"
    assert "weights 4 bit +5.00 %; weights 4 bit gptq +1.50 %" in note


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.in_words())
def test_what_is_told_has_room_in_the_artefact(stage: AnyStage) -> None:
    """If nothing helps, every remedy is tried and noted; a size budget covers that text."""
    recipe = Recipe(stages=(stage,), recover=Recover(max_drop=0, epochs=50))
    _, notes = recovered(recipe, judge(lambda stage: 0.1, []), anything)
    assert len("".join(notes).encode()) <= RECOVERY_BYTES
