from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from paretoscope.errors import ArtifactError
from paretoscope.measure.quality import Running, evaluate
from paretoscope.statistics.paired import paired
from tests.measure.classifiers import CLASSES, VOCABULARY, MakeArtifact, expected_logits


def _texts(n: int = 70) -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(1)
    texts = [random.integers(0, VOCABULARY, random.integers(1, 6)) for _ in range(n)]
    return texts, random.integers(0, CLASSES, n)


def test_logits_are_those_of_each_text_alone_in_the_order_given(
    make_artifact: MakeArtifact,
) -> None:
    artifact = make_artifact("one")
    texts, labels = _texts()
    quality, logits = evaluate(artifact, texts, labels, how=Running(batch=32), split="validation")
    expected = np.stack([expected_logits(artifact, text) for text in texts])
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    assert quality.value == accuracy_score(labels, expected.argmax(axis=1))
    assert quality.low < quality.value < quality.high
    assert (quality.n, quality.split, quality.metric) == (70, "validation", "accuracy")


def test_paired_counts_flips_both_ways() -> None:
    labels = np.array([0, 0, 1, 1, 2])
    baseline = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1]]
    ours = np.eye(3, dtype=np.float32)[[0, 1, 1, 1, 0]]
    result = paired(ours, baseline, labels)
    assert (result.lost, result.gained, result.agreement) == (1, 1, pytest.approx(2 / 5))
    assert result.mcnemar_p == 1.0
    assert result.kl is not None and result.kl > 0
    same = paired(baseline, baseline, labels)
    assert (same.agreement, same.lost, same.gained, same.mcnemar_p, same.kl) == (
        1.0,
        0,
        0,
        1.0,
        0.0,
    )


def test_logits_that_are_no_pair_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="do not match 2 labels"):
        paired(np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32), np.zeros(2, np.int64))


def _one_sentence(error: pytest.ExceptionInfo[ArtifactError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"this is no model", b"\x08\x0a" + b"\x00" * 64])
def test_a_corrupt_model_is_one_sentence(make_artifact: MakeArtifact, content: bytes) -> None:
    artifact = make_artifact("broken")
    (artifact / "model.onnx").write_bytes(content)
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load") as error:
        evaluate(artifact, *_texts(3), how=Running(), split="test")
    assert str(artifact) in _one_sentence(error)


def test_a_cut_off_model_is_one_sentence(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact("cut")
    whole = (artifact / "model.onnx").read_bytes()
    (artifact / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load") as error:
        evaluate(artifact, *_texts(3), how=Running(), split="test")
    _one_sentence(error)


def test_an_id_outside_of_the_vocabulary_is_one_sentence(make_artifact: MakeArtifact) -> None:
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot run") as error:
        evaluate(
            make_artifact("one"),
            [np.array([VOCABULARY + 5])],
            np.array([0]),
            how=Running(),
            split="test",
        )
    _one_sentence(error)


def test_a_model_with_other_inputs_is_refused(make_artifact: MakeArtifact) -> None:
    with pytest.raises(ArtifactError, match="has the inputs ids, mask"):
        evaluate(
            make_artifact("other", inputs=("ids", "mask")), *_texts(3), how=Running(), split="test"
        )


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no model\.onnx"):
        evaluate(tmp_path, *_texts(3), how=Running(), split="test")


def test_logits_that_are_not_numbers_are_refused(make_artifact: MakeArtifact) -> None:
    with pytest.raises(ArtifactError, match="not finite for 3 of 3"):
        evaluate(make_artifact("wild", scale=np.nan), *_texts(3), how=Running(), split="test")


def test_more_classes_in_the_labels_than_in_the_model_are_refused(
    make_artifact: MakeArtifact,
) -> None:
    with pytest.raises(ArtifactError, match="has 3 classes"):
        evaluate(make_artifact("one"), _texts(2)[0], np.array([0, 3]), how=Running(), split="test")


def test_a_split_needs_as_many_labels_as_texts(make_artifact: MakeArtifact) -> None:
    with pytest.raises(ValueError, match="do not match"):
        evaluate(make_artifact("one"), _texts(2)[0], np.array([0]), how=Running(), split="test")
