"""Classifies single texts with an open artefact: probabilities, tokens and milliseconds.

The short form that ships with every artefact is `artifact/run.py`. Latencies of artefacts are
measured in `measure/`; the time here is that of one request in a process that does other work.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from paretoscope.errors import ArtifactError
from paretoscope.inference.session import open_session


@dataclass(frozen=True, eq=False)
class Answer:
    """`probabilities` [labels], the `tokens` that the model read, and the `ms` of the model alone.

    `cut` says whether the text had more tokens than the model reads.
    """

    probabilities: NDArray[np.float64]
    tokens: tuple[str, ...]
    cut: bool
    ms: float


@dataclass(frozen=True, eq=False)
class Classifier:
    """An open artefact; it may be used from several threads."""

    labels: tuple[str, ...]
    _session: Any
    _tokenizer: Any

    def answer(self, text: str) -> Answer:
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        started = time.perf_counter()
        logits = self._session.run(None, feed)[0][0]
        ms = (time.perf_counter() - started) * 1000
        shares = np.exp(logits.astype(np.float64) - logits.max())
        return Answer(shares / shares.sum(), tuple(encoding.tokens), bool(encoding.overflowing), ms)


def open_classifier(folder: Path) -> Classifier:
    """Open the artefact in `folder` with the number of threads that it was measured with.

    Idle threads sleep, so that they take no cores from other models or from measurements. Raises
    `ArtifactError` when a file is missing or damaged.
    """
    try:
        config, manifest = (
            json.loads((folder / name).read_text(encoding="utf-8"))
            for name in ("config.json", "manifest.json")
        )
        names = config["id2label"]
        labels = tuple(names[str(index)] for index in range(len(names)))
        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if (
            manifest["max_length"] and tokenizer.truncation is None
        ):  # an artefact of an older version
            tokenizer.enable_truncation(manifest["max_length"])
        threads = manifest["conditions"]["threads"]
        session = open_session(str(folder / "model.onnx"), threads=threads, spinning=False)
    except Exception as error:  # both libraries raise plain or private exceptions
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ArtifactError(
            f'The model in "{folder}" cannot be opened ({reason}); make it again with `paretoscope'
            " run ... --again`."
        ) from error
    classifier = Classifier(labels, session, tokenizer)
    classifier.answer("a")  # warm-up: the first request of a session is slow
    return classifier
