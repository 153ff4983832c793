"""docs/adding-a-runtime.md works as written: its worker evaluates and times a model."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.encoders import runtimes
from benchmarks.encoders.peers import PEERS, Tool
from paretoscope.workspace import PROJECT
from tests.measure.classifiers import expected_logits, write_classifier

DOCUMENT = PROJECT / "docs" / "adding-a-runtime.md"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """The row of the document, with its worker on the path of worker processes."""
    text = DOCUMENT.read_text(encoding="utf-8")
    worker, row = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "unoptimized_worker.py").write_text(worker, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tool = eval(row, {"Tool": Tool})
    assert isinstance(tool, Tool)
    return Tool(tool.name, tool.model, tool.worker.rpartition(".")[2])


def test_its_logits_are_those_of_the_model(tool: Tool, tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "model")
    texts = [np.array([3, 14, 15], dtype=np.int64), np.array([9, 2], dtype=np.int64)]
    found = runtimes.logits(tool.worker, folder / tool.model, texts)
    expected = np.stack([expected_logits(folder, ids) for ids in texts])
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_its_latency_is_compared_with_the_baseline(tool: Tool, tmp_path: Path) -> None:
    fast = write_classifier(tmp_path / "fast")
    slow = write_classifier(tmp_path / "slow", squarings=20)
    speedup, _ = runtimes.speedup(tool.worker, slow / tool.model, fast, "quick")
    assert speedup.high < 1


def test_every_worker_of_a_row_exists() -> None:
    workers = [tool.worker for tool in PEERS.values() if tool.worker]
    assert workers
    assert all((PROJECT / f"{worker.replace('.', '/')}.py").is_file() for worker in workers)
