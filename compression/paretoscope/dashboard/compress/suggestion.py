"""The best recipe within limits on size and loss.

Measured models come first; else recipes are generated and ranked by their estimates.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from paretoscope.dashboard.compress import candidates
from paretoscope.dashboard.compress.candidates import (
    Stages,
    estimated_change,
    loss,
    megabytes,
    usable,
)
from paretoscope.dashboard.compress.estimates import Figures, figures
from paretoscope.dashboard.compress.evidence import ranked
from paretoscope.dashboard.parts.test_summary import quality_change
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.limits import Constraint, MaxDrop
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.report.tables.table import Row
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.format import speed_in_words
from paretoscope.trials.metrics import metric


class Suggestion(NamedTuple):
    """A recipe within the limits, or the nearest to them, and one sentence why."""

    recipe: Recipe
    why: str


def suggest(
    scope: Scope, shape: ModelShape | None, most_bytes: float, most_drop: float, *, decoder: bool
) -> Suggestion | None:
    """The best recipe of at most `most_bytes` that loses at most `most_drop` (0.02: 2 points).

    Measured models first; else generated ones by their estimates. None if nothing is known.
    """
    found = ranked(scope)
    rows = usable(found, decoder=decoder)
    limits = [Constraint("size_bytes", most_bytes), MaxDrop(most_drop, scope.axes.quality)]
    if row := candidates.best(found, rows, limits):
        where = f" on the {found.where}" if found.where else ""
        return Suggestion(row.document.recipe, f"Measured{where}: {_in_words(row)}.")
    return _generated(scope, shape, (most_bytes, most_drop), decoder=decoder)


def _in_words(row: Row) -> str:
    parts = [metric("size_bytes").format(row.point.value("size_bytes")), quality_change(row)]
    if row.document.speedup:
        parts.append(speed_in_words(row.document.speedup, row.document.placebo, digits=1))
    return f"{row.short_name}, {', '.join(parts)}; the best trade-off within both limits"


def _generated(
    scope: Scope, shape: ModelShape | None, limits: tuple[float, float], *, decoder: bool
) -> Suggestion | None:
    if shape is None:
        return None
    every = [
        found
        for stages in _grid(shape.layers, decoder=decoder)
        if (found := figures(scope, shape, parse_recipe({"stages": stages}))).size
    ]
    most_bytes, most_drop = limits
    small = [each for each in every if each.size and each.size.total_bytes <= most_bytes]
    known = [each for each in small if loss(scope, each) is not None]
    within = [each for each in known if (loss(scope, each) or 0.0) <= most_drop]
    if within:
        best = max(within, key=_speed)
        return Suggestion(best.recipe, f"Estimated: {_about(scope, best)}; within both limits.")
    if known:
        best = min(known, key=lambda each: loss(scope, each) or 0.0)
        return Suggestion(
            best.recipe, f"No recipe meets both limits; the least loss: {_about(scope, best)}."
        )
    best = min(small or every, key=lambda each: each.size.total_bytes if each.size else 0.0)
    end = "the smallest that can be generated" if not small else "the loss is not known yet"
    return Suggestion(best.recipe, f"{_about(scope, best)}; {end}.")


def _grid(layers: int, *, decoder: bool) -> Iterator[Stages]:
    """A small set of recipes of different sizes."""
    if decoder:
        for bits, embedding in product((8, 6, 4, 3), (8, 4)):
            stage = {"kind": "quantize", "scheme": "weight-only", "bits": bits}
            real = {"zero_point": "real"} if bits < 8 else {}
            yield [stage | real | {"embedding_bits": embedding, "head_bits": embedding}]
        return
    depths = sorted({layers, layers * 2 // 3, layers // 2, layers // 3} - {0}, reverse=True)
    for depth, ffn, tokens, bits in product(depths, (0.0, 0.5), (0.0, 0.5), (8, 4)):
        if depth == layers and ffn:
            continue
        student = {"kind": "distill", "layers": depth, "ffn_ratio": ffn, "epochs": 20 if ffn else 8}
        vocabulary = {"kind": "prune-structure", "target": "vocabulary", "ratio": tokens}
        retraining = {"retrain_epochs": 5, "distill_weight": 0.7}
        yield [
            *([student] if depth < layers else []),
            *([vocabulary | retraining] if tokens else []),
            {"kind": "quantize", "embedding_bits": bits},
        ]


def _speed(found: Figures) -> float:
    speedup = found.numbers.speedup if found.numbers else None
    return speedup.value if speedup else 0.0


def _about(scope: Scope, found: Figures) -> str:
    parts = [megabytes(found.size.total_bytes if found.size else None)]
    parts.append(f"about {estimated_change(scope, found)}")
    if speed := _speed(found):
        parts.append(f"about {speed:.1f}x the speed")
    return f"{short_name(found.recipe)}, {', '.join(parts)}"
