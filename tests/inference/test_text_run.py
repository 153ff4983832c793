"""Texts in another process: answers, errors, cancelling, and the table of disagreements."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretoscope.inference import text_run
from paretoscope.inference.text_run import TextAnswer, TextRun
from paretoscope.inference.text_table import text_rows, text_rows_csv

WAIT_S = 60
ANSWERING = """
import json, sys, time
request = json.loads(sys.stdin.readline())
for key, folder in request["folders"].items():
    if "missing" in folder:
        print(json.dumps({"key": key, "error": "no model"}), flush=True)
        continue
    print(json.dumps({"key": key, "labels": ["a", "b"]}), flush=True)
    for at, text in enumerate(request["texts"]):
        time.sleep(60 if text == "wait" else 0)
        if text == "die": sys.exit(3)
        share = [0.9, 0.1] if text == "café" else [0.2, 0.8]
        line = {"probabilities": share, "tokens": [], "cut": False, "ms": 1.0}
        print(json.dumps({"key": key, "at": at, **line}), flush=True)
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that answers by the protocol of the worker, without a runtime."""
    (tmp_path / "worker.py").write_text(ANSWERING, encoding="utf-8")
    monkeypatch.setattr(text_run, "_COMMAND", [sys.executable, str(tmp_path / "worker.py")])


@pytest.fixture
def started() -> Iterator[list[TextRun]]:
    """Runs that are ended after the test."""
    runs: list[TextRun] = []
    yield runs
    for run in runs:
        run.cancel()


def test_answers_and_errors_arrive_by_model() -> None:
    run = TextRun({"x": Path("x"), "y": Path("missing")}, ["café", "tea"])
    assert run.wait(WAIT_S)
    assert run.labels == {"x": ("a", "b")}
    assert [each.probabilities for each in run.answers["x"]] == [(0.9, 0.1), (0.2, 0.8)]
    assert run.errors == {"y": "no model"}
    assert (run.share, run.problem, run.cancelled) == (1.0, "", False)


def test_cancelling_ends_the_process_and_keeps_what_arrived(started: list[TextRun]) -> None:
    run = TextRun({"x": Path("x")}, ["café", "wait", "tea"])
    started.append(run)
    while run.share == 0:
        assert run.running
        run.wait(0.05)
    run.cancel()
    assert not run.running
    assert run.cancelled
    assert run.problem == ""
    assert len(run.answers["x"]) == 1


def test_a_process_that_dies_is_a_problem() -> None:
    run = TextRun({"x": Path("x")}, ["tea", "die"])
    assert run.wait(WAIT_S)
    assert "status 3" in run.problem
    assert len(run.answers["x"]) == 1


def test_the_worker_loads_no_torch() -> None:
    code = (
        "import sys, paretoscope.inference.text_worker;"
        "print({'torch', 'transformers', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    assert done.stdout.strip() == "set()"


def answers(*shares: float) -> list[TextAnswer]:
    return [TextAnswer((share, 1 - share), (), False, 1.0) for share in shares]


def test_disagreements_come_first_then_the_largest_gap() -> None:
    labels = {"x": ("a", "b"), "y": ("a", "b")}
    found = text_rows(
        ["same", "apart", "near", "extra"],
        labels,
        {"x": answers(0.9, 0.9, 0.9, 0.9), "y": answers(0.9, 0.3, 0.6)},
    )
    assert [row.text for row in found] == ["apart", "near", "same"], "the fourth is not complete"
    assert [row.different for row in found] == [2, 1, 1]
    lines = list(csv.reader(io.StringIO(text_rows_csv(found, {"x": "one", "y": "two"}))))
    assert lines[0][4:] == ["one", "one probability", "two", "two probability"]
    assert lines[1] == ["2", "apart", "2", "False", "a", "0.9000", "b", "0.7000"]
