"""Predictions of the compared models: by class, calibration, and two models on the same texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from paretoscope.dashboard.compare import disagreements, documents
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, layout
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.class_accuracy import ModelClasses, class_accuracy_figure
from paretoscope.report.figures.confusion import MOST_NUMBERED, confusion_figure
from paretoscope.report.figures.reliability import (
    ModelCalibration,
    ece_in_words,
    reliability_figure,
)
from paretoscope.report.tables.table import Row
from paretoscope.statistics.calibration import BINS, Calibration, calibration
from paretoscope.statistics.classes import class_accuracies, confusion
from paretoscope.tasks.splits import Split
from paretoscope.trials.format import listed
from paretoscope.trials.samples import Samples

BY_CLASS = "#### Accuracy by class"
READING = (
    "Share of the texts of each class that are predicted correctly, with 95 % Wilson intervals. In"
    " parentheses: number of texts."
)
CALIBRATION = "#### Calibration"
CONFUSION = "##### Confusion matrices"


class Predicted(NamedTuple):
    """A model with its samples, which have labels and logits."""

    row: Row
    samples: Samples


def draw(scope: Scope, rows: Sequence[Row], samples: Mapping[str, Samples | None]) -> None:
    """Class accuracy and calibration of all models, then two models in detail."""
    known = [Predicted(row, kept) for row in rows if (kept := samples[row.id]) and _has(kept)]
    split = _examples(scope, known) if known else None
    names = _class_names(known, split)
    if known:
        left, right = st.columns(2, gap="large")
        with left:
            _by_class(known, names)
        with right:
            _calibration(known, demo=scope.demo)
    missing = [row.short_name for row in rows if row.id not in {each.row.id for each in known}]
    if known and missing:
        st.caption(f":material/info: Predictions are not stored for {listed(missing)}.")
    st.markdown(disagreements.HEADING)
    first, second = disagreements.two(rows)
    if first.id == second.id:
        st.caption(disagreements.SAME_MODEL)
        return
    found = disagreements.compared(first, second, samples)
    theirs = samples[first.id], samples[second.id]
    if theirs[0] and theirs[1] and theirs[0].tokens and theirs[1].tokens:
        documents.draw(scope, first, second, (theirs[0].tokens, theirs[1].tokens))
    by_id = {each.row.id: each for each in known}
    if found.paired and not found.reason and {first.id, second.id} <= set(by_id):
        _confusion([by_id[first.id], by_id[second.id]], names)
        if split:
            disagreements.texts(first, second, samples, split)


def _has(kept: Samples) -> bool:
    return kept.labels is not None and kept.logits is not None and len(kept.labels) > 0


def _examples(scope: Scope, known: Sequence[Predicted]) -> Split | None:
    """The texts of the validation split, if they are those that were measured."""
    try:
        split = data.examples(known[0].row.document, demo=scope.demo)
    except ParetoscopeError as error:
        st.caption(f":material/info: The texts cannot be read: {error}")
        return None
    labels = known[0].samples.labels
    if labels is None or not np.array_equal(split.labels, labels):
        st.caption(":material/info: The data has changed since the measurement.")
        return None
    return split


def _class_names(known: Sequence[Predicted], split: Split | None) -> tuple[str, ...]:
    if split:
        return tuple(split.classes)
    logits = known[0].samples.logits if known else None
    return tuple(f"class {at}" for at in range(0 if logits is None else logits.shape[1]))


def _counts(each: Predicted, classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    assert each.samples.labels is not None
    assert each.samples.logits is not None
    return confusion(each.samples.labels, each.samples.logits.argmax(axis=1), classes)


def _by_class(known: Sequence[Predicted], names: Sequence[str]) -> None:
    st.markdown(BY_CLASS)
    models = [
        ModelClasses(
            each.row.short_name,
            each.row.family,
            class_accuracies(_counts(each, len(names))),
        )
        for each in known
    ]
    alt = "; ".join(
        f"{model.name}: "
        + ", ".join(
            f"{name} {100 * found.value:.0f} %"
            for name, found in zip(names, model.classes, strict=True)
            if found
        )
        for model in models
    )
    show(class_accuracy_figure(models, names, dark=layout.dark()), key="by_class", alt=alt)
    st.caption(READING)


def _calibration(known: Sequence[Predicted], *, demo: bool) -> None:
    st.markdown(CALIBRATION)
    models = [
        ModelCalibration(
            each.row.short_name,
            each.row.family,
            _calibrated(each.row.id, demo, data.version(), each.samples),
        )
        for each in known
    ]
    errors = "; ".join(f"{model.name} {ece_in_words(model.found)}" for model in models)
    st.markdown(f"Expected calibration error (ECE): {errors}.")
    show(
        reliability_figure(models, dark=layout.dark()),
        key="calibration",
        alt=f"Accuracy against confidence. Expected calibration error: {errors}",
    )
    n = models[0].found.n
    st.caption(
        "Below the diagonal a model is more confident than it is correct. ECE: mean distance from"
        f" the diagonal over {BINS} bins of equal width, {n:,} texts, 95 % bootstrap interval."
        " Larger markers have more texts."
    )


@st.cache_resource(show_spinner=False, max_entries=24)
def _calibrated(trial_id: str, demo: bool, version: int, _samples: Samples) -> Calibration:
    """Calibration with its bootstrap, which takes 15 ms for a model."""
    assert _samples.logits is not None
    assert _samples.labels is not None
    return calibration(_samples.logits, _samples.labels)


def _confusion(chosen: Sequence[Predicted], names: Sequence[str]) -> None:
    st.markdown(CONFUSION)
    for column, each in zip(st.columns(2, gap="large"), chosen, strict=True):
        with column:
            st.markdown(f"**{title(each.row)}**")
            counts = _counts(each, len(names))
            wrong = int(counts.sum() - counts.trace())
            show(
                confusion_figure(counts, names, dark=layout.dark()),
                key=f"confusion_{each.row.id}",
                alt=f"{each.row.short_name}: {wrong} of {int(counts.sum())} texts are predicted as"
                " another class",
            )
    numbers = "" if len(names) <= MOST_NUMBERED else " Hover over a cell for its numbers."
    st.caption(f"Count, and share of the true class. Both have the same color scale.{numbers}")
