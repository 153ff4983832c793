"""The commands in a model card work as printed, and results have the notes on their data."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paretoscope.engine.client import stop_engine
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

DROPPED = "1 row without a label was dropped."
LABELS = ("so-so, maybe", "it's bad", " good")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model without names of outputs, and data with odd names of file, columns, labels."""
    folder = tmp_path_factory.mktemp("made")
    make_tiny("bert", folder / "my model", labels=[f"LABEL_{index}" for index in range(3)])
    rows = [f'"what a film {n}";"{LABELS[n % 3].strip()}"\n' for n in range(90)]
    content = "The text;-class\n" + "".join([*rows, "no label;\n"])
    (folder / "it's.csv").write_text(content, encoding="latin-1")
    return folder


@pytest.fixture(scope="module")
def workspace_of_both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    yield workspace
    stop_engine(workspace)


def paretoscope(
    words: list[str], folder: Path, workspace: Workspace
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paretoscope", *words, "--workspace", str(workspace.root)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def first(place: Path, workspace_of_both: Workspace) -> dict[str, Any]:
    """The document of a trial with options that are not the default."""
    options = "--text-column|The text|--label-column=-class|--encoding|latin-1|--drop-missing"
    labels = ["--labels", '"so-so, maybe",it\'s bad," good"', "--max-length", "16"]
    words = ["run", "my model", "--task", "it's.csv", *options.split("|"), *labels, "--json"]
    done = paretoscope([*words, "--threads", "1"], place, workspace_of_both)
    assert done.returncode == 0, done.stderr
    assert f"Note: {DROPPED}" in done.stderr.splitlines()
    return json.loads(done.stdout)


def test_the_options_and_notes_are_in_document_manifest_and_card(first: dict[str, Any]) -> None:
    folder = Path(first["artifact"]["path"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert first["data_options"]["labels"] == list(LABELS)
    assert manifest["data"] == first["data_options"]
    assert manifest["labels_by"] == "name"
    assert DROPPED in first["notes"]
    assert DROPPED in (folder / "README.md").read_text()


def test_the_commands_of_the_card_work_as_printed(
    first: dict[str, Any], place: Path, workspace_of_both: Workspace, tmp_path: Path
) -> None:
    folder = Path(first["artifact"]["path"])
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.copytree(place / "my model", tmp_path / "my model")
    shutil.copyfile(place / "it's.csv", tmp_path / "it's.csv")
    card = (folder / "README.md").read_text()
    assert str(place) not in card
    printed = re.findall(r"^(paretoscope|python run.py --evaluate)(.*)$", card, re.MULTILINE)
    commands = ["".join(each) for each in printed if "--time" not in each[1]]
    where = f"--workspace {workspace_of_both.root} --json"
    results = [
        subprocess.run(
            ["/bin/sh", "-c", f"{command} {where}" if "paretoscope" in command else command],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        for command in commands
    ]
    assert [result.stderr[-500:] for result in results if result.returncode] == []
    again, _, evaluated = results
    assert json.loads(again.stdout)["trial_id"] == first["trial_id"]
    accuracy = first["quality"]["value"]
    assert evaluated.stdout == f"accuracy {accuracy:.4f} on {first['quality']['n']} examples\n"
