"""The command line: JSON alone on stdout, one sentence and exit status 2 for what a person can put
right.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paretoscope.cli import progress as cli_progress
from paretoscope.cli.parser import main
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS
from paretoscope.store.store import Store
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.trials.progress import Progress
from tests.engine.processes import toy

Say = Callable[..., Any]


def test_jobs_cancel_and_engine_status(
    say: Say, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("engine", "status") == {
        "alive": False,
        "pid": None,
        "host": None,
        "stays": False,
        "running": 0,
        "queued": 0,
    }
    assert say("engine", "stop") == {"stopped": False}
    trial = store.queue(toy("plain")).trial_id
    assert [job["status"] for job in say("jobs")["trials"]] == ["queued"]
    assert say("cancel", trial)["trials"] == [
        {"trial_id": trial, "status": "cancelled", "cancel_requested": False}
    ]
    assert main(["jobs"]) == 0
    said = capsys.readouterr().out
    assert "plain on toys" in said
    assert "Cancelled before it started" in said


def test_models_and_tasks_can_be_listed(say: Say) -> None:
    assert {model["name"] for model in say("models")["models"]} <= {
        *BUILTIN_MODELS,
        *BUILTIN_DECODERS,
    }
    assert {task["name"] for task in say("tasks")["tasks"]} <= set(BUILTIN_TASKS)


def test_a_split_is_written_as_it_is_used(say: Say, tmp_path: Path) -> None:
    lines = [
        {"text": f"{word} number {index}", "label": word}
        for index in range(40)
        for word in ("good", "bad")
    ]
    data = tmp_path / "mine.jsonl"
    data.write_text("\n".join(map(json.dumps, lines)))
    told = say("tasks", str(data), "--split", "test", "--to", str(tmp_path / "test.jsonl"))
    written = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert len(written) == told["examples"] > 0
    assert set(written[0]) == {"id", "text", "label"}


def test_progress_is_said_in_words(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.queue(toy("plain", 1))
    store.queue(toy("plain", 2))
    assert cli_progress.in_words(store.trials()) == "0 of 2 measured · waiting in the queue"
    [row] = store.claim()
    progress = Progress(
        stage="student-3",
        stage_number=2,
        stage_count=5,
        step=130,
        steps=400,
        epoch=2,
        epochs=6,
        seconds_left=170,
        seconds_left_low=120,
        seconds_left_high=240,
    )
    store.record_progress(row.trial_id, row.attempts, progress)
    within = "student-3 (2 of 5), epoch 2 of 6, step 130 of 400, 2 to 4 min left"
    running = [store.trial(row.trial_id)]
    assert cli_progress.in_words(running) == f"Baseline: {within}"
    assert cli_progress.in_words(running, steps=False) == "Baseline: student-3 (2 of 5)"
    assert main(["--workspace", str(store.root), "jobs"]) == 0
    assert within in capsys.readouterr().out
    for each in store.trials():
        store.request_cancel(each.trial_id)
    assert cli_progress.in_words(store.trials()).startswith("0 of 2 measured"), (
        "what was cancelled was not measured"
    )


def lines_of(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reports: list[tuple[float, str, str]],
    *,
    terminal: bool,
) -> str:
    """What is written to stderr for (seconds, stage, step)."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "80")
    now = [0.0]
    line = cli_progress.ProgressLine(clock=lambda: now[0])
    for seconds, stage, step in reports:
        now[0] = seconds
        line.write(f"{stage} {step}".strip(), stage)
    line.close()
    return capsys.readouterr().err


REPORTS = [
    (100.0, "train", ""),
    (101.0, "train", "1"),
    (114.9, "train", "2"),
    (115.1, "train", "3"),
    (131.0, "train", "3"),
    (131.5, "train", "4"),
    (132.0, "export", ""),
    (133.0, "export", "1"),
]


def test_a_log_gets_a_line_per_stage_and_one_every_15_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lines_of(monkeypatch, capsys, REPORTS, terminal=False)
    assert found.splitlines() == ["train", "train 3", "train 4", "export"]


def test_a_terminal_shows_every_step_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lines_of(monkeypatch, capsys, REPORTS, terminal=True)
    assert "\n" not in found
    shown = [text for text in found.split("\r\x1b[K") if text]
    assert shown == ["train", "train 1", "train 2", "train 3", "train 4", "export", "export 1"]


def test_an_evaluation_names_its_model_once(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with cli_progress.evaluation_progress(2, lambda: now[0]) as show:
        for seconds, number, graph, done in (
            (0, 1, "baseline", 0),
            (50, 1, "baseline", 100),
            (51, 1, "baseline", 150),
            (69, 1, "baseline", 200),
            (21, 2, "compressed model", 0),
        ):
            now[0] = seconds
            show(number, graph, done, 600 if done else 0)
    with cli_progress.evaluation_progress(1) as show:
        show(1, "baseline", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "evaluating 2 models on the test split: 1 of 2, baseline",
        "evaluating 2 models on the test split: 1 of 2, baseline 16 %",
        "evaluating 2 models on the test split: 1 of 2, baseline 33 %, 5 s to 4 min left",
        "evaluating 2 models on the test split: 2 of 2, compressed model",
        "evaluating 1 model on the test split: baseline",
    ]
