"""The samples of the shipped study: predictions and raw latencies, one file for each model.

`samples-MODEL.npz` beside the study has one flat array for each type of number, and `index`, a JSON
text that gives for each trial and array the type, the start and the shape. Equal arrays, such as
the labels of a task and the baseline's predictions, are there once. `benchmarks/study_samples.py`
writes the file; `narrowed` there says which numbers are stored with half precision.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import StoreError
from paretoscope.trials import study
from paretoscope.trials.samples import BASELINE_SUFFIX, Samples, samples_of

INDEX = "index"
"""The array with the index, as bytes of UTF-8."""
WIDE = {"labels": "int64", "lengths": "int64", "targets": "int32", "top": "int32"}
"""The type of an integer array in a trial of one's own, by the end of its name."""


def study_samples_file(model: str, of_study: Path | None = None) -> Path:
    """The file of a model, beside the shipped study or another one."""
    return (of_study or study.STUDY).with_name(f"samples-{model}.npz")


def shipped_samples(model: str, trial_id: str, of_study: Path | None = None) -> Samples | None:
    """The samples of a trial of the study, or of its baseline for an id with `BASELINE_SUFFIX`.

    None when the study was made without samples. Raises `StoreError` when the file is damaged.
    """
    path = study_samples_file(model, of_study)
    if not path.is_file():
        return None
    try:
        index, flat = _read(path, path.stat().st_mtime_ns)
        placed = index.get(trial_id.removesuffix(BASELINE_SUFFIX))
        if placed is None:
            return None
        arrays = {name: _array(name, flat, *place) for name, place in placed.items()}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(
            f'The samples of the shipped study "{path}" cannot be read ({type(error).__name__});'
            ' make them again with "make demo-study".'
        ) from error
    return samples_of(arrays, of_baseline=trial_id.endswith(BASELINE_SUFFIX))


@lru_cache(maxsize=4)
def _read(
    path: Path, changed_ns: int
) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, NDArray[Any]]]:
    """Index and flat arrays; `changed_ns` makes a rewritten file another cache entry."""
    with np.load(path) as file:
        flat = {name: file[name] for name in file.files}
    return json.loads(flat.pop(INDEX).tobytes()), flat


def _array(
    name: str, flat: Mapping[str, NDArray[Any]], kind: str, start: int, shape: list[int]
) -> NDArray[Any]:
    """An array of the type that a trial of one's own has."""
    stored = flat[kind][start : start + prod(shape)].reshape(shape)
    if np.issubdtype(stored.dtype, np.integer):
        return stored.astype(WIDE.get(name.removeprefix("baseline_"), "int64"))
    return stored.astype(np.float64 if "_turn" in name else np.float32)
