"""The command line: JSON alone on stdout, one sentence and exit status 2 for what a person can put
right.
"""

from __future__ import annotations

import json
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


def test_progress_is_said_in_words(store: Store) -> None:
    store.queue(toy("plain", 1))
    store.queue(toy("plain", 2))
    assert cli_progress.in_words(store.trials()) == "0 of 2 measured · waiting in the queue"
    [row] = store.claim()
    progress = Progress(
        stage="latency", stage_number=2, stage_count=5, step=3, steps=10, seconds_left=20
    )
    store.record_progress(row.trial_id, row.attempts, progress)
    assert (
        cli_progress.in_words([store.trial(row.trial_id)])
        == "Baseline: latency (2 of 5), step 3 of 10, about 20 s left"
    )
    for each in store.trials():
        store.request_cancel(each.trial_id)
    assert cli_progress.in_words(store.trials()).startswith("0 of 2 measured"), (
        "what was cancelled was not measured"
    )
