"""Writes the samples of the demo study: predictions and latencies of all trials of one model.

The format is described in `paretoscope/trials/study_samples.py`, which reads it. Predictions are
stored with half precision where that changes no prediction and no printed number.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.statistics.calibration import calibration
from paretoscope.trials.study_samples import INDEX
from paretoscope.workspace import Workspace, write_whole

Array = NDArray[Any]
SAME_ECE = 0.0005
"""ECE is printed in per cent with one decimal; a smaller difference does not show."""
SAME_PERPLEXITY = 1e-4
"""Relative; perplexity is printed with two decimals."""


def write_study_samples(path: Path, workspace: Workspace, trials: Sequence[str]) -> int:
    """Write the samples of `trials`, those in the workspace; returns the size in bytes."""
    flat: dict[str, list[Array]] = {}
    sizes: dict[str, int] = {}
    places: dict[bytes, tuple[str, int, list[int]]] = {}
    index: dict[str, dict[str, tuple[str, int, list[int]]]] = {}
    for trial_id in sorted(trials):
        for name, array in _narrowed(workspace.samples / f"{trial_id}.npz").items():
            kind, key = array.dtype.name, repr((array.dtype, array.shape)).encode()
            key += array.tobytes()
            if key not in places:
                places[key] = kind, sizes.get(kind, 0), list(array.shape)
                sizes[kind] = sizes.get(kind, 0) + array.size
                flat.setdefault(kind, []).append(array.ravel())
            index.setdefault(trial_id, {})[name] = places[key]
    arrays: dict[str, Any] = {kind: np.concatenate(parts) for kind, parts in flat.items()}
    packed = io.BytesIO()
    text = json.dumps(index, separators=(",", ":")).encode()
    arrays[INDEX] = np.frombuffer(text, dtype=np.uint8)
    np.savez_compressed(packed, **arrays)
    write_whole(path, packed.getvalue())
    return len(packed.getvalue())


def _narrowed(path: Path) -> dict[str, Array]:
    """The arrays of a trial's file in the types that ship."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    return {name: narrowed(name, array, arrays) for name, array in arrays.items()}


def narrowed(name: str, array: Array, trial: Mapping[str, Array]) -> Array:
    """An array of a trial in the smallest type with which every printed number stays the same."""
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.min_scalar_type(int(array.max(initial=0))))
    half = array.astype(np.float16)
    if name.endswith("logits") and _same_predictions(array, half, trial["labels"]):
        return half
    if name.endswith("log_probability") and _same_perplexity(array, half):
        return half
    return array.astype(np.float32)


def _same_predictions(logits: Array, half: Array, labels: Array) -> bool:
    """Whether predictions and calibration are those of the full precision."""
    if not np.array_equal(logits.argmax(axis=1), half.argmax(axis=1)):
        return False
    before, after = calibration(logits, labels), calibration(half, labels)
    return abs(before.ece - after.ece) < SAME_ECE


def _same_perplexity(log_probability: Array, half: Array) -> bool:
    before, after = (float(each.astype(np.float64).mean()) for each in (log_probability, half))
    return abs(np.expm1(before - after)) < SAME_PERPLEXITY
