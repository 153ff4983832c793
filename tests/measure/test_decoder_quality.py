"""Perplexity, divergence and cloze answers against numpy, on a model whose logits are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from paretoscope.errors import ArtifactError
from paretoscope.measure import cloze, perplexity
from paretoscope.measure.process import reporting
from paretoscope.measure.worker.scoring import divergence, likeliest, log_softmax, windows
from paretoscope.statistics.intervals import kl_divergence
from paretoscope.tasks.prose import Question
from tests.tiny import graph_decoder

RANDOM = np.random.default_rng(3)
DOCUMENTS = [
    RANDOM.integers(0, graph_decoder.VOCABULARY, length, dtype=np.int64)
    for length in (2, 40, 300, 700)
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("decoders")
    return graph_decoder.toy_decoder(root / "plain"), graph_decoder.toy_decoder(
        root / "noisy", noise=0.3
    )


def _expected(noise: float) -> np.ndarray:
    """Log-probabilities [all scored tokens, vocabulary]."""
    return np.concatenate(
        [log_softmax(graph_decoder.logits(ids, noise=noise)[:-1]) for ids in DOCUMENTS]
    )


def test_perplexity_is_that_of_whole_documents(folders: tuple[Path, Path]) -> None:
    targets = np.concatenate([ids[1:] for ids in DOCUMENTS])
    rows = np.arange(len(targets))
    reports: list[tuple[int, int]] = []
    with reporting(lambda *at: reports.append(at)):
        plain = perplexity.score_tokens(folders[0], DOCUMENTS, None, threads=1, context=2048)
    assert reports[-1] == (len(targets), len(targets))
    noisy = perplexity.score_tokens(folders[1], DOCUMENTS, plain, threads=1, context=2048)
    theirs, ours = _expected(0), _expected(0.3)
    np.testing.assert_allclose(plain["log_probability"], theirs[rows, targets], atol=1e-4)
    np.testing.assert_allclose(noisy["log_probability"], ours[rows, targets], atol=1e-4)
    quality = perplexity.perplexity(noisy, DOCUMENTS, "validation")
    assert quality.metric == "perplexity"
    assert quality.n == len(targets)
    assert quality.value == pytest.approx(
        np.exp(-ours[rows, targets].mean(dtype=np.float64)), rel=1e-4
    )
    assert quality.low < quality.value < quality.high
    pair = perplexity.paired(noisy, plain, DOCUMENTS)
    assert pair.kl == pytest.approx(
        kl_divergence(theirs, ours), rel=1e-3
    )  # the whole vocabulary is kept here
    assert pair.agreement == pytest.approx((theirs.argmax(1) == ours.argmax(1)).mean())
    right = [(each.argmax(1) == targets) for each in (theirs, ours)]
    assert (pair.lost, pair.gained) == ((right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum())
    assert pair.change is not None
    assert pair.change.value == pytest.approx(
        quality.value / np.exp(-theirs[rows, targets].mean(dtype=np.float64)) - 1, rel=1e-3
    )


def test_a_long_document_is_scored_to_its_end_in_windows(folders: tuple[Path, Path]) -> None:
    scores = perplexity.score_tokens(folders[0], [DOCUMENTS[3]], None, threads=1, context=100)
    assert len(scores["log_probability"]) == 699
    found = 0
    for start, first, end in windows(700, 100):
        logs = log_softmax(graph_decoder.logits(DOCUMENTS[3][start:end]))
        expected = logs[np.arange(first - start - 1, end - start - 1), DOCUMENTS[3][first:end]]
        np.testing.assert_allclose(
            scores["log_probability"][found : found + end - first], expected, atol=1e-4
        )
        found += end - first
    assert found == 699


@pytest.mark.parametrize(
    ("length", "context"), [(2, 2), (5, 2), (100, 64), (101, 7), (1, 8), (64, 64), (65, 64)]
)
def test_windows_score_every_token_once(length: int, context: int) -> None:
    found = list(windows(length, context))
    assert [token for _, first, end in found for token in range(first, end)] == list(
        range(1, length)
    )
    assert all(0 <= start < first and end - start <= context for start, first, end in found)


def test_kept_tokens_never_overstate_the_divergence() -> None:
    theirs, ours = (
        log_softmax(RANDOM.normal(size=(50, 500)).astype(np.float32) * 2) for _ in range(2)
    )
    whole = kl_divergence(theirs.astype(np.float64), ours.astype(np.float64))
    previous = 0.0
    for kept in (1, 10, 100, 499):
        ids, logs = likeliest(theirs, kept)
        found = float(
            divergence(logs, np.take_along_axis(ours, ids.astype(np.int64), axis=1)).mean()
        )
        assert previous <= found + 1e-5 <= whole + 2e-5
        previous = found
    assert previous == pytest.approx(whole, rel=1e-2)


def test_cloze_scores_are_mean_log_probabilities(folders: tuple[Path, Path]) -> None:
    questions = [
        Question("the a of", ("in to", "and said is", "was it", "the a of in to"), 1),
        Question("word3 word4", ("he", "as be", "by", "at"), 0),
    ]
    tokenizer = (folders[0] / "tokenizer.json").read_text()
    encoded = cloze.encode_questions(tokenizer, questions)
    reports: list[tuple[int, int]] = []
    with reporting(lambda *at: reports.append(at)):
        scores = cloze.score_choices(folders[0], encoded, threads=1)
    assert reports[-1] == (2, 2)
    for row, question in zip(scores, encoded, strict=True):
        for score, choice in zip(row, question.choices, strict=True):
            ids = np.concatenate([question.context, choice])
            logs = log_softmax(graph_decoder.logits(ids)[:-1])
            expected = logs[np.arange(len(question.context) - 1, len(ids) - 1), choice].mean()
            assert score == pytest.approx(expected, abs=1e-4)


def test_a_folder_without_its_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no score\.onnx"):
        perplexity.score_tokens(tmp_path, DOCUMENTS, None, threads=1, context=64)
