"""The samples of a trial: its output for every example or token, and raw latencies.

`write_samples` in `engine/measuring.py` writes one .npz a trial; this module reads it. Those of the
shipped study are in one file a model (`trials/study_samples.py`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import StoreError
from paretoscope.workspace import Workspace

BASELINE_SUFFIX = "-baseline"
"""Suffix of the id of a baseline that was measured in the session of a trial."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one model: `labels` [examples], `logits` [examples, classes] and the latencies of
    each turn in milliseconds.

    A language model has `tokens` instead of labels and logits.
    """

    labels: NDArray[np.int64] | None
    logits: NDArray[np.float32] | None
    turns_ms: tuple[NDArray[np.float64], ...]
    tokens: TokenAnswers | None = None

    @property
    def latencies_ms(self) -> NDArray[np.float64]:
        """The latencies of all turns, in order."""
        return np.concatenate(self.turns_ms) if self.turns_ms else np.empty(0)


def read_samples(workspace: Workspace, trial_id: str) -> Samples | None:
    """The samples of a trial, or of its baseline for an id with `BASELINE_SUFFIX`; None when there
    is no file.

    Raises `StoreError` when the file is damaged.
    """
    of_baseline = trial_id.endswith(BASELINE_SUFFIX)
    path = workspace.samples / f"{trial_id.removesuffix(BASELINE_SUFFIX)}.npz"
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(
            f'The samples "{path}" cannot be read ({error}); measure the trial again with'
            " `paretoscope run ... --again`."
        ) from error
    return samples_of(arrays, of_baseline=of_baseline)


def samples_of(arrays: Mapping[str, NDArray[Any]], *, of_baseline: bool) -> Samples:
    """The samples of a model, or of the baseline in its session, from the arrays of its trial."""
    side, prefix = ("baseline", "baseline_") if of_baseline else ("candidate", "")
    turns = sorted(
        (name for name in arrays if re.fullmatch(rf"{side}_turn\d+", name)),
        key=lambda name: int(name.rpartition("turn")[2]),
    )
    of_tokens = (f"{prefix}log_probability", f"{prefix}top", "targets", "lengths")
    tokens = (
        TokenAnswers(*(arrays[name] for name in of_tokens))
        if arrays.keys() >= set(of_tokens)
        else None
    )
    return Samples(
        arrays.get("labels"),
        arrays.get(f"{prefix}logits"),
        tuple(arrays[name] for name in turns),
        tokens,
    )


@dataclass(frozen=True, eq=False)
class TokenAnswers:
    """Outputs of a language model on prose: for every scored token its log-probability and the most
    likely token [tokens], the tokens themselves [tokens], and tokens per document [documents].
    """

    log_probability: NDArray[np.float32]
    top: NDArray[np.int32]
    targets: NDArray[np.int32]
    lengths: NDArray[np.int64]

    def first(self, documents: int) -> TokenAnswers:
        """Those of the first so many documents."""
        tokens = int(self.lengths[:documents].sum())
        return TokenAnswers(
            self.log_probability[:tokens],
            self.top[:tokens],
            self.targets[:tokens],
            self.lengths[:documents],
        )
