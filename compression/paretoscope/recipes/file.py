"""Reading recipes from YAML or JSON files and from plain values, with one sentence per error.

The language is defined in `recipes/recipe.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from paretoscope.errors import RecipeError, did_you_mean
from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.stages import STAGES
from paretoscope.workspace import SHIPPED


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a YAML or JSON file; raises `RecipeError` in one sentence.

    A plain name such as `int8` reads the shipped recipe of that name, unless such a file exists.
    """
    try:
        content = yaml.safe_load(_located(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(
            f'There is no recipe file "{path}"; give the path of a YAML or JSON file, or a shipped'
            f" recipe: {did_you_mean(str(path), shipped_recipes())}"
        ) from error
    except UnicodeDecodeError as error:
        raise RecipeError(
            f'The recipe file "{path}" cannot be read: its byte {error.start} is not UTF-8; give a'
            " YAML or JSON file."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(
            f'The recipe file "{path}" cannot be read: {reason}; give the path of a YAML or JSON'
            " file."
        ) from error
    except RecursionError as error:
        raise RecipeError(
            f'The recipe file "{path}" is nested too deeply; a recipe is a list of stages with'
            " plain fields."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(
            f'The recipe file "{path}" is not valid YAML{where}:'
            f" {getattr(error, 'problem', error)}."
        ) from error
    if content is None:
        raise RecipeError(
            f'The recipe file "{path}" is empty; write "stages: []" for the baseline.'
        )
    return parse_recipe(content, where=f'In recipe "{path}"')


def shipped_recipes() -> dict[str, Path]:
    """The recipes that are distributed with the package: name -> file."""
    return {path.stem: path for path in sorted((SHIPPED / "recipes").glob("*.yaml"))}


def _located(path: str | Path) -> Path:
    """The file itself, else the shipped recipe that a plain name stands for."""
    given = Path(path)
    if given.exists() or given.name != str(path):
        return given
    return shipped_recipes().get(given.name.removesuffix(".yaml"), given)


def parse_recipe(content: Any, *, where: str = "In the recipe") -> Recipe:
    """A recipe from dictionaries and lists; a `RecipeError` names the stage and the field.

    >>> parse_recipe({"stages": "int8"})
    Traceback (most recent call last):
    ...
    paretoscope.errors.RecipeError: In the recipe: stages should be a list, but got "int8".
    """
    if content is None:
        return Recipe()
    if not isinstance(content, Mapping):
        raise RecipeError(
            f"{where}: expected fields such as version, seed and stages, but got {_brief(content)}."
        )
    fields = cast("Mapping[str, Any]", content)
    stages: Any = fields.get("stages")
    for place, stage in enumerate(
        cast("list[Any]", stages) if isinstance(stages, list) else [], start=1
    ):
        kind: Any = (
            cast("Mapping[str, Any]", stage).get("kind") if isinstance(stage, Mapping) else None
        )
        if not isinstance(kind, str):
            raise RecipeError(
                f"{where}, stage {place}: expected a kind, one of {', '.join(STAGES)}, but got"
                f" {_brief(stage)}."
            )
        if kind not in STAGES:
            raise RecipeError(
                f'{where}, stage {place}: there is no stage kind "{kind}";'
                f" {did_you_mean(kind, STAGES)}"
            )
    try:
        return Recipe.model_validate(dict(fields))
    except ValidationError as error:
        raise RecipeError(_one_sentence(error, fields, where)) from error


def _one_sentence(error: ValidationError, content: Mapping[str, Any], where: str) -> str:
    """The first error that pydantic reports, as one sentence."""
    first = error.errors()[0]
    location = [part for part in first["loc"] if not isinstance(part, str) or part not in STAGES]
    fields: Mapping[str, Any] = Recipe.model_fields
    if location[:1] == ["stages"] and len(location) > 1:
        place = int(location[1])
        kind = content["stages"][place]["kind"]
        where = f"{where}, stage {place + 1} ({kind})"
        fields, location = STAGES[kind].model_fields, location[2:]
    elif location[:1] == ["recover"] and len(location) > 1:
        where, fields, location = f"{where}, recover", Recover.model_fields, location[1:]
    name = str(location[0]) if location else ""
    if first["type"] == "extra_forbidden":
        return f'{where}: there is no field "{name}"; {did_you_mean(name, fields)}'
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if first["type"] == "value_error":
        return f"{where}: {message.rstrip('?')}{'?' if message.endswith('?') else '.'}"
    message = message.replace("a valid tuple", "a list").partition(", unable")[0]
    return f"{where}: {name} {message}, but got {_brief(first['input'])}."


def _brief(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
