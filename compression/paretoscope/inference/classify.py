"""One classifier artefact opened to answer what a person types: labels with probabilities, tokens,
milliseconds.

The short form that travels with every artefact is `artifact/run.py`. Measuring a latency is
`measure/`'s: the time told here is that of one request in a process that does other things too.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from paretoscope.errors import ArtifactError


@dataclass(frozen=True, eq=False)
class Answer:
    """`probabilities` [labels]; the `tokens` that the model saw, `cut` when the text had more; `ms`
    of the model alone.
    """

    probabilities: NDArray[np.float64]
    tokens: tuple[str, ...]
    cut: bool
    ms: float


@dataclass(frozen=True, eq=False)
class Classifier:
    """An open artefact; several threads may ask it at once."""

    labels: tuple[str, ...]
    _session: Any
    _tokenizer: Any

    def answer(self, text: str) -> Answer:
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        started = time.perf_counter()
        logits = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[
            0
        ][0]
        ms = (time.perf_counter() - started) * 1000
        shares = np.exp(logits.astype(np.float64) - logits.max())
        return Answer(shares / shares.sum(), tuple(encoding.tokens), bool(encoding.overflowing), ms)


def open_classifier(folder: Path) -> Classifier:
    """The artefact in `folder`, with the threads that it was timed with, which sleep while nothing
    is asked.

    Raises `ArtifactError` when a file is missing or damaged.
    """
    try:
        config, manifest = (
            json.loads((folder / name).read_text(encoding="utf-8"))
            for name in ("config.json", "manifest.json")
        )
        names = config["id2label"]
        labels = tuple(names[str(index)] for index in range(len(names)))
        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(manifest["max_length"])
        options = _options(manifest["conditions"]["threads"])
        opened: Any = ort.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # both libraries raise plain or private exceptions
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ArtifactError(
            f'The model in "{folder}" cannot be opened ({why}); make it again with `paretoscope run'
            " ... --again`."
        ) from error
    classifier = Classifier(labels, opened, tokenizer)
    classifier.answer("a")  # the first request of a session is slow, and nobody's
    return classifier


def _options(threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that spin while they wait would take the processor from the other models, and from
    # measurements.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
