"""One trial from request to document: make the model, evaluate it, time it, pack it.

It runs inside a worker process. The steps are in `build.py`, `measuring.py` and `document.py`, and
the rule for stages that cost too much is in `recover.py`.
"""

from __future__ import annotations

from functools import partial

from paretoscope.engine.build import Bench
from paretoscope.engine.document import finished
from paretoscope.engine.measuring import evaluate, kl_floor, measure, quality_of, write_samples
from paretoscope.engine.progress import Report, Steps
from paretoscope.engine.recover import recovered
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


def run_trial(request: TrialRequest, workspace: Workspace, report: Report) -> TrialDocument:
    """Make and measure the model of a request, and pack it as an artefact of `workspace`.

    `report` is called with the progress. Raises `ParetoscopeError` when the model cannot be made or
    measured. A trial without stages is its own baseline.
    """
    bench = Bench(request, workspace, Steps(request.recipe, report))
    recipe, notes = recovered(request.recipe, partial(quality_of, bench), bench.fits)
    made = bench.make(recipe)
    uncompressed = bench.make(Recipe()) if recipe.stages else made
    baseline = evaluate(bench, uncompressed, uncompressed)
    model = evaluate(bench, made, uncompressed) if recipe.stages else baseline
    floor = kl_floor(bench, baseline) if recipe.stages else None
    session = measure(bench, made, uncompressed)
    write_samples(bench, session, model.scores, baseline.scores)
    return finished(bench, model, baseline, session, notes=notes, kl_floor=floor)
