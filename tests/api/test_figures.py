"""Results in a notebook: figures, frames and tables of what was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from paretoscope import frontier
from paretoscope.api import measured
from paretoscope.api.measured_front import MeasuredFront
from paretoscope.api.trial_result import TrialResult
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.sources.ref import ModelRef
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.documents import decoder_document, document

BASE, INT8, SPARSE = (
    document(),
    document(Quantize(), speedup=4.0),
    document(PruneWeights(sparsity=0.5), quality=0.9, speedup=1.0, size=91_000_000),
)


@pytest.fixture
def found(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> MeasuredFront:
    monkeypatch.setattr(measured, "shipped_study", lambda: [BASE, INT8, SPARSE])
    monkeypatch.setattr(
        measured, "resolve_model", lambda name: ModelRef(name=name, kind="builtin", key=name)
    )
    return frontier("minilm-trec", workspace=workspace.root)


def shown(figure: Any) -> set[tuple[float, float]]:
    """The points of all traces with markers."""
    return {
        (round(x, 6), round(y, 6))
        for trace in figure.data
        if "markers" in (trace.mode or "") and trace.x is not None
        for x, y in zip(trace.x, trace.y, strict=True)
        if x is not None
    }


def test_a_front_is_a_figure_of_any_two_metrics(found: MeasuredFront) -> None:
    figure: Any = found.figure()
    assert isinstance(found.figure(), go.Figure)
    assert {(8.0, 96.0), (2.0, 95.0), (8.0, 90.0)} <= shown(figure)
    sizes: Any = found.figure(x="size_bytes", y="quality", dark=True, log_x=True)
    assert {(91.0, 96.0), (23.0, 95.0)} <= shown(sizes)
    assert sizes.layout.xaxis.type == "log"
    assert figure.layout.font.color != sizes.layout.font.color
    for key in ("sizes", "perplexity"):
        with pytest.raises(ParetoscopeError, match=key):
            found.figure(x=key)


def test_a_front_is_a_frame_with_intervals(found: MeasuredFront) -> None:
    frame = found.to_frame()
    assert list(frame.index) == [BASE.trial_id, INT8.trial_id, SPARSE.trial_id]
    assert list(frame["on_front"]) == [True, True, False]
    assert frame.loc[INT8.trial_id, "size_bytes"] == 23_000_000
    assert frame.loc[INT8.trial_id, "quality_low"] == pytest.approx(0.935)
    assert frame["measured_at"].dt.year.unique().tolist() == [2026]


def test_a_front_is_a_table_with_its_conditions(found: MeasuredFront) -> None:
    html = found._repr_html_()
    caption = re.search("<caption>(.*)</caption>", html)
    assert caption
    assert "Test CPU, 2 cores, VNNI; batch 1, 32 tokens, 2 threads" in caption[1]
    first, *_, last = re.findall("<tr><td>.*?</tr>", html)
    assert "<td>front</td><td>int8</td><td>95.0 % [93.5, 96.2]</td>" in first
    assert SPARSE.trial_id in last
    assert "<td>front</td>" not in last


@pytest.mark.parametrize("trial", [BASE, INT8, decoder_document(Quantize(), perplexity=21.0)])
def test_a_trial_has_figure_frame_and_table(trial: TrialDocument) -> None:
    result = TrialResult.of(trial, Path("/workspace"))
    assert result.to_json() == trial.to_json()
    assert result.folder == Path("/workspace/artifacts/x")
    frame = result.to_frame()
    quality, time = trial.axes.quality, trial.axes.time
    assert trial.quality
    assert trial.artifact
    assert frame.loc[quality, "value"] == trial.quality.value
    assert frame.loc["size_bytes", "value"] == trial.artifact.size_bytes
    assert frame.loc[time, "baseline"] == (40.0 if trial.generation else 8.0)
    assert len(shown(result.figure(x="size_bytes"))) == (1 if trial.is_baseline else 2)
    assert f"{trial.recipe.in_words()} (Test CPU" in result._repr_html_()


def test_markup_in_a_name_is_text() -> None:
    named = INT8.model_copy(update={"model": "<b>mine</b>"})
    html = TrialResult.of(named, Path())._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;mine" in html
