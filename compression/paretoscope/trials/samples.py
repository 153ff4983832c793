"""What a trial keeps besides its numbers: the answer to every example or token and the raw latency
samples, one .npz a trial.

The engine writes the file (`write_samples` in `engine/measuring.py`); this reads it. Points of
the shipped study have none.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import StoreError
from paretoscope.workspace import Workspace

BESIDE = "-baseline"
"""Ends the id of a baseline that has no trial of its own: what was measured in turns with the trial
in front of it.
"""


@dataclass(frozen=True, eq=False)
class Samples:
    """Of one model: logits [examples, classes] with the `labels` [examples], and the times of each
    turn in milliseconds.

    Of prose there are `tokens` in place of labels and logits.
    """

    labels: NDArray[np.int64] | None
    logits: NDArray[np.float32] | None
    turns_ms: tuple[NDArray[np.float64], ...]
    tokens: TokenAnswers | None = None

    @property
    def latencies_ms(self) -> NDArray[np.float64]:
        """The samples of every turn, one after the other."""
        return np.concatenate(self.turns_ms) if self.turns_ms else np.empty(0)


def read_samples(workspace: Workspace, trial_id: str) -> Samples | None:
    """What the trial kept, or of an id that ends in `-baseline` what its baseline did; None when
    there is no file.

    Raises `StoreError` when the file is there but damaged.
    """
    beside = trial_id.endswith(BESIDE)
    path = workspace.samples / f"{trial_id.removesuffix(BESIDE)}.npz"
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
    side, prefix = ("baseline", "baseline_") if beside else ("candidate", "")
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
    """What a language model made of prose: for each scored token its log-probability and the
    likeliest token in its place, the tokens themselves [tokens], and how many of them each document
    has [documents]."""

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
