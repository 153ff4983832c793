"""Writes docs/reference from the code: recipes, metrics, the trial document, the command line,
environment variables.

Prose lives in the other pages of docs/. `python docs/generate.py` writes, `--check` only says
whether anything is stale.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from paretoscope.cli.parser import _parser
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.stages import GROUP_SIZES, STAGES, Stage, methods
from paretoscope.recipes.stages.methods import Method
from paretoscope.trials import trial
from paretoscope.trials.metrics import METRICS
from paretoscope.values import Value
from paretoscope.workspace import PROJECT, write_whole

REFERENCE = PROJECT / "docs" / "reference"
NOTICE = "<!-- Written from the code by `make docs-reference`. Edit the code, not this file. -->\n"

METHOD_TABLES: dict[tuple[str, str], tuple[str, Mapping[str, Method]]] = {
    ("prune-weights", "method"): (
        "Scores single weights, the highest are kept; or prunes and updates a whole matrix.",
        methods.WEIGHT_SCORES,
    ),
    ("prune-structure", "criterion"): (
        "Scores heads, neurons, layers or hidden dimensions; the highest are kept.",
        methods.STRUCTURE_CRITERIA,
    ),
    ("quantize", "rounding"): (
        "Finds the integer of a weight in weight-only schemes.",
        methods.ROUNDINGS,
    ),
    ("quantize", "calibration"): (
        "Finds the range of an activation in static int8.",
        methods.CALIBRATIONS,
    ),
}
"""Stage and field -> what a method of it does, and the methods that there are."""
CHOICES: dict[tuple[str, str], Iterable[object]] = {
    **{field: known for field, (_, known) in METHOD_TABLES.items()},
    ("quantize", "group_size"): GROUP_SIZES,
}
"""Fields whose values stand in a table of the recipe language rather than in their type."""

ENVIRONMENT = {
    "PARETOSCOPE_HOME": (
        "The workspace folder: store, artefacts, cache, logs. When unset: `data/workspace` in a"
        " clone, else the user's data folder (`~/.local/share/paretoscope` on Linux)."
        " `--workspace` takes precedence."
    ),
    "PARETOSCOPE_DATABASE_URL": (
        "An SQLAlchemy URL for the store. SQLite inside the workspace when unset."
    ),
    "PARETOSCOPE_CACHE_GB": (
        "How large the cache of stages may grow before what was used longest ago goes."
    ),
    "PARETOSCOPE_WATTS_PER_CORE": (
        "Watts of one busy core, for the energy estimate where the machine shows no counter."
    ),
    "PARETOSCOPE_SCHEDULER": (
        "Address of a Dask scheduler (`tcp://host:8786`) that runs the trials. A local cluster when"
        " unset."
    ),
}
"""Every variable that the code reads, and what it does; tests/test_documentation.py compares this
with the code.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars within a cell are escaped.

    >>> print(table(["a", "b"], [["1", "x|y"]]), end="")
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def allowed(schema: Mapping[str, Any]) -> str:
    """What a field of a JSON schema accepts, in a few words.

    >>> allowed({"type": "number", "minimum": 0, "exclusiveMaximum": 1})
    'number, at least 0, below 1'
    >>> allowed({"enum": ["heads", "ffn"]})
    '`heads`, `ffn`'
    """
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(
            "nothing" if one.get("type") == "null" else allowed(one) for one in schema["anyOf"]
        )
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    words = {
        "number": "number",
        "integer": "whole number",
        "string": "name",
        "array": "list",
        "boolean": "true or false",
    }
    kind = words.get(schema.get("type", ""), "value")
    return ", ".join(
        [kind, *(f"{word} {schema[key]:g}" for key, word in limits.items() if key in schema)]
    )


def default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return ""
    return "not set" if schema["default"] is None else f"`{schema['default']}`"


def prose(owner: object) -> str:
    """A docstring as one paragraph, its Python examples left out."""
    return " ".join((inspect.getdoc(owner) or "").split(">>>")[0].split())


