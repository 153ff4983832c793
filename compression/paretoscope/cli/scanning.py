"""The command `sensitivity`: what compression of each layer and projection costs."""

from __future__ import annotations

from pathlib import Path

from paretoscope import catalog
from paretoscope.cli.progress import ProgressLine, checking
from paretoscope.cli.requests import SensitivityRequest
from paretoscope.cli.text import columns
from paretoscope.cli.verbs import Answer
from paretoscope.engine.layers import sensitivity as scanned
from paretoscope.layers import results
from paretoscope.layers.parts import part
from paretoscope.layers.sensitivity import Sensitivity
from paretoscope.recipes.recipe import Recipe
from paretoscope.workspace import Workspace


def sensitivity(request: SensitivityRequest, workspace: Workspace) -> Answer:
    """Scan a model, and store the result in the workspace and in `--to`."""
    wanted = catalog.request(request.model, Recipe(), task=request.task, options=request.options)
    catalog.check(request.model, workspace, checking)
    line = ProgressLine()

    def show(what: str, done: int, of: int) -> None:
        line.write(f"{what} {done} of {of}" if of else what, f"{what} {done}")

    found = scanned(wanted, workspace, request.texts, show)
    line.close()
    path = results.sensitivity_path(workspace, wanted.model_key, wanted.task_key, request.texts)
    for each in (path, *([Path(request.to)] if request.to else [])):
        results.write(found, each)
    return Answer(found.model_dump(mode="json"), _losses(found))


def _losses(found: Sensitivity) -> str:
    options, cells = found.options, found.by_part
    rows = [("part", *(option.label for option in options))]
    for name in dict.fromkeys(each.part for each in found.cells):
        values = (cells.get((name, option)) for option in options)
        rows.append(
            (part(name).label, *(f"{each.kl.value:.2g}" if each else "–" for each in values))
        )
    return (
        f"{columns(rows)}\n\nKL divergence from fp32 in nats when only this part is compressed, on"
        f" {found.texts} calibration texts of {found.task}; {found.seconds:.0f} s."
    )
