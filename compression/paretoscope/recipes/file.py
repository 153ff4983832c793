"""Reading recipes from YAML or JSON files and from plain values, with a sentence per problem.

The language is defined in `recipes/recipe.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from paretoscope.errors import Problems, RecipeError, did_you_mean
from paretoscope.recipes.recipe import Recipe, Recover, order_problems
from paretoscope.recipes.stages import STAGES, AnyStage, PruneStructure
from paretoscope.workspace import SHIPPED


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a YAML or JSON file; raises `RecipeError`, which names every problem.

    A plain name such as `int8` reads the shipped recipe of that name, unless such a file exists.
    """
    try:
        text = _located(path).read_text(encoding="utf-8")
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
    return recipe_from_text(text, f'recipe file "{path}"', where=f'In recipe "{path}"')


def recipe_from_text(text: str, name: str, *, where: str = "In the recipe") -> Recipe:
    """A recipe from the text of a YAML or JSON file; raises `RecipeError`.

    >>> recipe_from_text("stages: [{kind: quantize}]", "text").in_words()
    'int8 dynamic'
    """
    try:
        content = yaml.safe_load(text)
    except RecursionError as error:
        raise RecipeError(
            f"The {name} is nested too deeply; a recipe is a list of stages with plain fields."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(
            f"The {name} is not valid YAML{at}: {getattr(error, 'problem', error)}."
        ) from error
    except ValueError as error:
        raise RecipeError(f"The {name} cannot be read: {error}; give YAML or JSON.") from error
    if content is None:
        raise RecipeError(f'The {name} is empty; write "stages: []" for the baseline.')
    return parse_recipe(content, where=where)


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
    """A recipe from dictionaries and lists; a `RecipeError` names every stage and field.

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
    fields = dict(cast("Mapping[str, Any]", content))
    problems = Problems(where, RecipeError)
    stages = fields.get("stages")
    _validated(Recipe, fields | ({"stages": []} if isinstance(stages, list) else {}), problems)
    if isinstance(stages, list):
        _check_stages(cast("list[Any]", stages), problems)
    problems.check()
    return Recipe.model_validate(fields)


def _check_stages(stages: Sequence[Any], problems: Problems) -> None:
    """Every problem of a stage, and of the order of stages; defaults stand for invalid stages."""
    found: list[AnyStage] = []
    for number, stage in enumerate(stages, start=1):
        fields: Mapping[str, Any] = (
            cast("Mapping[str, Any]", stage) if isinstance(stage, Mapping) else {}
        )
        kind: Any = fields.get("kind")
        if not isinstance(kind, str):
            problems.add(
                f"stage {number}",
                f"expected a kind, one of {', '.join(STAGES)}, but got {_brief(stage)}.",
            )
        elif kind not in STAGES:
            problems.add(
                f"stage {number}",
                f'there is no stage kind "{kind}"; {did_you_mean(kind, STAGES)}',
            )
        else:
            place = f"stage {number} ({kind})"
            valid = _validated(STAGES[kind], dict(fields), problems, place)
            found.append(cast("AnyStage", valid or STAGES[kind].model_validate({"kind": kind})))
            continue
        found.append(PruneStructure())  # keeps the numbers of the stages that follow
    for problem in order_problems(found):
        problems.add("", f"{problem}.")


def _validated(
    kind: type[BaseModel], fields: dict[str, Any], problems: Problems, place: str = ""
) -> BaseModel | None:
    """The value, or None after adding its problems.

    If only names are wrong, the other fields are checked again without them: pydantic checks
    whether fields are compatible only if each of them is valid.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        for each in error.errors():
            _add(each, kind, problems, place)
        if all(each["type"] == "extra_forbidden" for each in error.errors()):
            known = {name: value for name, value in fields.items() if name in kind.model_fields}
            if len(known) < len(fields):
                _validated(kind, known, problems, place)
        return None


def _add(error: Mapping[str, Any], kind: type[BaseModel], problems: Problems, place: str) -> None:
    location = list(error["loc"])
    known: Mapping[str, Any] = kind.model_fields
    if location[:1] == ["recover"] and len(location) > 1:
        place, known, location = "recover", Recover.model_fields, location[1:]
    name = str(location[0]) if location else ""
    if error["type"] == "extra_forbidden":
        return problems.add(place, f'there is no field "{name}"; {did_you_mean(name, known)}')
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "value_error":
        end = "?" if message.endswith("?") else "."
        return problems.add(place, f"{message.rstrip('?')}{end}")
    message = message.replace("a valid tuple", "a list").partition(", unable")[0]
    return problems.add(place, f"{name} {message}, but got {_brief(error['input'])}.")


def _brief(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
