"""A chain is read step by step: what each of its stages cost and gained."""

from __future__ import annotations

import pytest

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.tables.chain import steps, unmeasured
from paretoscope.report.tables.table import Row, rows
from tests.documents import document

STUDENT, SPARSE, INT8 = Distill(layers=3), PruneWeights(sparsity=0.5), Quantize()
CHAIN = document(
    STUDENT,
    SPARSE,
    INT8,
    quality=0.93,
    speedup=4.0,
    size=17_000_000,
    stage_seconds=(80.0, 2.0, 0.5),
)


def row_of(table: list[Row]) -> Row:
    return next(row for row in table if row.document.recipe == CHAIN.recipe)


def test_every_prefix_is_a_step_with_what_its_stage_cost() -> None:
    table = rows(
        [
            document(),
            document(STUDENT, quality=0.94, speedup=2.0),
            document(STUDENT, SPARSE, quality=0.935),
            CHAIN,
        ]
    )
    found = steps(row_of(table), table)
    assert [step.stage for step in found] == [
        "fp32 baseline",
        "student-3",
        "magnitude 50 %",
        "int8 dynamic",
    ]
    assert [step.seconds for step in found] == [None, 80.0, 2.0, 0.5]
    assert [step.row.point.value("quality") for step in found if step.row] == pytest.approx(
        [0.96, 0.94, 0.935, 0.93]
    )
    assert unmeasured(row_of(table), table) == []
    entry = found[-1].to_json()
    assert (entry["stage"], entry["recipe_id"], entry["trial_id"]) == (
        "int8 dynamic",
        CHAIN.recipe_id,
        CHAIN.trial_id,
    )
    assert (
        entry["quality"],
        entry["size_bytes"],
        entry["latency_p50_ms"],
        entry["speedup"],
    ) == pytest.approx((0.93, 17e6, 2.0, 4.0))


def test_what_nobody_measured_is_none_and_can_be_asked_for() -> None:
    table = rows([CHAIN])
    found = steps(row_of(table), table)
    assert [step.row is None for step in found] == [False, True, True, False]
    assert found[1].to_json()["quality"] is None
    assert unmeasured(row_of(table), table) == [CHAIN.recipe.prefix(1), CHAIN.recipe.prefix(2)]


def test_the_baseline_is_one_whatever_the_seed() -> None:
    seeded = Recipe(seed=7, stages=(SPARSE, INT8))
    chain = CHAIN.model_copy(update={"recipe": seeded, "recipe_id": seeded.id, "stage_seconds": ()})
    table = rows([document(), chain])
    found = steps(next(row for row in table if row.document is chain), table)
    assert found[0].recipe == Recipe()
    assert found[0].row is not None
    assert [step.seconds for step in found] == [None, None, None]
