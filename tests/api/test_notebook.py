"""The code of docs/notebook.md runs as one notebook, with an engine of toy trials."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from paretoscope import catalog
from paretoscope.api import measured
from paretoscope.api.measured_front import MeasuredFront
from paretoscope.api.trial_result import TrialResult
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.ref import ModelRef
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT, Workspace
from tests.engine.processes import TOY, toy


@pytest.fixture
def engine(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def request(model: str, recipe: Recipe, **_: object) -> TrialRequest:
        return toy(model).model_copy(update={"recipe": recipe})

    monkeypatch.setattr(catalog, "request", request)
    monkeypatch.setattr(catalog, "check", lambda *_: None)
    monkeypatch.setattr(
        measured, "resolve_model", lambda name: ModelRef(name=name, kind="builtin", key=name)
    )
    ensure_engine(workspace, function=TOY)
    yield
    stop_engine(workspace)


def run_cell(code: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, which a notebook shows."""
    *body, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), "a cell ends with what it shows"
    exec(compile(ast.Module(body, []), "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)


def test_the_notebook_of_the_documentation_runs(engine: None, workspace: Workspace) -> None:
    text = (PROJECT / "docs" / "notebook.md").read_text(encoding="utf-8")
    cells = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    shown: list[Any] = [run_cell(code, names) for code in cells]
    front, figure, frame, best, result, plot = shown
    assert isinstance(front, MeasuredFront)
    assert front._repr_html_().startswith("<table>")
    assert isinstance(figure, go.Figure)
    assert figure.to_dict()["layout"]["title"]["text"] == "Accuracy against size"
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) > 0
    assert max(frame["size_bytes"].tolist()) < 20e6
    assert len(best) == 3
    assert isinstance(result, TrialResult)
    assert result.folder.parent == workspace.artifacts
    assert result.speedup is None or isinstance(result.speedup, Interval)
    assert isinstance(plot, go.Figure)
