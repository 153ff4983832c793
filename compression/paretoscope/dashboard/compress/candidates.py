"""Recipes to start from, with their figures: measured models ranked as in Explore, else generic.

The best recipe within limits is in `suggestion.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from paretoscope.dashboard.compress.estimates import Figures, figures
from paretoscope.dashboard.compress.evidence import Evidence, ranked
from paretoscope.dashboard.compress.form.from_recipe import from_recipe
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.limits import Limit, MaxDrop
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import Row
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.axes import DROP_POINTS
from paretoscope.trials.metrics import metric

SAFE, BALANCED, SMALLEST = "Safe", "Balanced", "Smallest"


Stages = list[dict[str, Any]]
"""The stages of a recipe, as in a file."""


class Preset(NamedTuple):
    """A recipe to start from; `figures` are its size and its change of quality."""

    name: str
    recipe: Recipe
    figures: str


def presets(scope: Scope, shape: ModelShape | None, *, decoder: bool) -> list[Preset]:
    """Up to three, each a different recipe, from the safest to the smallest."""
    found = ranked(scope)
    rows = usable(found, decoder=decoder)
    if found.baseline is None or len(rows) < 3:
        return list(_generic(scope, shape, decoder=decoder))
    usual = MaxDrop(DROP_POINTS / 100, scope.axes.quality)
    balanced = best(found, rows, [usual])
    rest = [row for row in rows if row is not balanced]
    chosen = {
        SAFE: best(found, rest, [MaxDrop(0.0, scope.axes.quality)]),
        BALANCED: balanced,
        SMALLEST: _smallest(found, rest, usual),
    }
    found_presets: dict[str, Preset] = {}
    for name, row in chosen.items():
        # What the balanced one dominates is no choice.
        if row and not (row is not balanced and balanced and _dominates(balanced, row)):
            about = f"{megabytes(row.point.value('size_bytes'))} {short_change(row)}"
            preset = Preset(name, row.document.recipe, about)
            found_presets.setdefault(row.document.recipe_id, preset)
    return list(found_presets.values())


def _dominates(one: Row, other: Row) -> bool:
    """Whether `one` is at least as good in every objective."""
    keys = one.document.axes.objectives
    return all(one.point.cost(key) <= other.point.cost(key) for key in keys)


def usable(found: Evidence, *, decoder: bool) -> list[Row]:
    """Compressed models without a noisy session whose recipe the form can show."""

    def fits(recipe: Recipe) -> bool:
        try:
            from_recipe(recipe, decoder=decoder)
        except ParetoscopeError:
            return False
        return True

    return [
        row
        for row in found.rows
        if not row.document.is_baseline and not row.noisy and fits(row.document.recipe)
    ]


def best(found: Evidence, rows: Sequence[Row], limits: Sequence[Limit]) -> Row | None:
    """What Explore recommends under the limits; None for the baseline."""
    base = found.baseline
    if base is None:
        return None
    by_id = {row.id: row for row in rows}
    points = [base.point, *(row.point for row in rows)]
    axes = base.document.axes
    best = recommend(points, limits, objectives(*axes.objectives), base.point).best
    return by_id.get(best or "")


def _smallest(found: Evidence, rows: Sequence[Row], limit: MaxDrop) -> Row | None:
    base = found.baseline
    within = [
        row
        for row in rows
        if base and row.point.value("size_bytes")
        if (slack := limit.slack(row.point, base.point)) is not None and slack >= 0
    ]
    return min(within, key=lambda row: row.point.cost("size_bytes"), default=None)


def _generic(scope: Scope, shape: ModelShape | None, *, decoder: bool) -> Iterator[Preset]:
    """Recipes for a model that nobody has measured, with estimates."""
    layers = shape.layers if shape else 0
    contents = _generic_decoder() if decoder else _generic_classifier(layers)
    for name, stages in contents.items():
        found = figures(scope, shape, parse_recipe({"stages": stages}))
        if found.size:
            about = f"{megabytes(found.size.total_bytes)} {estimated_change(scope, found)}"
            yield Preset(name, found.recipe, about.strip())
        elif shape is None and name == SAFE:
            yield Preset(name, found.recipe, "")


def _generic_classifier(layers: int) -> dict[str, Stages]:
    narrow = {"kind": "quantize", "embedding_bits": 4}
    student = {"kind": "distill", "layers": max(1, layers // 2), "epochs": 8}
    found: dict[str, Stages] = {SAFE: [{"kind": "quantize"}]}
    if layers > 1:
        found[BALANCED] = [student, narrow]
        found[SMALLEST] = [
            student | {"ffn_ratio": 0.5, "epochs": 20},
            {
                "kind": "prune-structure",
                "target": "vocabulary",
                "ratio": 0.5,
                "retrain_epochs": 5,
                "distill_weight": 0.7,
            },
            narrow,
        ]
    return found


def _generic_decoder() -> dict[str, Stages]:
    weights = {"kind": "quantize", "scheme": "weight-only"}
    four = weights | {"bits": 4, "zero_point": "real"}
    return {
        SAFE: [weights],
        BALANCED: [four],
        SMALLEST: [four | {"rounding": "gptq", "embedding_bits": 4, "head_bits": 4}],
    }


def loss(scope: Scope, found: Figures) -> float | None:
    """Expected loss: points of accuracy / 100, or the relative rise of perplexity."""
    ratio = found.numbers.quality_ratio if found.numbers else None
    if ratio is None:
        return None
    if metric(scope.axes.quality).relative:
        return ratio.value - 1
    base = (
        found.numbers.quality.value / ratio.value if found.numbers and found.numbers.quality else 1
    )
    return base * (1 - ratio.value)


def megabytes(count: float | None) -> str:
    """
    >>> megabytes(18_960_000), megabytes(6_610_000), megabytes(146_800_000)
    ('19 MB', '6.6 MB', '147 MB')
    """
    if count is None:
        return ""
    size = count / 1e6
    return f"{size:.1f} MB" if size < 10 else f"{size:,.0f} MB"


def short_change(row: Row) -> str:
    """The measured change of quality: "-0.9", "±0.0", "+0.7 %"."""
    key = row.document.axes.quality
    value, base = row.point.value(key), row.baseline.get(key)
    if value is None or base is None:
        return ""
    if metric(key).relative:
        return f"{signed(100 * (value / base - 1))} %"
    return signed(100 * (value - base))


def estimated_change(scope: Scope, found: Figures) -> str:
    """The expected change of quality in the same form."""
    lost = loss(scope, found)
    if lost is None:
        return ""
    return f"{signed(100 * lost)} %" if metric(scope.axes.quality).relative else signed(-100 * lost)


def signed(points: float) -> str:
    """
    >>> signed(-0.93), signed(0.02), signed(1.0)
    ('-0.9', '±0.0', '+1.0')
    """
    return "±0.0" if abs(points) < 0.05 else f"{points:+.1f}"
