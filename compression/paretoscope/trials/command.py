"""The commands that measure the model of a document again, and write a split of its data."""

from __future__ import annotations

import csv
import io
import shlex
from typing import Any

from pydantic import BaseModel

from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import TrialDocument

OF_TRAINING = ("unlabelled",)
"""Options of the data that only `run` has."""


def run_command(document: TrialDocument, model: str, task: str) -> str:
    """`paretoscope run ...` with the options and conditions of the document.

    `model` and `task` are names as they can be typed; the recipe is in `recipe.yaml`.
    """
    words = ["paretoscope", "run", model, "--recipe", "recipe.yaml"]
    words += [*_option("task", task), *_option("protocol", document.protocol)]
    under = document.measured_under[1]
    if under and under != Conditions():
        for name, value in under.model_dump().items():
            words += _option(name, value)
    for name, value in document.data_options.items():
        words += _option(name, value)
    return shlex.join(words)


def split_command(document: TrialDocument, task: str, split: str) -> str:
    """`paretoscope tasks ... --to examples.jsonl`, which writes a split for `run.py --evaluate`."""
    words = ["paretoscope", "tasks", f"./{task}" if task.startswith("-") else task]
    words += [*_option("split", split), "--to", "examples.jsonl"]
    for name, value in document.data_options.items():
        if name not in OF_TRAINING:
            words += _option(name, value)
    return shlex.join(words)


def data_options(options: BaseModel) -> list[str]:
    """The options of a data file that differ from their defaults, as words of a command line."""
    given = options.model_dump(exclude_defaults=True)
    return [
        word
        for name, value in given.items()
        if name not in OF_TRAINING
        for word in _option(name, value)
    ]


def _option(name: str, value: Any) -> list[str]:
    """An option as words of a command line; a value with a hyphen needs the form with "=".

    >>> _option("labels", ["a", "b, c"]), _option("group_column", "-g"), _option("batch", 2)
    (['--labels', 'a,"b, c"'], ['--group-column=-g'], ['--batch', '2'])
    """
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    text = str(value) if name != "labels" else _comma_separated(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _comma_separated(names: list[str]) -> str:
    """Names as the options `--labels` reads them: quoted as in CSV where needed."""
    outer = any(name != name.strip() for name in names)
    written = io.StringIO()
    csv.writer(
        written, quoting=csv.QUOTE_ALL if outer else csv.QUOTE_MINIMAL, lineterminator=""
    ).writerow(names)
    return written.getvalue()
