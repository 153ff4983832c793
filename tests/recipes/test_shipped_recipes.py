"""Every recipe in data/recipes is valid, says what it is for, and survives being written and read
again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from paretoscope.errors import RecipeError
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.stages import STAGES, Quantize
from paretoscope.workspace import SHIPPED

RECIPES = sorted((SHIPPED / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_valid_and_explains_itself(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.stages
    assert path.read_text(encoding="utf-8").startswith("# "), (
        "the first line says what the recipe is for"
    )
    assert parse_recipe(yaml.safe_load(recipe.to_yaml())).id == recipe.id


def test_no_two_recipes_are_the_same() -> None:
    by_id = {load_recipe(path).id: path.name for path in RECIPES}
    assert len(by_id) == len(RECIPES), f"two files hold one recipe; kept: {sorted(by_id.values())}"


def test_every_stage_kind_has_a_sample() -> None:
    shown = {stage.kind for path in RECIPES for stage in load_recipe(path).stages}
    assert shown == set(STAGES)


def test_int8_is_plain_dynamic_quantization() -> None:
    assert load_recipe(SHIPPED / "recipes" / "int8.yaml").stages == (Quantize(),)


@pytest.mark.parametrize("name", ["int8", "int8.yaml"])
def test_a_plain_name_is_a_shipped_recipe(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_recipe(name).stages == (Quantize(),)


def test_an_existing_file_takes_precedence_over_a_shipped_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "int8").write_text("stages: []", encoding="utf-8")
    assert load_recipe("int8").stages == ()


def test_an_unknown_name_suggests_a_shipped_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match='did you mean "int8-static"'):
        load_recipe("int8-statik")
    with pytest.raises(RecipeError, match="There is no recipe file"):
        load_recipe(tmp_path / "int8.yaml")
