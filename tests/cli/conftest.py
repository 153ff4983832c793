"""Fixtures of the command line: run a command, a store, an engine of toy trials."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from paretoscope import catalog
from paretoscope.api import measured
from paretoscope.cli import making
from paretoscope.cli.parser import main
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.errors import ModelError
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.ref import ModelRef
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.workspace import Workspace
from tests.cli.test_verbs import Say
from tests.engine.processes import TOY, toy


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command with --json; gives the document it prints."""

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must fail; gives its sentence."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err

    return run


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    opened = Store.open(workspace)
    yield opened
    opened.close()


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model and task name is a toy; "unknown" is not there."""

    def request(model: str, recipe: Recipe, **_: object) -> TrialRequest:
        if model == "unknown":
            raise ModelError('There is no model "unknown"; known are: toys.')
        return toy(model).model_copy(update={"recipe": recipe})

    monkeypatch.setattr(catalog, "request", request)
    monkeypatch.setattr(catalog, "notes", lambda _: ())
    monkeypatch.setattr(catalog, "check", lambda *_: None)
    for module in (measured, making):
        monkeypatch.setattr(
            module, "resolve_model", lambda name: ModelRef(name=name, kind="builtin", key=name)
        )


@pytest.fixture
def engine(workspace: Workspace, toys: None) -> Iterator[None]:
    ensure_engine(workspace, function=TOY)
    yield
    stop_engine(workspace)
