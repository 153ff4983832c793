"""Shared by the sections: models made by recipes, their evaluation, and paired statistics.

Comparisons are paired by example, with a bootstrap interval over examples. With several seeds, each
example contributes its mean over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from benchmarks.artifact_bytes import artifact_bytes
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.catalog import request, resolve_request
from paretoscope.engine.build import Bench, Made
from paretoscope.engine.progress import Steps
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint, usable_cores
from paretoscope.measure import locks
from paretoscope.measure.latency import measure_interleaved
from paretoscope.measure.quality import Running, evaluate
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage
from paretoscope.statistics import intervals
from paretoscope.tasks.load import load_task
from paretoscope.tasks.splits import Task
from paretoscope.trials.request import Conditions, Protocol
from paretoscope.trials.trial import Interval
from paretoscope.workspace import Workspace

CONDITIONS = Conditions(batch=1, sequence=32, threads=2)
REPLICATES = 2000


@dataclass(frozen=True)
class Options:
    """The command-line options that every section gets."""

    models: tuple[str, ...]
    seeds: tuple[int, ...]
    split: str
    training: float
    """Share of the epochs of every stage."""
    protocol: Protocol
    workspace: Workspace

    def recipe(self, *stages: AnyStage, seed: int = 0) -> Recipe:
        """A recipe with the epochs of every stage multiplied by `training`."""
        return Recipe(seed=seed, stages=tuple(self._reduced(stage) for stage in stages))

    def _reduced(self, stage: AnyStage) -> AnyStage:
        epochs = {
            name: value * self.training
            for name in ("epochs", "retrain_epochs", "train_epochs")
            if (value := getattr(stage, name, 0))
        }
        return stage.model_copy(update=epochs) if self.training != 1 else stage


@dataclass(frozen=True)
class Evaluated:
    """A model evaluated on a split: `logits` [n, classes] and `labels` [n]."""

    made: Made
    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def correct(self) -> np.ndarray:
        """1.0 where the prediction is correct, else 0.0, [n]."""
        return (self.logits.argmax(axis=1) == self.labels).astype(np.float64)

    @property
    def accuracy(self) -> Interval:
        low, high = intervals.wilson(int(self.correct.sum()), len(self.correct))
        return Interval(value=float(self.correct.mean()), low=low, high=high)

    def divergences(self, baseline: Evaluated) -> np.ndarray:
        """KL(baseline || this) of every example in nats, [n]."""
        theirs, ours = (
            intervals.log_softmax(side.logits.astype(np.float64)) for side in (baseline, self)
        )
        return (np.exp(theirs) * (theirs - ours)).sum(axis=1)

    @property
    def bytes(self) -> int:
        return artifact_bytes(self.made.folder)


def bench_of(
    options: Options, model: str, recipe: Recipe | None = None, calibrated_by: int | None = None
) -> Bench:
    """The bench of a model; `calibrated_by` is a seed for `with_drawn_calibration`."""
    trial = request(model, recipe or Recipe(), protocol=options.protocol, conditions=CONDITIONS)
    model_ref, task_ref = resolve_request(trial)
    task = None
    if calibrated_by is not None:
        task = with_drawn_calibration(load_task(task_ref, model_ref.outputs), calibrated_by)
    return Bench(trial, options.workspace, Steps(trial.recipe, lambda progress: None), task)


def evaluated(options: Options, bench: Bench, recipe: Recipe) -> Evaluated:
    """Make the model of a recipe and evaluate its artefact on the chosen split."""
    return evaluate_made(options, bench, bench.make(recipe))


def evaluate_made(options: Options, bench: Bench, made: Made) -> Evaluated:
    split = bench.evaluator.encoded(
        options.split, (made.folder / TOKENIZER).read_text(encoding="utf-8")
    )

    def run() -> np.ndarray:
        return evaluate_folder(made.folder, split.ids, split.labels, options.split)

    logits = bench.cache.array(
        content_key("logits, batch 1", made.key, split.key, fingerprint().id), run
    )
    return Evaluated(made, logits, split.labels)


def evaluate_folder(
    folder: Path, texts: Sequence[np.ndarray], labels: np.ndarray, split: str
) -> np.ndarray:
    """Logits [n, classes] of the model.onnx in a folder, ours or a peer's."""
    with locks.compute():
        return evaluate(folder, texts, labels, split=split, how=Running(parallel=usable_cores()))[1]


