"""The documentation matches the code: reference, commands, links, paths and examples."""

from __future__ import annotations

import argparse
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import STAGES, methods
from paretoscope.settings import documented
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import PROJECT


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", PROJECT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT / "docs"))
        spec.loader.exec_module(module)
    return module


def _reference(name: str) -> str:
    return (PROJECT / "docs" / "reference" / name).read_text(encoding="utf-8")


def test_the_reference_is_current(generate: ModuleType) -> None:
    assert generate.stale() == [], "run `make docs-reference`"


def test_the_reference_has_no_other_pages(generate: ModuleType) -> None:
    written = {Path(name).name for name in generate.PAGES if name.startswith("reference/")}
    assert {path.name for path in (PROJECT / "docs" / "reference").iterdir()} == written


def test_the_glossary_has_terms_of_one_sentence(generate: ModuleType) -> None:
    lines = generate.GLOSSARY.read_text(encoding="utf-8").splitlines()
    terms = [re.fullmatch(r"\*\*([A-Z][^*]*)\*\*: [A-Z][^.]*\.", line) for line in lines]
    assert all(terms), [line for line, term in zip(lines, terms, strict=True) if not term]
    assert len({term[1] for term in terms if term}) == len(lines) == 21


def _leaves(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield (*path, name), command
                yield from _leaves(command, (*path, name))


def test_every_command_and_option_is_documented(generate: ModuleType) -> None:
    text = _reference("command-line.md")
    commands = dict(_leaves(generate._parser()))
    assert {("run",), ("sweep",), ("frontier",), ("export",), ("report",), ("engine",)} <= set(
        commands
    )
    for names, command in commands.items():
        assert f"## paretoscope {' '.join(names)}\n" in text
        for action in command._actions:
            argument = f"{' '.join(names)} {action.option_strings or action.dest}"
            assert action.help, f"{argument} has no help"
            if action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
                assert all(option in text for option in action.option_strings)


@pytest.mark.parametrize("kind", STAGES)
def test_every_stage_and_field_is_documented(kind: str) -> None:
    text = _reference("recipes.md")
    section = text.partition(f"### {kind}\n")[2].partition("\n### ")[0]
    fields = {name: field for name, field in STAGES[kind].model_fields.items() if name != "kind"}
    assert STAGES[kind].__doc__
    for name, field in fields.items():
        assert f"`{name}`" in section
        assert field.description, f"{kind}.{name} has no description"


@pytest.mark.parametrize(
    "table", ["WEIGHT_SCORES", "STRUCTURE_CRITERIA", "ROUNDINGS", "CALIBRATIONS"]
)
def test_every_method_is_documented_and_has_its_file(table: str) -> None:
    text = _reference("recipes.md")
    for method in getattr(methods, table).values():
        assert f"| `{method.name}` | {method.label} | {method.source} | `{method.module}` |" in text
        assert importlib.util.find_spec(method.module), f"{method.module} does not exist"


def test_no_method_table_is_left_out(generate: ModuleType) -> None:
    tables = [
        value
        for value in vars(methods).values()
        if isinstance(value, dict)
        and value
        and all(isinstance(one, methods.Method) for one in value.values())
    ]
    assert [known for _, known in generate.METHOD_TABLES.values()] == tables


@pytest.mark.parametrize("key", METRICS)
def test_every_metric_is_documented(key: str) -> None:
    assert f"| `{key}` | {METRICS[key].label} |" in _reference("metrics.md")


def test_every_field_of_the_trial_document_is_documented() -> None:
    assert all(
        f"| `{name}` |" in _reference("trial-document.md") for name in TrialDocument.model_fields
    )


def test_every_environment_variable_is_documented() -> None:
    """Those that the code names in messages are among the settings."""
    sources = [
        PROJECT / "app.py",
        *(path for name in ("compression", "pages") for path in (PROJECT / name).rglob("*.py")),
    ]
    named = {
        name
        for path in sources
        for name in re.findall(r"PARETOSCOPE_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert named <= set(documented())
    assert all(f"| `{name}` |" in _reference("environment.md") for name in documented())


EXAMPLES = {"compression/paretoscope/pruning/criteria/random.py"}
"""Files that a reader is asked to write."""
PROSE = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_between_files_work(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [
        link for link in links if not link.startswith("http") and not (path.parent / link).exists()
    ]
    assert not missing, f"{path.name} links to {missing}"


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(PROJECT)))
def test_paths_of_the_package_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    paths = set(re.findall(r"`(compression/paretoscope/[\w./-]*)`", text))
    missing = [each for each in paths if not (PROJECT / each).exists()]
    assert set(missing) <= EXAMPLES, f"{path.name} names {missing}"


def test_the_readme_shows_real_targets_and_commands(generate: ModuleType) -> None:
    readme = "\n".join(
        path.read_text(encoding="utf-8") for path in PROSE if "reference" not in path.parts
    )
    targets = set(
        re.findall(
            r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    assert set(re.findall(r"`make ([a-z-]+)", readme)) <= targets
    commands = {names[0] for names, _ in _leaves(generate._parser())}
    shown = set(re.findall(r"(?:^ {4}|`)paretoscope ([a-z]+)", readme, flags=re.MULTILINE))
    assert shown
    assert shown <= commands
    for recipe_file in re.findall(r"data/recipes/[a-z0-9-]+\.yaml", readme):
        assert (PROJECT / recipe_file).is_file()


def test_yaml_in_the_readme_is_a_recipe() -> None:
    blocks = re.findall(
        r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert blocks
    for block in blocks:
        assert parse_recipe(yaml.safe_load(block)).stages
