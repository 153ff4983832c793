"""The mean of the word embeddings of a text, standardized.

The mean is linear, so the graph does not store the embeddings: its table has the decision values of
each token, the product of its embedding and the weights, and the mean of a text's rows gives the
same logits from a small part of the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from paretoscope.graphs.graph import Graph
from paretoscope.references.regression import Array, Fitted
from paretoscope.references.scikit import StandardScaler

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Values of the inverse regularization C that are tried."""


def extractor() -> Any:
    """Standardizes every dimension of the means over the training texts."""
    return StandardScaler()


def means(table: Array, special: frozenset[int], texts: Sequence[Array]) -> list[Array]:
    """The mean embedding [width] of each text, without special tokens; zeros for an empty text."""
    excluded = sorted(special)
    found: list[Array] = []
    for ids in texts:
        kept = ids[~np.isin(ids, excluded)]
        zeros = np.zeros(table.shape[1])
        found.append(table[kept].mean(axis=0, dtype=np.float64) if len(kept) else zeros)
    return found


def graph(fitted: Fitted, table: Array, special: frozenset[int]) -> onnx.ModelProto:
    """input_ids, attention_mask int64 [batch, sequence] -> logits float32 [batch, classes]."""
    made = Graph()
    scaler, weights = fitted.extractor, fitted.weights / fitted.extractor.scale_[:, None]
    decisions = (table.astype(np.float64) @ weights).astype(np.float32)
    rows = made.node("Gather", [made.constant("token.decisions", decisions), "input_ids"], "rows")
    counted = _counted(made, sorted(special))
    last = made.constant("last.axis", np.array([-1], dtype=np.int64))
    tokens = made.constant("tokens.axis", np.array([1], dtype=np.int64))
    weighting = made.node("Unsqueeze", [counted, last], "weighting")
    kept = made.node("Mul", [rows, weighting], "kept.rows")
    total = made.node("ReduceSum", [kept, tokens], "total", keepdims=0)
    number = made.node("ReduceSum", [counted, tokens], "number", keepdims=1)
    one = made.constant("one", np.array(1, dtype=np.float32))
    number = made.node("Max", [number, one], "least.number")
    mean = made.node("Div", [total, number], "mean")
    fitted.add_logits(made, mean, fitted.intercept - scaler.mean_ @ weights)
    return made.classifier(fitted.classes)


def _counted(made: Graph, special: Sequence[int]) -> str:
    """1 for each token that is neither special nor padding, else 0: float32 [batch, sequence]."""
    mask = made.node("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.FLOAT)
    if not special:
        return mask
    last = made.constant("special.axis", np.array([-1], dtype=np.int64))
    column = made.node("Unsqueeze", ["input_ids", last], "ids.column")
    ids = made.constant("special", np.array(special, dtype=np.int64))
    equal = made.node("Equal", [column, ids], "equal")
    ones = made.node("Cast", [equal], "equal.ones", to=onnx.TensorProto.FLOAT)
    found = made.node("ReduceMax", [ones, last], "is.special", keepdims=0)
    unit = made.constant("unit", np.array(1, dtype=np.float32))
    ordinary = made.node("Sub", [unit, found], "ordinary")
    return made.node("Mul", [mask, ordinary], "counted")
