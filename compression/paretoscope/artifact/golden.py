"""Golden inputs of an artefact: texts with the logits of the machine that made it.

The texts are random entries of the vocabulary, because texts of the task may be private. They are
compared with another machine's answers by `self_check.py`, which lies in every artefact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from paretoscope.inference.graph_io import MODEL, empty, is_past
from paretoscope.inference.session import open_session

COUNT = 32
LENGTHS = (2, 14)
"""Fewest and most entries of the vocabulary in a text, without special tokens."""
KEPT = 8
"""Largest logits of each text that are kept."""
FLOAT_TOLERANCE, INT8_TOLERANCE = 1e-3, 1e-2
"""Accepted differences of a logit, relative to the largest one or 1: of exact kernels that add in
another order, and of kernels that round activations to 8 bits.
"""
INT8 = (b"MatMulInteger", b"DynamicQuantizeMatMul", b"QuantizeLinear", b"accuracy_level")
"""Operators, and the attribute of MatMulNBits, with which activations are rounded to 8 bits."""
Logits = Callable[[Sequence[int]], NDArray[np.float32]]
"""All logits [classes], or [vocabulary] of the next token, of a text's token ids."""


def golden_inputs(folder: Path, threads: int) -> dict[str, Any]:
    """The `check` of manifest.json for a packed artefact: texts, ids, largest logits, tolerance.

    Lists of numbers are strings with spaces, which keeps the file readable.
    """
    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = golden_texts(tokenizer)
    logits = open_logits(folder, threads)
    ids = [list(tokenizer.encode(text).ids) for text in texts]
    tops: list[str] = []
    values: list[str] = []
    for each in ids:
        found = logits(each)
        top = np.argsort(-found, kind="stable")[:KEPT]
        tops.append(" ".join(map(str, top)))
        values.append(" ".join(f"{found[index]:.6g}" for index in top))
    int8 = rounds_activations(folder)
    return {
        "texts": texts,
        "ids": [" ".join(map(str, each)) for each in ids],
        "top": tops,
        "logits": values,
        "tolerance": INT8_TOLERANCE if int8 else FLOAT_TOLERANCE,
        "int8": int8,
    }


def golden_texts(tokenizer: Any, count: int = COUNT) -> list[str]:
    """Different texts of random entries of the vocabulary, the same for the same tokenizer."""
    special = {token for token, added in tokenizer.get_added_tokens_decoder().items() if added}
    ordinary = [each for each in range(tokenizer.get_vocab_size()) if each not in special]
    random = np.random.default_rng(0)
    texts: dict[str, None] = {}
    for _ in range(50 * count):
        entries = random.choice(ordinary, size=int(random.integers(*LENGTHS)))
        text = " ".join(tokenizer.decode(entries.tolist()).split())
        if text.isprintable() and "\ufffd" not in text and tokenizer.encode(text).ids:
            texts[text] = None
        if len(texts) == count:
            break
    return list(texts)


def open_logits(folder: Path, threads: int) -> Logits:
    """The function that computes the logits of one text, as the artefact's run.py does."""
    session = open_session(str(folder / MODEL), threads=threads, spinning=False)
    past = {entry.name: empty(entry, 1) for entry in session.get_inputs() if is_past(entry)}

    def logits(ids: Sequence[int]) -> NDArray[np.float32]:
        row = np.array([ids], dtype=np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row), **past}
        return session.run(["logits"], feed)[0].reshape(-1)

    return logits


def rounds_activations(folder: Path) -> bool:
    """Whether the graph multiplies int8 activations, whose kernels depend on the processor."""
    content = (folder / MODEL).read_bytes()
    return any(name in content for name in INT8)
