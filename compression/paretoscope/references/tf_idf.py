"""TF-IDF of tokens and pairs of tokens, as scikit-learn's TfidfVectorizer computes it.

    tf = 1 + log(count), idf = 1 + log((1 + texts) / (1 + texts with it)), L2 norm 1

The graph counts with the operator TfIdfVectorizer of ONNX, which looks up n-grams exactly. No
n-gram of the vocabulary has a special token or padding, so these do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx

from paretoscope.graphs.graph import Graph
from paretoscope.references.regression import Array, Fitted
from paretoscope.references.scikit import TfidfVectorizer

STRENGTHS = (1.0, 4.0, 16.0, 64.0)
"""Values of the inverse regularization C that are tried."""
FEWEST_TEXTS = 2
"""Training texts that must have an n-gram; those of one text double the size and gain nothing."""
MOST = 100_000
"""Most n-grams, the most frequent ones, so that size and latency are bounded."""
BASE = 2**32
"""Keys of pairs are above those of single tokens, which are below this."""
NOTHING = -1
"""The id of padding, which no token has."""
TINY = 1e-12
"""Least norm; a text without a known n-gram has zeros only."""


def extractor(special: frozenset[int]) -> Any:
    """A vectorizer for lists of token ids; `special` ids separate n-grams."""

    def n_grams(ids: Sequence[int]) -> list[int]:
        single = [each for each in ids if each not in special]
        pairs = [
            (first + 1) * BASE + second
            for first, second in pairwise(ids)
            if first not in special and second not in special
        ]
        return single + pairs

    return TfidfVectorizer(
        analyzer=n_grams, sublinear_tf=True, min_df=FEWEST_TEXTS, max_features=MOST
    )


def graph(fitted: Fitted) -> onnx.ModelProto:
    """input_ids, attention_mask int64 [batch, sequence] -> logits float32 [batch, classes]."""
    made = Graph()
    vocabulary: dict[int, int] = fitted.extractor.vocabulary_
    keys = sorted(vocabulary, key=vocabulary.__getitem__)  # single tokens first, as keys rise
    counts = _counts(made, keys)
    idf = made.constant("idf", fitted.extractor.idf_.astype(np.float32))
    one = made.constant("one", np.array(1, dtype=np.float32))
    present = made.node("Min", [counts, one], "present")
    at_least_one = made.node("Max", [counts, one], "count")
    logarithm = made.node("Log", [at_least_one], "log.count")
    frequency = made.node("Add", [present, logarithm], "tf")
    weighted = made.node("Mul", [frequency, idf], "tf.idf")
    axis = made.constant("features.axis", np.array([1], dtype=np.int64))
    norm = made.node("ReduceL2", [weighted, axis], "norm", keepdims=1)
    tiny = made.constant("tiny", np.array(TINY, dtype=np.float32))
    norm = made.node("Max", [norm, tiny], "least.norm")
    weights = made.constant("weights", fitted.weights.astype(np.float32))
    product = made.node("MatMul", [weighted, weights], "product")
    fitted.add_logits(made, made.node("Div", [product, norm], "decisions"), fitted.intercept)
    return made.classifier(fitted.classes)


def _counts(made: Graph, keys: Sequence[int]) -> str:
    """How often each n-gram is in each text: float32 [batch, n-grams]."""
    is_token = made.node("Cast", ["attention_mask"], "is.token", to=onnx.TensorProto.BOOL)
    nothing = made.constant("nothing", np.array(NOTHING, dtype=np.int64))
    tokens = made.node("Where", [is_token, "input_ids", nothing], "tokens")
    single = [key for key in keys if key < BASE]
    pairs = [part for key in keys[len(single) :] for part in (key // BASE - 1, key % BASE)]
    return made.node(
        "TfIdfVectorizer",
        [tokens],
        "counts",
        mode="TF",
        min_gram_length=1,
        max_gram_length=2,
        max_skip_count=0,
        ngram_counts=[0, len(single)],
        ngram_indexes=list(range(len(keys))),
        pool_int64s=[*single, *pairs],
    )


def prepared(texts: Sequence[Array]) -> list[list[int]]:
    """Token ids as the lists that the vectorizer takes."""
    return [ids.tolist() for ids in texts]