def _stage(kind: str, stage: type[Stage]) -> Iterator[str]:
    yield (
        f"### {kind}\n\n{prose(stage)}\n\nStrategy: {stage.strategy}. Carried out by"
        f" `{stage.module}`.\n\n"
    )
    yield (
        _fields(
            stage, {name: choices for (owner, name), choices in CHOICES.items() if owner == kind}
        )
        + "\n"
    )


def _fields(owner: type[BaseModel], choices: Mapping[str, Iterable[object]] | None = None) -> str:
    """The table of a model's fields, its kind apart; `choices` are names of methods that a field
    takes.
    """
    rows: list[list[str]] = []
    for name, field in owner.model_json_schema()["properties"].items():
        takes = allowed({"enum": list(choices[name])} if choices and name in choices else field)
        rows.append([f"`{name}`", takes, default(field), field.get("description", "")])
    return table(
        ["field", "takes", "default", "what it does"], [row for row in rows if row[0] != "`kind`"]
    )


def recipes_page() -> str:
    """The recipe language: fields of every stage, every method, every sample that ships."""
    parts = [
        (
            f"# Recipes\n\n{NOTICE}\n{prose(Recipe)} Written in YAML or JSON; every field but"
            " `kind` has a default.\n\n"
        ),
        "```yaml\n"
        + (PROJECT / "data" / "recipes" / "tiny.yaml").read_text(encoding="utf-8")
        + "```\n\n",
        table(
            ["field", "takes", "what it does"],
            [
                ["`version`", "`1`", "version of this language"],
                ["`name`", "text", Recipe.model_fields["name"].description or ""],
                ["`seed`", "whole number, at least 0", "seed of everything that draws numbers"],
                [
                    "`stages`",
                    "list of stages",
                    "what to do, in order; `quantize` comes last; no stage is the baseline",
                ],
                [
                    "`recover`",
                    "`max_drop`, `epochs`",
                    "what one stage may cost, and the training that may win back what costs more",
                ],
            ],
        ),
        f"\n## Recover\n\n{prose(Recover)}\n\n",
        _fields(Recover),
        "\n## Stages\n\n",
    ]
    for kind, stage in STAGES.items():
        parts += _stage(kind, stage)
    parts.append("## Methods\n\n")
    for (kind, field), (about, known) in METHOD_TABLES.items():
        rows = (
            [f"`{method.name}`", method.label, method.source, f"`{method.module}`"]
            for method in known.values()
        )
        parts.append(
            f"### `{field}` of {kind}\n\n{about}\n\n"
            + table(["name", "label", "source", "file"], rows)
            + "\n"
        )
    parts.append(
        "## Samples\n\nIn `data/recipes`:\n\n" + table(["file", "in words", "what for"], _samples())
    )
    return "".join(parts)


def _samples() -> Iterator[list[str]]:
    for path in sorted((PROJECT / "data" / "recipes").glob("*.yaml")):
        comment = [
            line[1:].strip()
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        ]
        yield [f"`{path.name}`", load_recipe(path).in_words(), " ".join(comment)]


def metrics_page() -> str:
    """Every number the product can show."""
    rows = (
        [f"`{key}`", row.label, row.unit, f"{row.better} is better", row.about]
        for key, row in METRICS.items()
    )
    about = (
        "These keys work wherever a metric is asked for: `frontier --x`, the axis pickers,"
        " objectives and limits.\n\n"
    )
    return f"# Metrics\n\n{NOTICE}\n{about}" + table(
        ["key", "label", "unit", "direction", "what it is"], rows
    )


