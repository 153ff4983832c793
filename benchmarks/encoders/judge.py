"""Models made by recipes and judged on a split, and the paired statistics that compare them; what
the sections share.

A comparison is over the same examples on both sides. Its interval is a bootstrap of the examples:
what another sample of texts might have said. Where there are several seeds an example counts with
its mean over them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from benchmarks.shipped import shipped_bytes
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.catalog import request, resolve_request
from paretoscope.engine.pipeline import Bench, Made
from paretoscope.engine.progress import Steps
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint, usable_cores
from paretoscope.measure import locks
from paretoscope.measure.latency import measure_interleaved
from paretoscope.measure.quality import evaluate
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage
from paretoscope.statistics import intervals
from paretoscope.tasks.load import load_task
from paretoscope.tasks.splits import Task
from paretoscope.trials.trial import Conditions, Interval, Protocol
from paretoscope.workspace import Workspace

CONDITIONS = Conditions(batch=1, sequence=32, threads=2)
REPLICATES = 2000


@dataclass(frozen=True)
class Asked:
    """What the command line asks of every section."""

    models: tuple[str, ...]
    seeds: tuple[int, ...]
    split: str
    training: float
    """Share of the epochs of every stage."""
    protocol: Protocol
    workspace: Workspace

    def recipe(self, *stages: AnyStage, seed: int = 0) -> Recipe:
        """The stages with their epochs cut to the share of training that is asked for."""
        return Recipe(seed=seed, stages=tuple(self._cut(stage) for stage in stages))

    def _cut(self, stage: AnyStage) -> AnyStage:
        epochs = {
            name: value * self.training
            for name in ("epochs", "retrain_epochs", "train_epochs")
            if (value := getattr(stage, name, 0))
        }
        return stage.model_copy(update=epochs) if self.training != 1 else stage


@dataclass(frozen=True)
class Judged:
    """A model's answers on a split: `logits` [n, classes] and `labels` [n]."""

    made: Made
    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def right(self) -> np.ndarray:
        """1.0 where the answer is right, [n]."""
        return (self.logits.argmax(axis=1) == self.labels).astype(np.float64)

    @property
    def accuracy(self) -> Interval:
        low, high = intervals.wilson(int(self.right.sum()), len(self.right))
        return Interval(value=float(self.right.mean()), low=low, high=high)

    def divergences(self, baseline: Judged) -> np.ndarray:
        """KL(baseline || this) of every example in nats, [n]."""
        theirs, ours = (
            intervals.log_softmax(side.logits.astype(np.float64)) for side in (baseline, self)
        )
        return (np.exp(theirs) * (theirs - ours)).sum(axis=1)

    @property
    def bytes(self) -> int:
        return shipped_bytes(self.made.folder)


def bench_of(
    asked: Asked, model: str, recipe: Recipe | None = None, calibrated_by: int | None = None
) -> Bench:
    """With a seed in `calibrated_by` the calibration examples are drawn by it
    (`with_drawn_calibration`).
    """
    wanted = request(model, recipe or Recipe(), protocol=asked.protocol, conditions=CONDITIONS)
    model_ref, task_ref = resolve_request(wanted)
    task = (
        None
        if calibrated_by is None
        else with_drawn_calibration(load_task(task_ref, model_ref.outputs), calibrated_by)
    )
    return Bench(wanted, asked.workspace, Steps(wanted.recipe, lambda progress: None), task)


def judged(asked: Asked, bench: Bench, recipe: Recipe) -> Judged:
    """The model of a recipe, made and asked about every example of the split, through the runtime
    that ships.
    """
    return judge(asked, bench, bench.make(recipe))


def judge(asked: Asked, bench: Bench, made: Made) -> Judged:
    split = bench.evaluator.encoded(
        asked.split, (made.folder / TOKENIZER).read_text(encoding="utf-8")
    )

    def run() -> np.ndarray:
        return judge_folder(made.folder, split.ids, split.labels, asked.split)

    logits = bench.cache.array(content_key("logits", made.key, split.key, fingerprint().id), run)
    return Judged(made, logits, split.labels)


def judge_folder(
    folder: Path, texts: Sequence[np.ndarray], labels: np.ndarray, split: str
) -> np.ndarray:
    """Logits [n, classes] of the model.onnx in a folder, of whoever made it."""
    with locks.compute():
        return evaluate(folder, texts, labels, threads=usable_cores(), split=split)[1]


def timed(asked: Asked, bench: Bench, made: Made, whole: Made) -> tuple[Interval, bool]:
    """How much faster than fp32 a model is, and whether the machine was noisy."""
    return kept_speed(
        asked, bench, (made.key, whole.key), lambda: time_folder(asked, made.folder, whole)
    )


def time_folder(asked: Asked, folder: Path, whole: Made) -> tuple[Interval, bool]:
    """In turns with fp32 and alone on the machine."""
    with locks.measuring():
        session = measure_interleaved(folder, whole.folder, CONDITIONS, asked.protocol)
    assert session.speedup
    return session.speedup, session.noisy


def kept_speed(
    asked: Asked, bench: Bench, of: Sequence[str], sit: Callable[[], tuple[Interval, bool]]
) -> tuple[Interval, bool]:
    """What `sit` finds, measured once on this machine and then kept in the workspace: a run that
    was broken off does not time it again.

    `of` says what was timed, by keys of content.
    """

    def run() -> np.ndarray:
        speedup, noisy = sit()
        return np.array([speedup.value, speedup.low, speedup.high, noisy])

    value, low, high, noisy = map(
        float,
        bench.cache.array(
            content_key("speed", *of, asked.protocol, CONDITIONS.in_words(), fingerprint().id), run
        ),
    )
    return Interval(value=value, low=low, high=high), bool(noisy)


def with_drawn_calibration(task: Task, seed: int) -> Task:
    """The task with as many calibration examples, drawn by `seed` from train and calibration
    together. It has a key of its own.

    Pruning and quantization without training use no chance, so this is what several seeds of them
    mean.
    """
    train, calibration = task.splits["train"], task.splits["calibration"]
    pool = [(part, place) for part in (train, calibration) for place in range(len(part))]
    drawn = [
        pool[at]
        for at in sorted(np.random.default_rng(seed).permutation(len(pool))[: len(calibration)])
    ]
    split = replace(
        calibration,
        ids=tuple(part.ids[place] for part, place in drawn),
        texts=tuple(part.texts[place] for part, place in drawn),
        labels=np.array([part.labels[place] for part, place in drawn], dtype=np.int64),
    )
    return replace(
        task, splits={**task.splits, "calibration": split}, key=f"{task.key}-calibration-{seed}"
    )


# --- statistics -----------------------------------------------------------------------------------


def over_seeds(values: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of each example over seeds: [seeds][n] -> [n]."""
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


# --- words ----------------------------------------------------------------------------------------


def points(interval: Interval) -> str:
    """
    >>> points(Interval(value=0.012, low=-0.001, high=0.025))
    '+1.20 [-0.10, +2.50] points'
    """
    return (
        f"{interval.value * 100:+.2f} [{interval.low * 100:+.2f}, {interval.high * 100:+.2f}]"
        " points"
    )


def spread(values: Sequence[float]) -> str:
    """
    >>> spread([0.5]), spread([0.5, 0.7])
    ('0.5000', '0.6000 ± 0.1414')
    """
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
