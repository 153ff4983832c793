"""An opened artefact answers as its file does, shows its tokens, and says in a sentence when it
cannot be opened.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from paretoscope.errors import ArtifactError
from paretoscope.inference.classify import open_classifier
from tests.measure.classifiers import expected_logits, write_classifier

WORDS = ("[UNK]", "who", "wrote", "hamlet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier of three labels whose tokenizer knows three words and cuts after four tokens."""
    made = write_classifier(tmp_path / "artifact")
    config = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(
        json.dumps({**config, "id2label": {"0": "x", "1": "y", "2": "z"}})
    )
    (made / "manifest.json").write_text(
        json.dumps({"max_length": 4, "conditions": {"batch": 1, "sequence": 32, "threads": 1}})
    )
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(made / "tokenizer.json"))
    return made


def test_probabilities_are_the_softmax_of_the_files_logits(folder: Path) -> None:
    classifier = open_classifier(folder)
    answer = classifier.answer("who wrote it")
    logits = expected_logits(folder, np.array([1, 2, 0]))
    np.testing.assert_allclose(
        answer.probabilities, np.exp(logits) / np.exp(logits).sum(), rtol=1e-5
    )
    assert classifier.labels == ("x", "y", "z")
    assert answer.tokens == ("who", "wrote", "[UNK]")
    assert not answer.cut
    assert answer.ms > 0


def test_a_long_text_is_cut_as_in_measuring_and_says_so(folder: Path) -> None:
    answer = open_classifier(folder).answer("who wrote hamlet who wrote hamlet")
    assert answer.tokens == ("who", "wrote", "hamlet", "who")
    assert answer.cut


@pytest.mark.parametrize("name", ["model.onnx", "config.json", "manifest.json", "tokenizer.json"])
def test_a_damaged_file_is_a_sentence(folder: Path, name: str) -> None:
    (folder / name).write_text("nonsense")
    with pytest.raises(ArtifactError, match=r"cannot be opened \(.*\); make it again"):
        open_classifier(folder)
