"""The command `check`: an exported model against another one and a budget."""

from __future__ import annotations

import sys
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from paretoscope.cli import text
from paretoscope.cli.requests import CheckRequest
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.tasks.ref import DEFAULT_OPTIONS
from paretoscope.workspace import Workspace

TOO_MUCH = 1
"""Exit status when a limit is exceeded."""


def check(request: CheckRequest, _workspace: Workspace) -> Answer:
    """Check a model; the exit status is 0 within the budget and 1 outside it."""
    from paretoscope.engine import gate  # loads ONNX Runtime

    if request.task is None and request.options != DEFAULT_OPTIONS:
        raise ParetoscopeError(
            "The options of a data file need the file: give it with --task; without --task the file"
            " and the options in manifest.json are used."
        )
    budget = gate.load_budget(Path(request.budget))
    artifact, baseline = (gate.Artifact(Path(name)) for name in (request.folder, request.against))
    found = gate.gate(
        artifact,
        baseline,
        budget,
        task=request.task,
        options=request.options if request.task else None,
        progress=lambda step: print(f"measuring {step}", file=sys.stderr, flush=True),
    )
    content: dict[str, Any] = {
        "passed": found.passed,
        "checks": [_finite(asdict(each)) for each in found.checks],
        "quality": found.quality.model_dump(mode="json"),
        "baseline": found.baseline.model_dump(mode="json"),
        "paired": found.paired.model_dump(mode="json"),
        "p50_ratio": found.p50_ratio.model_dump(mode="json"),
        "placebo": found.placebo.model_dump(mode="json"),
    }
    lines = [("check", "value", "limit", "", "")]
    lines += [
        (
            each.name,
            _number(each.value),
            "–" if each.limit is None else _number(each.limit),
            "ok" if each.passed else "FAILED",
            each.note,
        )
        for each in found.checks
    ]
    return Answer(content, text.columns(lines), status=0 if found.passed else TOO_MUCH)


def _finite(check: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity: they become null.

    >>> _finite({"name": "drop", "value": float("nan"), "limit": 1.0})
    {'name': 'drop', 'value': None, 'limit': 1.0}
    """
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in check.items()
    }


def _number(value: float) -> str:
    """
    >>> _number(22_931_113), _number(0.98765)
    ('22,931,113', '0.9877')
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