def timed(options: Options, bench: Bench, made: Made, baseline: Made) -> tuple[Interval, bool]:
    """The speed-up over fp32, and whether the measurement session was noisy."""
    return cached_speedup(
        options,
        bench,
        (made.key, baseline.key),
        lambda: measure_speedup(options, made.folder, baseline),
    )


def measure_speedup(options: Options, folder: Path, baseline: Made) -> tuple[Interval, bool]:
    """The speed-up of a folder's model, interleaved with fp32 under the measurement lock."""
    with locks.measuring():
        session = measure_interleaved(folder, baseline.folder, CONDITIONS, options.protocol)
    assert session.speedup
    return session.speedup, session.noisy


def cached_speedup(
    options: Options, bench: Bench, of: Sequence[str], measure: Callable[[], tuple[Interval, bool]]
) -> tuple[Interval, bool]:
    """The result of `measure`, cached in the workspace under the content keys `of`.

    An interrupted run does not measure again.
    """

    def run() -> np.ndarray:
        speedup, noisy = measure()
        return np.array([speedup.value, speedup.low, speedup.high, noisy])

    value, low, high, noisy = map(
        float,
        bench.cache.array(
            content_key("speed", *of, options.protocol, CONDITIONS.in_words(), fingerprint().id),
            run,
        ),
    )
    return Interval(value=value, low=low, high=high), bool(noisy)


def with_drawn_calibration(task: Task, seed: int) -> Task:
    """The task with calibration examples drawn by `seed` from train and calibration together.

    Pruning and quantization without training are deterministic, so their seeds vary the calibration
    data. The count of examples stays; the task gets a new key.
    """
    train, calibration = task.splits["train"], task.splits["calibration"]
    pool = [(part, index) for part in (train, calibration) for index in range(len(part))]
    order = np.random.default_rng(seed).permutation(len(pool))
    drawn = [pool[index] for index in sorted(order[: len(calibration)])]
    split = replace(
        calibration,
        ids=tuple(part.ids[index] for part, index in drawn),
        texts=tuple(part.texts[index] for part, index in drawn),
        labels=np.array([part.labels[index] for part, index in drawn], dtype=np.int64),
    )
    return replace(
        task, splits={**task.splits, "calibration": split}, key=f"{task.key}-calibration-{seed}"
    )


# --- statistics -----------------------------------------------------------------------------------


def over_seeds(values: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of each example over seeds, [seeds][n] -> [n]."""
    return np.mean(np.stack(list(values)), axis=0)


def difference(ours: np.ndarray, theirs: np.ndarray) -> Interval:
    """mean(ours) - mean(theirs) over the same examples."""
    return _bootstrap(ours - theirs, np.ones_like(ours))


def share_kept(ours: np.ndarray, theirs: np.ndarray) -> Interval:
    """mean(ours) / mean(theirs) over the same examples.

    >>> share_kept(np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4)).value
    0.75
    """
    return _bootstrap(ours, theirs)


def _bootstrap(over: np.ndarray, under: np.ndarray) -> Interval:
    """sum(over) / sum(under), with its percentile interval over resampled examples."""
    drawn = np.random.default_rng(0).integers(len(over), size=(REPLICATES, len(over)))
    low, high = np.quantile(
        over[drawn].sum(axis=1) / np.maximum(under[drawn].sum(axis=1), 1), [0.025, 0.975]
    )
    return Interval(value=float(over.sum() / under.sum()), low=float(low), high=float(high))


# --- formatting -----------------------------------------------------------------------------------


def points(interval: Interval) -> str:
    """A difference of accuracies in percentage points, with its interval.

    >>> points(Interval(value=0.012, low=-0.001, high=0.025))
    '+1.20 [-0.10, +2.50] points'
    """
    return (
        f"{interval.value * 100:+.2f} [{interval.low * 100:+.2f}, {interval.high * 100:+.2f}]"
        " points"
    )


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds.

    >>> spread([0.5]), spread([0.5, 0.7])
    ('0.5000', '0.6000 ± 0.1414')
    """
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
