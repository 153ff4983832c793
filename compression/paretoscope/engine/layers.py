"""The sensitivity scan of a model: its graph from the stage cache, its calibration texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import onnx

from paretoscope.artifact.pack import MODEL
from paretoscope.engine.build import Bench
from paretoscope.engine.evaluators import tokenizer_of
from paretoscope.engine.progress import Steps
from paretoscope.errors import ModelError
from paretoscope.layers.scan import scan
from paretoscope.layers.sensitivity import Sensitivity
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.workspace import Workspace


def sensitivity(
    request: TrialRequest,
    workspace: Workspace,
    texts: int,
    progress: Callable[[str, int, int], None],
) -> Sensitivity:
    """Scan the uncompressed model of a request on the first `texts` calibration texts.

    `progress` is called with (what runs, step, of steps). Raises `ModelError` for a language model.
    """
    start = time.monotonic()

    def step(at: Progress) -> None:
        progress(at.stage, at.step, at.steps)

    bench = Bench(request, workspace, Steps(Recipe(), step))
    if bench.model_ref.architecture == "decoder":
        raise ModelError(
            f'"{request.model}" is a language model; the sensitivity is measured of classifiers'
            " only. Recipes with `allocation: sensitivity` measure it while they run."
        )
    made = bench.make(Recipe())
    split = bench.evaluator.encoded("calibration", tokenizer_of(made.folder))
    graph = onnx.load(made.folder / MODEL)  # pyright: ignore[reportUnknownMemberType]
    used = split.ids[:texts]
    with locks.compute(waits=lambda: progress("waiting for a measurement", 0, 0)):
        cells = scan(graph, used, lambda done, of: progress("part", done, of))
    return Sensitivity(
        model=request.model,
        task=request.task,
        texts=len(used),
        cells=cells,
        machine=fingerprint(),
        seconds=round(time.monotonic() - start, 1),
        measured_at=datetime.now(UTC),
    )
