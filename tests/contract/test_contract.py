"""Recipes, ids, sizes, the command line and old workspaces are what they were when the golden
files were written."""

from __future__ import annotations

import argparse
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from paretoscope.cli.parser import main
from paretoscope.errors import ModelError
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.study import shipped_study
from paretoscope.workspace import SHIPPED, Workspace
from tests.contract.golden_files import GOLDEN, as_recorded, check_expected_bytes, golden

TRIED = ("0", "1", "16", "-3", "2.5", "x", "")
"""Words that the type of every option is tried on."""


def sha256_of_json(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- recipes and requests -----------------------------------------------------------------------


@pytest.mark.parametrize("key", ["recipe_id", "canonical_json", "yaml"])
def test_recipes_have_the_same_ids_and_spellings(key: str) -> None:
    for row in golden("recipes.json.gz"):
        recipe = parse_recipe(row["input"])
        found = {
            "recipe_id": recipe.id,
            "canonical_json": recipe.canonical_json(),
            "yaml": recipe.to_yaml(),
        }
        assert found[key] == row[key], row["name"]


def test_what_was_written_is_read_back() -> None:
    for row in golden("recipes.json.gz"):
        recipe = parse_recipe(row["input"])
        assert parse_recipe(yaml.safe_load(row["yaml"])).id == row["recipe_id"], row["name"]
        assert parse_recipe(json.loads(row["canonical_json"])).id == row["recipe_id"], row["name"]
        assert parse_recipe(recipe.model_dump(mode="json")).id == row["recipe_id"], row["name"]


def test_shipped_recipes_are_the_same() -> None:
    rows = {row["name"]: row for row in golden("recipes.json.gz") if row["name"].endswith(".yaml")}
    assert len(rows) == 26
    for name, row in rows.items():
        assert load_recipe(SHIPPED / "recipes" / name).id == row["recipe_id"], name


def test_requests_have_the_same_trial_ids() -> None:
    for row in golden("recipes.json.gz"):
        content = row["request"] | {"recipe": row["input"]}
        request = TrialRequest.model_validate(content)
        assert request.trial_id == row["trial_id"], row["name"]
        dumped = as_recorded(request.model_dump(mode="json"))
        assert {key: dumped[key] for key in dumped if key != "recipe"} == row["request_written"]


# --- expected bytes -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["minilm-trec", "smollm2-135m"])
def test_expected_bytes_of_shipped_models(model: str) -> None:
    content = golden("expected_bytes.json")[model]
    try:
        ref = resolve_model(model)
    except ModelError as error:
        pytest.skip(str(error))
    if ref.key != content["model_key"]:
        pytest.skip(f"{model} has other weights than the golden file was written for")
    check_expected_bytes(content, ref)


# --- the shipped study --------------------------------------------------------------------------


def test_the_shipped_study_reads_the_same() -> None:
    found = [
        {
            "trial_id": document.trial_id,
            "recipe_id": document.recipe.id,
            "sha256": sha256_of_json(as_recorded(document.to_json())),
        }
        for document in shipped_study()
    ]
    assert found == golden("study.json.gz")


# --- the command line ---------------------------------------------------------------------------


class CaughtError(Exception):
    """Stops a command once its parser is known."""


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """The parser that the command builds."""
    caught: list[argparse.ArgumentParser] = []

    def catch(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        caught.append(parser)
        raise CaughtError

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", catch)
        with pytest.raises(CaughtError):
            main([])
    return caught[0]


def described(parser: argparse.ArgumentParser) -> list[dict[str, Any]]:
    """Everything about the options of a parser but their sentences of help."""
    return [
        {
            "flags": list(action.option_strings),
            "name": action.dest,
            "action": type(action).__name__.strip("_"),
            "nargs": action.nargs,
            "choices": None if action.choices is None else list(action.choices),
            "default": action.default,
            "required": action.required,
            "const": action.const,
            "hidden": action.help == argparse.SUPPRESS,
            "values": converted(action),
        }
        for action in parser._actions
    ]


def converted(action: argparse.Action) -> dict[str, Any] | None:
    """What the type of an option makes of some words; None where it takes them as they are."""
    if action.type is None:
        return None
    assert callable(action.type)
    made: dict[str, Any] = {}
    for text in TRIED:
        try:
            made[text] = action.type(text)
        except (ValueError, argparse.ArgumentTypeError):
            made[text] = "refused"
    return made


def test_the_command_line_takes_the_same_options(parser: argparse.ArgumentParser) -> None:
    expected = golden("command_line.json")
    found = {"": described(parser)}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {verb: described(command) for verb, command in action.choices.items()}
    for option in found[""]:
        if option["action"] == "SubParsersAction":  # commands may be added
            option["choices"] = [verb for verb in option["choices"] if verb in expected]
    assert [verb for verb in found if verb in expected] == list(expected)
    for verb, options in expected.items():
        by_name = {option["name"]: option for option in found[verb]}  # options may be added
        assert [by_name[option["name"]] for option in options] == options, verb


# --- an old workspace ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the workspace that the code before made."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(GOLDEN / "workspace.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return Workspace.at(folder / "workspace")


def test_an_old_store_reads_the_same(old: Workspace) -> None:
    store = Store.open(old)
    found = []
    for row in store.trials():
        document = as_recorded(store.document(row.trial_id).to_json())
        found.append(
            {
                "trial_id": row.trial_id,
                "status": row.status,
                "priority": row.priority,
                "attempts": row.attempts,
                "error": row.error,
                "recipe_id": row.request.recipe.id,
                "request_trial_id": row.request.trial_id,
                "request_sha256": sha256_of_json(as_recorded(row.request.model_dump(mode="json"))),
                "document_sha256": sha256_of_json(document),
                "stage_seconds": len(document["stage_seconds"]),
                "held_out": document["held_out"] is not None,
            }
        )
    version = store.version()
    store.close()
    assert found == golden("workspace.json")["trials"]
    assert version == golden("workspace.json")["version"]


def test_an_old_trial_can_be_compared(old: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    expected = golden("workspace.json")["compare"]
    assert main(["compare", *expected["trials"], "--json", "--workspace", str(old.root)]) == 0
    assert sha256_of_json(as_recorded(json.loads(capsys.readouterr().out))) == expected["sha256"]


def test_old_files_are_where_they_are_looked_for(old: Workspace) -> None:
    expected = golden("workspace.json")
    artifacts = {
        folder.name: sorted(path.name for path in folder.iterdir())
        for folder in old.artifacts.iterdir()
    }
    entries = {
        entry.name: sorted(path.name for path in entry.iterdir())
        for entry in old.cache.iterdir()
        if not entry.name.startswith(".")
    }
    assert artifacts == expected["artifacts"]
    assert entries == expected["cache"]
    assert sorted(path.name for path in old.samples.iterdir()) == expected["samples"]
    assert sorted(path.name for path in old.logs.iterdir()) == expected["logs"]
    done = [row["trial_id"] for row in expected["trials"] if row["status"] == "done"]
    assert len(done) >= 20
    assert {f"{trial_id}.npz" for trial_id in done} == set(expected["samples"])
    assert all(old.log(Path(name).stem).is_file() for name in expected["logs"])


def test_the_next_trial_of_an_old_store_is_claimed(old: Workspace, tmp_path: Path) -> None:
    copy = Workspace.at(tmp_path / "copy")
    copy.root.mkdir()
    (copy.root / "store.db").write_bytes((old.root / "store.db").read_bytes())
    store = Store.open(copy)
    claimed = [row.trial_id for row in store.claim(5)]
    store.close()
    rows = golden("workspace.json")["trials"]
    assert claimed == [row["trial_id"] for row in rows if row["status"] == "queued"]
