"""A tiny graph, texts and a context, for tests of quantization on whole graphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from paretoscope.graphs.export import export
from paretoscope.models.checkpoint import load_model
from paretoscope.recipes.context import EncodedSplit, StageContext
from tests.quantization.sessions import exact_session
from tests.tiny.factory import make_tiny

TEXTS = [
    np.random.default_rng(seed).integers(5, 40, size=length)
    for seed, length in enumerate((4, 9, 9, 13))
]


def graph_of(family: str, folder: Path) -> onnx.ModelProto:
    """The fp32 graph of a tiny classifier."""
    return export(load_model(make_tiny(family, folder)))[0]


def split_context() -> StageContext:
    """Every split is `TEXTS`; nothing is cached."""
    split = EncodedSplit(list(TEXTS), np.zeros(len(TEXTS), dtype=np.int64), "calibration")
    return StageContext(
        0, ("a", "b"), lambda name: split, lambda *_, **__: None, lambda key, make: make()
    )


def logits(model: onnx.ModelProto, texts: Sequence[np.ndarray] = TEXTS) -> np.ndarray:
    """Answers to `texts`, float32 [texts, classes], each text by itself."""
    session = exact_session(model)
    feeds = [{"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])} for ids in texts]
    return np.concatenate([np.asarray(session.run(None, feed)[0]) for feed in feeds])
