"""What a reader of a result has to know of its data, as notes of the trial document."""

from __future__ import annotations

import numpy as np

from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.splits import Task
from paretoscope.trials.trial import WARNING, Quality


def data_notes(ref: TaskRef, task: Task, baseline: Quality) -> tuple[str, ...]:
    """The notes of the task, and a warning if the uncompressed model is worse than chance."""
    if task.kind != "classes":
        return task.notes
    remedy = (
        "in id2label of the model's config.json"
        if ref.kind == "builtin"
        else "and set it with --labels"
    )
    return (*below_chance(task, baseline, remedy), *task.notes)


def below_chance(task: Task, baseline: Quality, remedy: str) -> tuple[str, ...]:
    """A warning if the interval of an accuracy is below the share of the most frequent class.

    One answer for every text has that accuracy, so the labels probably have another order than the
    outputs. `remedy` is what to do after "check the order of the labels".
    """
    labels = task.splits[baseline.split].labels
    sizes = np.bincount(labels, minlength=len(task.labels))
    name = task.labels[int(sizes.argmax())]
    share = float(sizes.max() / sizes.sum())
    if baseline.high >= share:
        return ()
    return (
        f"{WARNING}the accuracy of the uncompressed model is {100 * baseline.value:.1f} %, but"
        f' {100 * share:.1f} % of the texts have the label "{name:.80}"; check the order of the'
        f" labels {remedy}.",
    )
