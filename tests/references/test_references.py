"""The graphs of reference points give scikit-learn's logits, for one text and in padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from paretoscope.errors import TaskError
from paretoscope.graphs import sessions
from paretoscope.graphs.graph import initializers
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.stages import Reference
from paretoscope.recipes.stages.reference import LABELS, Features
from paretoscope.references.fit import apply, special_ids
from paretoscope.references.regression import ABSENT, Labelled, fit
from paretoscope.references.scikit import (
    LogisticRegression,
    StandardScaler,
    TfidfVectorizer,
)
from tests.tiny.encoders import wordpiece

Array = NDArray[Any]
TOKENIZER = wordpiece()
VOCABULARY = TOKENIZER.get_vocab_size()
SPECIAL = special_ids(TOKENIZER.to_str())
FIRST, LAST = (TOKENIZER.token_to_id(name) for name in ("[CLS]", "[SEP]"))


def texts(classes: int, count: int = 90) -> EncodedSplit:
    """Random texts with special tokens at both ends; the class shows in two tokens."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    ids = [
        np.array(
            [
                FIRST,
                *random.integers(5, VOCABULARY, size=int(random.integers(1, 9))),
                *([20 + label, 40 + label] if random.random() < 0.8 else []),
                LAST,
            ]
        )
        for label in labels
    ]
    return EncodedSplit(ids, labels, "texts")


def context(split: EncodedSplit, classes: int) -> StageContext:
    return StageContext(
        seed=0,
        labels=tuple("abcdefgh"[:classes]),
        encoded=lambda name: split if name == "train" else pytest.fail(name),
        progress=lambda step, steps, *, epochs=0.0: None,
        cached=lambda key, make: make(),
        tokenizer=TOKENIZER.to_str(),
    )


def model() -> Any:
    """All that is read of a model: its word embeddings."""
    weight = torch.tensor(np.random.default_rng(1).normal(size=(VOCABULARY, 12)) * 0.1).float()
    embeddings = SimpleNamespace(weight=weight)
    return SimpleNamespace(get_input_embeddings=lambda: embeddings)


def graph_of(features: Features, split: EncodedSplit, classes: int) -> Any:
    return apply(Reference(features=features), model(), context(split, classes))[0]


def logits(graph: Any, batch: Sequence[Array], padding: int = 0) -> Array:
    length = max(map(len, batch))
    ids = np.stack(
        [np.pad(each, (0, length - len(each)), constant_values=padding) for each in batch]
    )
    mask = np.stack([np.arange(length) < len(each) for each in batch]).astype(np.int64)
    feed = {"input_ids": ids, "attention_mask": mask}
    return sessions.run(sessions.session(graph), ["logits"], feed)[0]


def strength(features: Array | Any, labels: Array, strengths: Sequence[float]) -> Any:
    """The classifiers that a reference point may have chosen."""
    return [LogisticRegression(C=each, max_iter=2000).fit(features, labels) for each in strengths]


def by_scikit_learn(features: Features, split: EncodedSplit, new: Sequence[Array]) -> list[Array]:
    """Decision values of the new texts for every regularization that is tried."""
    if features == "tf-idf":
        vectorizer = TfidfVectorizer(
            tokenizer=str.split,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            sublinear_tf=True,
            norm="l2",
            min_df=2,
        )
        fitted = vectorizer.fit_transform(map(in_words, split.ids))
        others = vectorizer.transform(map(in_words, new))
        strengths = (1, 4, 16, 64)
    else:
        scaler = StandardScaler()
        fitted = scaler.fit_transform([mean(ids) for ids in split.ids])
        others = scaler.transform([mean(ids) for ids in new])
        strengths = (0.001, 0.01, 0.1, 1)
    return [each.decision_function(others) for each in strength(fitted, split.labels, strengths)]


def in_words(ids: Array) -> str:
    return " ".join(f"t{each}" for each in ids if each not in SPECIAL)


def mean(ids: Array) -> Array:
    table = model().get_input_embeddings().weight.numpy().astype(np.float64)
    return table[[each for each in ids if each not in SPECIAL]].mean(axis=0)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("features", LABELS)
