"""Markdown for docs/generate.py: tables, schema fields, docstrings and command arguments.

It knows no page of the documentation.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with escaped bars.

    >>> print(table(["a", "b"], [["1", "x|y"]]), end="")
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def allowed(schema: Mapping[str, Any]) -> str:
    """The accepted values of a field of a JSON schema.

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
            "null" if one.get("type") == "null" else allowed(one) for one in schema["anyOf"]
        )
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    words = {
        "number": "number",
        "integer": "integer",
        "string": "name",
        "array": "list",
        "object": "mapping",
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
    """A docstring as one paragraph, without its Python examples."""
    return " ".join((inspect.getdoc(owner) or "").split(">>>")[0].split())


def commands(
    root: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield (*path, name), command
                yield from commands(command, (*path, name))


def arguments(command: argparse.ArgumentParser, shared: set[str]) -> str:
    """The arguments of a command but the `shared` options, positional ones first."""
    rows: list[list[str]] = []
    for action in sorted(command._actions, key=lambda action: bool(action.option_strings)):
        hidden = isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS
        if hidden or shared.union(["--help"]).intersection(action.option_strings):
            continue
        value = action.metavar or (
            "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
        )
        name = " ".join(value) if isinstance(value, tuple) else value
        if action.option_strings:
            name = ", ".join(action.option_strings) + (f" {name}" if action.nargs != 0 else "")
        about = sentence((action.help or "").replace("%(default)s", str(action.default)))
        rows.append([f"`{name.strip()}`", about])
    return table(["argument", "description"], rows) if rows else ""


def sentence(text: str | None) -> str:
    return " ".join((text or "").split())
