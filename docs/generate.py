"""Writes docs/reference and docs/glossary.md from the code.

The other pages of docs/ are written by hand. With `--check` it only reports stale pages.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from pydantic import BaseModel
from reference_markdown import allowed, arguments, commands, default, prose, sentence, table

from paretoscope.cli.parser import _parser
from paretoscope.families.decoders import DECODERS
from paretoscope.families.encoders import ENCODERS
from paretoscope.families.traced import TRACED, TracedFamily
from paretoscope.graphs.export import TOLERANCE
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.stages import GROUP_SIZES, STAGES, Stage, methods
from paretoscope.recipes.stages.methods import Method
from paretoscope.settings import documented
from paretoscope.shape.compatibility import DECODER_TARGETS
from paretoscope.trials import trial
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.request import TrialRequest
from paretoscope.values import Value
from paretoscope.workspace import PROJECT, write_whole

DOCS = PROJECT / "docs"
GLOSSARY = PROJECT / "compression" / "paretoscope" / "dashboard" / "glossary.md"
NOTICE = "<!-- Written from the code by `make docs-reference`. Edit the code, not this file. -->\n"

METHOD_TABLES: dict[tuple[str, str], tuple[str, Mapping[str, Method]]] = {
    ("prune-weights", "method"): (
        "Scores weights (the highest are kept), or prunes and updates a whole matrix.",
        methods.WEIGHT_SCORES,
    ),
    ("prune-structure", "criterion"): (
        "Scores heads, neurons, layers or hidden dimensions; the highest are kept.",
        methods.STRUCTURE_CRITERIA,
    ),
    ("quantize", "rounding"): (
        "Rounds weights in weight-only schemes.",
        methods.ROUNDINGS,
    ),
    ("quantize", "calibration"): (
        "Chooses the range of an activation in static int8.",
        methods.CALIBRATIONS,
    ),
}
"""(stage, field) -> what a method of that field does, and the known methods."""
CHOICES: dict[tuple[str, str], Iterable[object]] = {
    **{field: known for field, (_, known) in METHOD_TABLES.items()},
    ("quantize", "group_size"): GROUP_SIZES,
}
"""Fields whose values are in a table of the recipe language instead of in their type."""


def _stage(kind: str, stage: type[Stage]) -> Iterator[str]:
    yield (
        f"### {kind}\n\n{prose(stage)}\n\nStrategy: {stage.strategy}. Module: `{stage.module}`.\n\n"
    )
    choices = {name: values for (owner, name), values in CHOICES.items() if owner == kind}
    yield _fields(stage, choices) + "\n"


def _fields(owner: type[BaseModel], choices: Mapping[str, Iterable[object]] | None = None) -> str:
    """The table of a model's fields but `kind`; `choices` are the method names of a field."""
    rows: list[list[str]] = []
    for name, field in owner.model_json_schema()["properties"].items():
        takes = allowed({"enum": list(choices[name])} if choices and name in choices else field)
        rows.append([f"`{name}`", takes, default(field), field.get("description", "")])
    return table(
        ["field", "values", "default", "description"], [row for row in rows if row[0] != "`kind`"]
    )


FIELDS = (
    ("`version`", "`1`", "version of this language"),
    ("`name`", "text", Recipe.model_fields["name"].description or ""),
    ("`seed`", "integer, at least 0", "seed of all random numbers"),
    ("`stages`", "list", "stages in order, `quantize` last; without stages it is the baseline"),
    ("`recover`", "`max_drop`, `epochs`", "largest loss of a stage, and epochs to recover it"),
)
"""Fields of a recipe."""


def recipes_page() -> str:
    """The recipe language: fields of every stage, every method, every example."""
    example = (PROJECT / "data" / "recipes" / "tiny.yaml").read_text(encoding="utf-8")
    parts = [
        f"# Recipes\n\n{NOTICE}\n{prose(Recipe)} Written in YAML or JSON; every field but `kind`",
        f" has a default.\n\n```yaml\n{example}```\n\n",
        table(["field", "values", "description"], FIELDS),
        f"\n## Recover\n\n{prose(Recover)}\n\n{_fields(Recover)}\n## Stages\n\n",
    ]
    for kind, stage in STAGES.items():
        parts += _stage(kind, stage)
    parts.append("## Methods\n\n")
    for (kind, field), (about, known) in METHOD_TABLES.items():
        rows = (
            [f"`{method.name}`", method.label, method.source, f"`{method.module}`"]
            for method in known.values()
        )
        methods_table = table(["name", "label", "source", "file"], rows)
        parts.append(f"### `{field}` of {kind}\n\n{about}\n\n{methods_table}\n")
    examples = table(["file", "recipe", "purpose"], _examples())
    parts.append(f"## Examples\n\nIn `data/recipes`:\n\n{examples}")
    return "".join(parts)


def _examples() -> Iterator[list[str]]:
    for path in sorted((PROJECT / "data" / "recipes").glob("*.yaml")):
        comment = [
            line[1:].strip()
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        ]
        yield [f"`{path.name}`", load_recipe(path).in_words(), " ".join(comment)]


def metrics_page() -> str:
    """Every metric."""
    rows = (
        [f"`{key}`", row.label, row.unit, f"{row.better} is better", row.about]
        for key, row in METRICS.items()
    )
    about = "Use these keys in `frontier --x`, the axis pickers, objectives and limits.\n\n"
    return f"# Metrics\n\n{NOTICE}\n{about}" + table(
        ["key", "label", "unit", "direction", "description"], rows
    )