def test_logits_are_those_of_scikit_learn(features: Features, classes: int) -> None:
    split, new = texts(classes), texts(classes, 130).ids[90:]
    found = logits(graph_of(features, split, classes), new)
    expected = by_scikit_learn(features, split, new)
    if classes == 2:
        expected = [np.stack([-each / 2, each / 2], axis=1) for each in expected]
    assert found.shape == (40, classes)
    assert min(float(np.abs(found - each).max()) for each in expected) < 1e-5
    assert np.ptp(found, axis=0).min() > 0.1, "the logits differ between texts"


@pytest.mark.parametrize("features", LABELS)
def test_padding_changes_nothing(features: Features) -> None:
    split = texts(3)
    graph = graph_of(features, split, 3)
    single = np.concatenate([logits(graph, [each]) for each in split.ids])
    for padding in (0, 21):  # also an id that is a token elsewhere
        np.testing.assert_allclose(logits(graph, split.ids, padding), single, atol=1e-5)


@pytest.mark.parametrize("features", LABELS)
def test_special_tokens_do_not_count(features: Features) -> None:
    split = texts(3)
    graph = graph_of(features, split, 3)
    text = split.ids[4]
    np.testing.assert_allclose(logits(graph, [text]), logits(graph, [text[1:-1]]), atol=1e-6)
    empty = logits(graph, [np.array([FIRST, LAST])])
    np.testing.assert_allclose(empty, logits(graph, [np.array([LAST])]), atol=1e-6)
    assert np.isfinite(empty).all()


@pytest.mark.parametrize("features", LABELS)
def test_a_class_without_training_texts_is_never_chosen(features: Features) -> None:
    split = texts(2)
    shifted = EncodedSplit(split.ids, split.labels * 2, "shifted")  # classes 0 and 2 of 3
    found = logits(graph_of(features, shifted, 3), split.ids)
    np.testing.assert_allclose(found[:, 1], ABSENT)
    np.testing.assert_allclose(
        found[:, [0, 2]], logits(graph_of(features, split, 2), split.ids), atol=1e-5
    )


@pytest.mark.parametrize("features", LABELS)
def test_the_same_data_gives_the_same_graph(features: Features) -> None:
    first, second = (graph_of(features, texts(3), 3) for _ in range(2))
    assert first.SerializeToString() == second.SerializeToString()


def test_token_embeddings_are_stored_as_decision_values() -> None:
    [table] = [
        list(tensor.dims)
        for name, tensor in initializers(graph_of("token-embeddings", texts(2), 2)).items()
        if name == "token.decisions"
    ]
    assert table == [VOCABULARY, 1]


def test_special_ids_are_those_of_the_tokenizer_and_those_that_it_adds() -> None:
    names = {TOKENIZER.id_to_token(each) for each in SPECIAL}
    assert names >= {"[CLS]", "[SEP]"}
    assert TOKENIZER.token_to_id("what") not in SPECIAL


def test_the_most_accurate_regularization_is_chosen_on_held_out_texts() -> None:
    """Noise in 40 dimensions: weak regularization fits the training texts and loses on others."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    rows = list(random.normal(size=(60, 40)) + 0.3 * labels[:, None])
    steps: list[tuple[int, int]] = []
    labelled = Labelled(labels, 2, 0, lambda step, of: steps.append((step, of)))
    found = fit(StandardScaler(), rows, labelled, (1e-3, 1e3))
    assert found.strength == 1e-3
    assert 0.5 < found.accuracy < 1
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("labels", "count"), [([0] * 12, 12), ([0, 1], 2)], ids=["one class", "one text of each"]
)
def test_too_little_data_is_refused(labels: list[int], count: int) -> None:
    split = EncodedSplit(texts(2).ids[:count], np.array(labels), "few")
    with pytest.raises(TaskError, match="two labels"):
        graph_of("token-embeddings", split, 2)


def test_texts_without_a_common_token_are_refused() -> None:
    ids = [np.array([FIRST, 10 + number, LAST]) for number in range(20)]
    with pytest.raises(TaskError, match="No token is in two training texts"):
        graph_of("tf-idf", EncodedSplit(ids, np.arange(20) % 2, "distinct"), 2)
