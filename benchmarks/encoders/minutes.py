"""About how long a section takes, from what it trains, makes and times, and from how fast this
machine multiplies now.

A guess to plan a day by, not a measurement: within a factor of two. What a workspace holds already
takes no time and is not taken off.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import torch

from benchmarks.encoders.judge import Asked
from paretoscope.measure.latency import PLANS
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.load import load_task
from paretoscope.tasks.resolve import resolve_task

TOKENS = 1.4
"""Tokens a word, special ones counted in."""
STEP, ANSWER = 6, 2
"""Floating point operations a weight and token: forward and backward, forward alone."""
SHARE_OF_PEAK = 0.45
"""Of the speed of a large product: layers of this size, their norms, softmax and optimizer between
them.
"""
EACH, PEER, TURN = 5.0, 40.0, 3.0
"""Seconds of a model's export and check, of a peer's process, and of starting and loading one turn
of a sitting.
"""
HESSIANS, GPTQ, SENSITIVITY, SEARCHED, PASS = 8.0, 10.0, 25.0, 8.0, 5.0
"""Seconds over MiniLM on two cores: second moments, rounding by them, every width of every matrix
tried, a searched grid, a pass for scores.
"""


@dataclass(frozen=True)
class Work:
    """What a section makes of one model: recipes, each made and judged, models timed beside fp32,
    and peers.
    """

    recipes: tuple[Recipe, ...]
    timed: int = 0
    peers: int = 0


def minutes(asked: Asked, model: str, work: Work) -> float:
    """Of one model."""
    whole, task = (
        read_shape(resolve_model(model)),
        load_task(resolve_task(resolve_model(model).task or "")),
    )
    words = {
        name: sum(len(text.split()) for text in split.texts) * TOKENS
        for name, split in (*task.splits.items(), ("more", task.unlabelled))
    }
    rate = SHARE_OF_PEAK * _peak()

    def seconds(recipe: Recipe) -> float:
        spent = EACH + ANSWER * after(whole, recipe).encoder_parameters * words[asked.split] / rate
        for place, stage in enumerate(recipe.stages):
            learned = words["train"] + (words["more"] if getattr(stage, "unlabelled", False) else 0)
            spent += _without_training(stage)
            spent += (
                STEP
                * after(whole, recipe.prefix(place + 1)).encoder_parameters
                * learned
                * _epochs(stage)
                * asked.training
                / rate
            )
            spent += (
                ANSWER
                * after(whole, recipe.prefix(place)).encoder_parameters
                * learned
                * _asks(stage)
                / rate
            )
        return spent

    plan = PLANS[asked.protocol]
    session = 2 * plan.turns * (plan.warm_up_s / 2 + plan.least_s + TURN)
    return (
        sum(map(seconds, work.recipes)) + (work.timed + work.peers) * session + work.peers * PEER
    ) / 60


def seeded(recipes: Iterable[Recipe], seeds: Iterable[int]) -> tuple[Recipe, ...]:
    seeds = tuple(seeds)
    return tuple(recipe.model_copy(update={"seed": seed}) for recipe in recipes for seed in seeds)


def _epochs(stage: Stage) -> float:
    if isinstance(stage, Distill):
        return stage.epochs * (1 + stage.augment)
    return getattr(stage, "train_epochs", 0.0) or getattr(stage, "retrain_epochs", 0.0)


def _asks(stage: Stage) -> bool:
    """Whether a teacher says what it thinks of the training texts."""
    return bool(
        _epochs(stage) and (getattr(stage, "soft_weight", 0) or getattr(stage, "distill_weight", 0))
    )


def _without_training(stage: Stage) -> float:
    if isinstance(stage, PruneWeights):
        method = WEIGHT_SCORES[stage.method]
        return stage.steps * (
            (HESSIANS + GPTQ if method.updates else PASS) if method.needs != "weights" else 0.0
        )
    if isinstance(stage, PruneStructure):
        return PASS if stage.criterion != "magnitude" else 0.0
    if isinstance(stage, Quantize) and stage.scheme == "weight-only":
        spent = (
            HESSIANS + GPTQ
            if ROUNDINGS[stage.rounding].needs_data
            else SEARCHED
            if stage.rounding != "rtn"
            else 0.0
        )
        return spent + (SENSITIVITY if stage.allocation == "sensitivity" else 0.0)
    return PASS if isinstance(stage, Quantize) and stage.uses_data else 0.0


@cache
def _peak() -> float:
    """Floating point operations a second in a product of the size of a layer's, on the threads that
    training takes.
    """
    left, right = torch.ones(1024, 384), torch.ones(384, 1536)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - start)
    return 2 * 1024 * 384 * 1536 / best
