"""Modules of rows are checked against their contracts when they are loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import pytest

from paretoscope.pruning.contract import StructureCriterion, WeightCriterion, WeightUpdate
from paretoscope.quantization.calibration.contract import Calibration
from paretoscope.quantization.rounding.contract import RescalingRounding, Rounding
from paretoscope.recipes.contracts import StageModule, load, load_module
from paretoscope.recipes.stages import STAGES, Quantize
from paretoscope.recipes.stages.methods import (
    CALIBRATIONS,
    ROUNDINGS,
    STRUCTURE_CRITERIA,
    WEIGHT_SCORES,
    Method,
)


class Scores(Protocol):
    """A contract with two functions."""

    def score(self, weight: float, statistics: float, /) -> float: ...

    def mask(self, score: float, /) -> float: ...


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("def mask(score): ...", "score(weight, statistics)"),
        ("def mask(score): ...\ndef score(weight): ...", "score(weight, statistics)"),
        ("score = mask = 1", "mask(score) and score(weight, statistics)"),
    ],
)
def test_a_lacking_function_is_named_when_the_module_is_loaded(
    source: str, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "incomplete.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "incomplete", raising=False)
    with pytest.raises(TypeError) as raised:
        load(Method("incomplete", "Incomplete", "incomplete", "a paper"), Scores)
    assert str(raised.value) == f"incomplete lacks {lacking}"


def test_a_complete_module_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "complete.py").write_text(
        "def score(weight, statistics=None): return weight\ndef mask(score): return -score"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_module("complete", Scores).mask(2.0) == -2.0


def test_every_shipped_row_fulfils_its_contract() -> None:
    for method in WEIGHT_SCORES.values():
        load(method, WeightUpdate if method.updates else WeightCriterion)
    for criterion in STRUCTURE_CRITERIA.values():
        load(criterion, StructureCriterion)
    for rounding in ROUNDINGS.values():
        load(rounding, RescalingRounding if rounding.rescales else Rounding)
    for calibration in CALIBRATIONS.values():
        load(calibration, Calibration)
    for stage in STAGES.values():
        load_module(stage.module, StageModule)
    load_module(Quantize.trained_by, StageModule)
