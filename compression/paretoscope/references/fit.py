"""Fits a reference point to the training split and writes it as a classifier's graph.

The graph has the inputs and the output of every classifier, so evaluators, timers and artefacts
treat it as any other. It is compared with scikit-learn before it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from tokenizers import Tokenizer

from paretoscope.errors import ArtifactError, TaskError
from paretoscope.graphs import sessions
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Reference
from paretoscope.references import tf_idf, token_embeddings
from paretoscope.references.regression import Array, Fitted, Labelled, fit

TOLERANCE = 1e-4
"""Largest accepted difference of a logit from scikit-learn, relative to the largest one or 1."""
COMPARED = 64
"""Training texts on which the graph is compared with scikit-learn, also as a padded batch."""

log = logging.getLogger("paretoscope")


def apply(stage: Reference, model: Any, context: StageContext) -> tuple[onnx.ModelProto, float]:
    """The graph of a reference point and its largest relative difference from scikit-learn.

    `model` is the torch model, of which only the word embeddings are read. Raises `TaskError` when
    the training split is too small, `ArtifactError` above `TOLERANCE`.
    """
    split = context.encoded("train")
    special = special_ids(context.tokenizer)
    labelled = Labelled(split.labels, len(context.labels), context.seed, context.progress)
    if stage.features == "tf-idf":
        texts: Sequence[Any] = tf_idf.prepared(split.ids)
        fitted = _tf_idf(texts, special, labelled)
        graph = tf_idf.graph(fitted)
    else:
        table: Array = model.get_input_embeddings().weight.detach().numpy()
        texts = token_embeddings.means(table, special, split.ids)
        strengths = token_embeddings.STRENGTHS
        fitted = fit(token_embeddings.extractor(), texts, labelled, strengths)
        graph = token_embeddings.graph(fitted, table, special)
    log.info("C = %g, accuracy in cross-validation %.4f", fitted.strength, fitted.accuracy)
    return graph, _checked(graph, split.ids[:COMPARED], fitted, texts[:COMPARED])


def _tf_idf(texts: Sequence[Any], special: frozenset[int], labelled: Labelled) -> Fitted:
    try:
        return fit(tf_idf.extractor(special), texts, labelled, tf_idf.STRENGTHS)
    except ValueError as error:  # scikit-learn's, for an empty vocabulary
        raise TaskError(
            "No token is in two training texts, so TF-IDF cannot be computed; add examples."
        ) from error


def special_ids(tokenizer: str) -> frozenset[int]:
    """Ids of the special tokens of a tokenizer.json, and of those that it adds to every text."""
    loaded: Any = Tokenizer.from_str(tokenizer)
    loaded.no_padding()
    added = loaded.get_added_tokens_decoder().items()
    return frozenset(
        [*loaded.encode("").ids, *(number for number, token in added if token.special)]
    )


def _checked(
    graph: onnx.ModelProto, ids: Sequence[Array], fitted: Fitted, texts: Sequence[Any]
) -> float:
    """Largest relative difference from scikit-learn of the texts one by one and as a batch."""
    session = sessions.session(graph)
    expected = fitted.logits(texts)
    single = [_logits(session, [each]) for each in ids]
    found = np.stack([np.concatenate(single), _logits(session, ids)])
    difference = float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
    if not difference <= TOLERANCE:
        raise ArtifactError(
            f"The graph of the reference point differs from scikit-learn by {difference:.2g}, more"
            f" than the tolerance of {TOLERANCE:g}; report this with the recipe."
        )
    return difference


def _logits(session: Any, texts: Sequence[Array]) -> Array:
    """Logits [texts, classes] of a batch, padded on the right with token 0."""
    length = max(map(len, texts))
    ids = np.stack([np.pad(each, (0, length - len(each))) for each in texts])
    mask = np.stack([np.arange(length) < len(each) for each in texts]).astype(np.int64)
    return sessions.run(session, ["logits"], {"input_ids": ids, "attention_mask": mask})[0]
