"""Expected duration of a section, from the stage durations in the demo study.

An estimate for planning, within a factor of two. It does not subtract what a workspace has cached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.decoders.evaluation import Options, Stages, recipe_of
from paretoscope.errors import ParetoscopeError
from paretoscope.measure.generation import PLANS
from paretoscope.measure.perplexity import SCORED_TOKENS
from paretoscope.recipes.stages import Stage
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.durations import step_seconds

STUDIED = "smollm2-135m"
"""The language model of the demo study; another model takes longer by its parameters."""
TURN = 3.0
"""Seconds to start a worker process and load a model."""


@dataclass(frozen=True)
class Workload:
    """The models that a section makes by name; `timed` of them have their latency measured."""

    models: Mapping[str, Stages]
    timed: int = 0
    scored: bool = True


def expected_minutes(options: Options, workload: Workload) -> float:
    """Minutes to make, score and time all models of a workload."""
    points = [point for point in shipped_study() if point.model == STUDIED]
    scale = _parameters(options.model) / _parameters(STUDIED)
    stages = [stage for model in workload.models.values() for stage in _stages(model)]
    seconds = scale * sum(_median(points, stage) for stage in stages)
    seconds += scale * len(workload.models) * _median(points, "export")
    if workload.scored:
        tokens = SCORED_TOKENS[options.protocol] / SCORED_TOKENS["quick"]
        seconds += scale * len(workload.models) * _median(points, "accuracy") * tokens
    return (seconds + workload.timed * scale * _session_seconds(options, points)) / 60


def _stages(model: Stages) -> Sequence[Stage]:
    """The stages of a recipe; none for a recipe that this version does not support."""
    try:
        return recipe_of(model).stages
    except ParetoscopeError:
        return ()


def _session_seconds(options: Options, points: Sequence[TrialDocument]) -> float:
    """One latency session: turns of the baseline and of the model, as the protocol plans them."""
    plan = PLANS[options.protocol]
    baselines = [point.baseline.generation for point in points if point.baseline]
    token_s = median(found.tpot_ms for found in baselines if found) / 1000
    answering = min(plan.most_s, plan.requests * plan.new_tokens * token_s)
    return 2 * plan.turns * (TURN + plan.warm_up_s + answering)


def _median(points: Sequence[TrialDocument], step: Stage | str) -> float:
    """Median seconds of a step in the demo study; 0 when the study has no such step."""
    found = step_seconds(points, step, "quick")
    return median(found) if found else 0.0


def _parameters(model: str) -> Any:
    return read_shape(resolve_model(model)).encoder_parameters
