"""Widths by part in recipes: written as a mapping, checked by name and width, part of the id."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from paretoscope.errors import RecipeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize


def recipe(parts: Any, **more: Any) -> Recipe:
    stage = {"kind": "quantize", "scheme": "weight-only", "parts": parts, **more}
    return parse_recipe({"stages": [stage]})


def test_a_recipe_with_parts_is_read_as_it_is_written() -> None:
    made = recipe({"layer.1.qkv": 2, "layer.0.ffn": 4})
    again = parse_recipe(yaml.safe_load(made.to_yaml()))
    assert again.id == made.id
    assert made.id == recipe({"layer.0.ffn": 4, "layer.1.qkv": 2}).id
    assert hash(again) == hash(made)
    assert made.id != recipe({"layer.0.ffn": 2, "layer.1.qkv": 2}).id


def test_without_parts_the_id_is_that_of_a_recipe_without_the_field() -> None:
    assert recipe({}).id == Recipe(stages=(Quantize(scheme="weight-only"),)).id


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"embedding": 4}, "cannot name"),
        ({"layer.0.ffn.up": 4}, "cannot name"),
        ({"layer.00": 4}, "cannot name"),
        ({"layer.0": 3}, "2, 4, 8 or 32"),
        ({"layer.0": True}, "2, 4, 8 or 32"),
        ([["layer.0", 4]], "mapping"),
    ],
)
def test_unknown_parts_and_widths_are_refused(parts: Any, reason: str) -> None:
    with pytest.raises(RecipeError, match=reason):
        recipe(parts)


@pytest.mark.parametrize(
    "more", [{"scheme": "int8-dynamic"}, {"bits": 4.5}, {"train_epochs": 1}, {"max_mb": 9}]
)
def test_parts_need_a_known_width_for_the_others(more: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="parts need"):
        recipe({"layer.0": 4}, **more)