YES, NO = "yes", "no"


def families_page() -> str:
    """What is supported for each family of models, and why not."""
    header = ["family", "exact graph", "single weights", "structure", "int8", "4 bits"]
    header += ["distilled", "remarks"]
    assembled = ([f"`{name}`", "assembled", *[YES] * 5, ""] for name in ENCODERS)
    traced = (_traced_row(row) for row in TRACED.values() if not row.refused)
    refused = ([f"`{row.model_type}`", row.refused] for row in TRACED.values() if row.refused)
    decoders = (
        [f"`{name}`", "assembled", YES, f"{', '.join(DECODER_TARGETS)}", YES, YES, "from logits"]
        for name in DECODERS
    )
    return "".join(
        (
            f"# Families\n\n{NOTICE}\n{FAMILIES_ABOUT}\n## Classifiers\n\n",
            table(header, [*assembled, *traced]),
            f"\nNot supported:\n\n{table(['family', 'reason'], refused)}",
            f"\n## Language models\n\n{table(header[:-1], decoders)}",
        )
    )


FAMILIES_ABOUT = f"""\
"Exact graph": the exported fp32 graph gives the logits of `transformers`, within
{TOLERANCE:g} of the largest logit, for 3, 17 and 128 tokens and the longest text that the model
reads, in batches of 1 and 5, with padding, and with special tokens and padding inside texts. Every
export is compared so, and tests do it for each row on tiny models;
`python -m benchmarks.families` does it for 300 random models. An assembled graph is built by
Paretoscope; a traced graph is exported by torch and compared before a trial is queued. A family in
no table is compared in the same way, and refused when its graph differs or cannot be made.

int8 and 4 bits quantize every matrix, the word embedding and the head. Position embeddings, norms
and biases stay in fp32, and what else a remark names. Structure and students of a traced family
are not supported, because its layers have no row in `families/encoders.py`;
[adding a family](../adding-a-family.md) shows how to add one.
"""


def _traced_row(row: TracedFamily) -> list[str]:
    weights = YES
    if row.unpruned:
        weights = f"yes, except {row.unpruned}" if row.prunable else "no: no linear modules"
    floats = f"{row.floats} stay in fp32" if row.floats else ""
    remarks = "; ".join(filter(None, (row.note, row.warning, floats)))
    return [f"`{row.model_type}`", "traced", weights, NO, YES, YES, NO, remarks]


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
        and found not in (Value, trial.TrialDocument, TrialRequest)
    ]
    for document in documents:
        about = f"{prose(document)}\n\n" if document.__doc__ else ""
        parts.append(f"## {document.__name__}\n\n{about}")
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
        "paretoscope.trials.request.",
        "paretoscope.recipes.recipe.",
        "paretoscope.recipes.stages.",
        "typing.",
        "datetime.",
    ):
        text = text.replace(prefix, "")
    return text


def command_line_page() -> str:
    """Every command with its arguments, from the parser."""
    root = _parser()
    parts = [
        f"# Command line\n\n{NOTICE}\n`paretoscope`, or `python -m paretoscope`."
        f" {root.description or ''}\n\n"
    ]
    shared = {option for action in root._actions for option in action.option_strings}
    parts.append("Options of every command:\n\n" + arguments(root, set()))
    for names, command in commands(root, ()):
        about = sentence(command.description)
        heading = f"\n## paretoscope {' '.join(names)}\n\n{about[:1].upper()}{about[1:]}.\n\n"
        parts.append(heading + arguments(command, shared))
    return "".join(parts).rstrip() + "\n"


def environment_page() -> str:
    """Every environment variable that the code reads."""
    rows = ([f"`{name}`", about] for name, about in documented().items())
    hub = (
        "`HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` are respected when a model comes from the"
        " Hugging Face Hub; the token is never stored.\n"
    )
    return (
        f"# Environment variables\n\n{NOTICE}\n"
        + table(["variable", "description"], rows)
        + f"\n{hub}"
    )


def glossary_page() -> str:
    """The terms of the page's glossary, sorted."""
    terms = sorted(GLOSSARY.read_text(encoding="utf-8").splitlines(), key=str.casefold)
    items = (fill(term, 100, initial_indent="- ", subsequent_indent="  ") for term in terms)
    return f"# Glossary\n\n{NOTICE}\n" + "\n".join(items) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "glossary.md": glossary_page,
    "reference/recipes.md": recipes_page,
    "reference/metrics.md": metrics_page,
    "reference/families.md": families_page,
    "reference/trial-document.md": document_page,
    "reference/command-line.md": command_line_page,
    "reference/environment.md": environment_page,
}
"""Pages by their path in docs/."""


def stale() -> list[Path]:
    """Pages that are missing or differ from the code."""
    wrong: list[Path] = []
    for name, page in PAGES.items():
        path = DOCS / name
        if not path.is_file() or path.read_text(encoding="utf-8") != page():
            wrong.append(path)
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the stale pages; with `--check` only report them, with exit status 1."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="report stale pages without writing")
    only_check = options.parse_args(arguments).check
    wrong = stale()
    for path in wrong:
        print(f"{'stale' if only_check else 'written'}: {path.relative_to(PROJECT)}")
        if not only_check:
            write_whole(path, PAGES[path.relative_to(DOCS).as_posix()]())
    return 1 if wrong and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