def document_page() -> str:
    """The JSON document of a trial, class by class."""
    parts = [
        f"# The trial document\n\n{NOTICE}\n`paretoscope run --json` prints one; `sweep` and"
        ' `frontier` print `{"trials": [...]}` of them.\n\n'
    ]
    documents = [trial.TrialDocument] + [
        found
        for found in vars(trial).values()
        if inspect.isclass(found)
        and issubclass(found, Value)
        and found not in (Value, trial.TrialDocument, trial.TrialRequest)
    ]
    for document in documents:
        parts.append(
            f"## {document.__name__}\n\n{prose(document)}\n\n"
            if document.__doc__
            else f"## {document.__name__}\n\n"
        )
        rows = (
            [f"`{name}`", f"`{_type_name(field.annotation)}`"]
            for name, field in document.model_fields.items()
        )
        parts.append(table(["field", "type"], rows) + "\n")
    return "".join(parts).rstrip() + "\n"


def _type_name(annotation: Any) -> str:
    text = (
        annotation.__name__
        if inspect.isclass(annotation) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
    for prefix in (
        "paretoscope.trials.trial.",
        "paretoscope.recipes.recipe.",
        "paretoscope.recipes.stages.",
        "typing.",
        "datetime.",
    ):
        text = text.replace(prefix, "")
    return text


def command_line_page() -> str:
    """Every command with its arguments, from the parser itself."""
    root = _parser()
    parts = [
        f"# Command line\n\n{NOTICE}\n`paretoscope`, or `python -m paretoscope`."
        f" {root.description or ''}\n\n"
    ]
    shared = {option for action in root._actions for option in action.option_strings}
    parts.append("These go with every command:\n\n" + _arguments(root, set()))
    for names, command in _commands(root, ()):
        about = _sentence(command.description)
        parts.append(
            "\n## paretoscope"
            f" {' '.join(names)}\n\n{about[:1].upper()}{about[1:]}.\n\n{_arguments(command, shared)}"
        )
    return "".join(parts).rstrip() + "\n"


def _commands(
    root: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield (*path, name), command
                yield from _commands(command, (*path, name))


def _arguments(command: argparse.ArgumentParser, shared: set[str]) -> str:
    """A table of what `command` takes, without what is `shared` by all; positional ones first, as
    they are typed.
    """
    rows: list[list[str]] = []
    for action in sorted(command._actions, key=lambda action: bool(action.option_strings)):
        hidden = isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS
        if hidden or shared.union(["--help"]).intersection(action.option_strings):
            continue
        value = action.metavar or (
            "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
        )
        value = " ".join(value) if isinstance(value, tuple) else value
        name = (
            ", ".join(action.option_strings) + (f" {value}" if action.nargs != 0 else "")
            if action.option_strings
            else value
        )
        rows.append(
            [
                f"`{name.strip()}`",
                _sentence((action.help or "").replace("%(default)s", str(action.default))),
            ]
        )
    return table(["argument", "what it does"], rows) if rows else ""


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def environment_page() -> str:
    """Every environment variable that the code reads."""
    rows = ([f"`{name}`", about] for name, about in ENVIRONMENT.items())
    hub = (
        "`HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` are respected when a model comes from the"
        " Hugging Face Hub; the token is never stored.\n"
    )
    return (
        f"# Environment variables\n\n{NOTICE}\n"
        + table(["variable", "what it does"], rows)
        + f"\n{hub}"
    )


PAGES = {
    "recipes.md": recipes_page,
    "metrics.md": metrics_page,
    "trial-document.md": document_page,
    "command-line.md": command_line_page,
    "environment.md": environment_page,
}


def stale() -> list[Path]:
    """Pages on disk that are not what the code says now, missing ones among them."""
    wrong = []
    for name, page in PAGES.items():
        path = REFERENCE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != page():
            wrong.append(path)
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the stale pages, or with `--check` name them and return 1."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="only say what is stale")
    only_check = options.parse_args(arguments).check
    wrong = stale()
    for path in wrong:
        print(f"{'stale' if only_check else 'written'}: {path.relative_to(PROJECT)}")
        if not only_check:
            write_whole(path, PAGES[path.name]())
    return 1 if wrong and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
