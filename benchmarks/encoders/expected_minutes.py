"""Expected duration of a section, from its training steps and the speed of this machine.

An estimate for planning, within a factor of two. It does not subtract what a workspace has cached.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

import torch

from benchmarks.encoders.evaluation import Options
from paretoscope.measure.latency import PLANS
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.load import load_task
from paretoscope.tasks.resolve import resolve_task

UNLABELLED = "unlabelled"
TOKENS = 1.4
"""Tokens per word, special tokens included."""
STEP, ANSWER = 6, 2
"""Floating-point operations per weight and token: forward and backward; forward only."""
SHARE_OF_PEAK = 0.45
"""Share of the speed of a large matrix product that training reaches on small layers."""
EACH, PEER, TURN = 5.0, 40.0, 3.0
"""Seconds to export and check a model, to run a peer's process, and to start one latency turn."""
HESSIANS, GPTQ, SENSITIVITY, SEARCHED, PASS = 8.0, 10.0, 25.0, 8.0, 5.0
"""Seconds for MiniLM on two cores: Hessians, GPTQ, sensitivity, grid search, one pass."""


@dataclass(frozen=True)
class Workload:
    """What a section does with one model: recipes to make and evaluate, models to time, peers."""

    recipes: tuple[Recipe, ...]
    timed: int = 0
    peers: int = 0


def expected_minutes(options: Options, model: str, workload: Workload) -> float:
    """Minutes that a section needs for one model."""
    cost = _Cost.of(options, model)
    plan = PLANS[options.protocol]
    session = 2 * plan.turns * (plan.warm_up_s / 2 + plan.least_s + TURN)
    seconds = sum(map(cost.seconds, workload.recipes))
    seconds += (workload.timed + workload.peers) * session + workload.peers * PEER
    return seconds / 60


@dataclass(frozen=True)
class _Cost:
    """Seconds of a recipe: `tokens` of each split, `rate` floating-point operations per second."""

    shape: ModelShape
    tokens: Mapping[str, float]
    options: Options
    rate: float

    @classmethod
    def of(cls, options: Options, model: str) -> Self:
        found = resolve_model(model)
        task = load_task(resolve_task(found.task or ""))
        splits = {**task.splits, UNLABELLED: task.unlabelled}
        tokens = {
            name: sum(len(text.split()) for text in split.texts) * TOKENS
            for name, split in splits.items()
        }
        return cls(read_shape(found), tokens, options, SHARE_OF_PEAK * _peak())

    def seconds(self, recipe: Recipe) -> float:
        """Export, evaluation and every stage."""
        evaluated = ANSWER * self._parameters(recipe) * self.tokens[self.options.split] / self.rate
        stages = (
            _without_training(stage) + self._training(recipe, place)
            for place, stage in enumerate(recipe.stages)
        )
        return EACH + evaluated + sum(stages)

    def _training(self, recipe: Recipe, place: int) -> float:
        """Of one stage: its epochs on the model after it, the teacher's pass on the one before."""
        stage = recipe.stages[place]
        tokens = self.tokens["train"]
        if getattr(stage, "unlabelled", False):
            tokens += self.tokens[UNLABELLED]
        epochs = _epochs(stage) * self.options.training
        student = STEP * self._parameters(recipe.prefix(place + 1)) * epochs
        teacher = ANSWER * self._parameters(recipe.prefix(place)) * _uses_teacher(stage)
        return (student + teacher) * tokens / self.rate

    def _parameters(self, recipe: Recipe) -> int:
        return apply_recipe(self.shape, recipe).after.encoder_parameters


def with_seeds(recipes: Iterable[Recipe], seeds: Iterable[int]) -> tuple[Recipe, ...]:
    seeds = tuple(seeds)
    return tuple(recipe.model_copy(update={"seed": seed}) for recipe in recipes for seed in seeds)


def _epochs(stage: Stage) -> float:
    if isinstance(stage, Distill):
        return stage.epochs * (1 + stage.augment)
    return getattr(stage, "train_epochs", 0.0) or getattr(stage, "retrain_epochs", 0.0)


def _uses_teacher(stage: Stage) -> bool:
    """Whether a teacher's outputs on the training texts are computed."""
    weight = getattr(stage, "soft_weight", 0) or getattr(stage, "distill_weight", 0)
    return bool(_epochs(stage) and weight)


def _without_training(stage: Stage) -> float:
    """Seconds of calibration, rounding and scoring."""
    if isinstance(stage, PruneWeights):
        method = WEIGHT_SCORES[stage.method]
        if method.needs == "weights":
            return 0.0
        return stage.steps * (HESSIANS + GPTQ if method.updates else PASS)
    if isinstance(stage, PruneStructure):
        return PASS if stage.criterion != "magnitude" else 0.0
    if isinstance(stage, Quantize) and stage.scheme == "weight-only":
        return _rounding(stage) + (SENSITIVITY if stage.allocation == "sensitivity" else 0.0)
    return PASS if isinstance(stage, Quantize) and stage.uses_data else 0.0


def _rounding(stage: Quantize) -> float:
    if ROUNDINGS[stage.rounding].needs_data:
        return HESSIANS + GPTQ
    return SEARCHED if stage.rounding != "rtn" else 0.0


@cache
def _peak() -> float:
    """Floating-point operations per second in a matrix product of the size of a layer."""
    left, right = torch.ones(1024, 384), torch.ones(384, 1536)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - start)
    return 2 * 1024 * 384 * 1536 / best
