"""The quality of a classifier with the length and the share of its truncated texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from paretoscope.engine.evaluators import evaluator_for
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.splits import Split, Task
from paretoscope.trials.request import TrialRequest
from tests.tiny.encoders import wordpiece

TEXTS = ("a", "a b c", "a b c d e f g h", "h g f e d c b a")
SPLIT = Split("validation", tuple("0123"), TEXTS, np.array([0, 1, 0, 1]))
REQUEST = TrialRequest(model="own", task="own")


@pytest.mark.parametrize(
    ("model", "task", "length", "truncated"),
    [(512, None, 512, 0.0), (6, None, 6, 0.5), (512, 4, 4, 0.75), (4, 512, 4, 0.75)],
)
def test_the_share_of_longer_texts_is_part_of_the_quality(
    model: int, task: int | None, length: int, truncated: float, tmp_path: Path
) -> None:
    wordpiece().save(str(tmp_path / "tokenizer.json"))
    data = Task("own", ("a", "b"), task, {"validation": SPLIT}, "0" * 16)
    ref = ModelRef(name="own", kind="folder", key="0" * 16, max_tokens=model)
    evaluator = evaluator_for(ref, data, REQUEST)
    found = evaluator.quality(tmp_path, {"logits": np.eye(2)[[0, 1, 0, 0]]})
    assert (found.value, found.max_length, found.truncated) == (0.75, length, truncated)


def test_a_model_without_a_limit_reads_whole_texts(tmp_path: Path) -> None:
    wordpiece().save(str(tmp_path / "tokenizer.json"))
    data = Task("own", ("a", "b"), None, {"validation": SPLIT}, "0" * 16)
    evaluator = evaluator_for(ModelRef(name="own", kind="folder", key="0" * 16), data, REQUEST)
    found = evaluator.quality(tmp_path, {"logits": np.eye(2)[[0, 1, 0, 1]]})
    assert (found.max_length, found.truncated) == (None, None)
