"""`run` and `sweep`: trials through an engine, answers from the store, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from paretoscope.cli.making import grid
from paretoscope.cli.parser import main
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.store.store import Store
from paretoscope.workspace import PROJECT, Workspace
from tests.cli.test_verbs import Say
from tests.cli.trials import INT8, done
from tests.engine.processes import TOY, toy, until
from tests.engine.toy_trials import pids
from tests.tiny.factory import make_tiny


def test_run_and_sweep_through_a_real_engine(
    engine: None, say: Say, refused: Callable[..., str], store: Store
) -> None:
    ran = say("run", "plain")
    assert (ran["status"], ran["baseline"]["artifact"]["size_bytes"]) == ("done", 400)
    assert say("run", "plain") == ran
    assert store.trial(ran["trial_id"]).attempts == 1, "answered from the store"
    assert say("run", "plain", "--again")["status"] == "done"
    assert store.trial(ran["trial_id"]).attempts == 2

    swept = say("sweep", "plain", "--sparsity", "0,.5", "--bits", "32,8")
    assert [trial["status"] for trial in swept["trials"]] == ["done"] * 4
    assert swept["trials"][0]["trial_id"] == ran["trial_id"]
    measured = say("references", "plain")
    assert [trial["recipe"]["stages"][0]["features"] for trial in measured["trials"]] == [
        "tf-idf",
        "token-embeddings",
    ]
    assert main(["run", "fails"]) == 2


def test_a_chain_is_measured_after_each_of_its_stages(
    engine: None, say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "chain.yaml"
    recipe.write_text("stages: [{kind: prune-weights, sparsity: 0.5}, {kind: quantize}]")
    short = say("run", "plain", "--recipe", str(recipe))
    assert [step["trial_id"] is None for step in short["stages"]] == [False, True, False]
    whole = say("run", "plain", "--recipe", str(recipe), "--each-stage")
    assert [step["stage"] for step in whole["stages"]] == [
        "fp32 baseline",
        "magnitude 50 %",
        "int8 dynamic",
    ]
    assert all(step["quality"] is not None for step in whole["stages"])
    assert whole["stages"][-1]["trial_id"] == whole["trial_id"]


def test_a_failed_trial_is_its_sentence(engine: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "fails", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].endswith("failed: The toy is broken; buy another one.")


def test_a_model_is_checked_before_it_is_queued(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    rows = "".join(f"example number {n},{'ab'[n % 2]}\n" for n in range(60))
    (tmp_path / "own.csv").write_text(f"text,label\n{rows}")
    for announced in (True, False):  # the result is kept
        assert main(["run", str(folder), "--task", str(tmp_path / "own.csv")]) == 2
        found = capsys.readouterr().err
        assert "classifier.bias" in found.splitlines()[-1]
        assert ("Checking the model" in found) == announced
    assert store.trials() == []


def test_ctrl_c_leaves_the_work_to_the_engine(workspace: Workspace, store: Store) -> None:
    code = (
        "import signal; from paretoscope import catalog; from paretoscope.cli.parser import main;"
        " from tests.engine.processes import toy\nsignal.signal(signal.SIGINT,"
        " signal.default_int_handler)  # a test run in the background has it"
        " ignored\ncatalog.check = lambda *_: None\n"
        "catalog.request = lambda model, recipe, **_: toy(model)\n"
        "catalog.notes = lambda _: ()\nraise"
        " SystemExit(main(['run', 'slow']))"
    )
    trial = toy("slow").trial_id
    ensure_engine(workspace, function=TOY)
    try:
        path = os.pathsep.join([str(PROJECT), str(PROJECT / "compression")])
        environment = {**os.environ, "PYTHONPATH": path}
        waiting = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: pids(workspace, trial))
        time.sleep(0.3)
        waiting.send_signal(signal.SIGINT)
        assert f"`paretoscope cancel {trial}` cancels them" in waiting.communicate(timeout=10)[1]
        assert waiting.returncode == 130
        assert store.trial(trial).status == "running"
        assert main(["cancel", trial]) == 0
        until(lambda: store.trial(trial).status == "cancelled", 5)
    finally:
        stop_engine(workspace)


def test_an_answer_from_the_store_imports_nothing_heavy(store: Store, workspace: Workspace) -> None:
    """That is what makes it come within two seconds, start of Python included."""
    done(store, INT8)
    code = (
        "import sys; from paretoscope import catalog; from paretoscope.cli.parser import main; from"
        " tests.engine.processes import toy\ncatalog.request = lambda model, recipe, **_:"
        " toy(model).model_copy(update={'recipe': recipe})\ncatalog.notes = lambda _: ()\n"
        "catalog.check = lambda *_: None\n"
        "assert main(['run', 'plain', '--recipe', 'data/recipes/int8.yaml', '--json']) == 0\n"
        "print([name for name in ('torch',"
        " 'transformers', 'distributed', 'pandas', 'onnxruntime', 'plotly') if name in"
        " sys.modules])"
    )
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    printed = ran.stdout.splitlines()
    assert json.loads(printed[0])["status"] == "done"
    assert printed[1] == "[]"
    assert time.monotonic() - began < 10, "two seconds on an idle machine; this one may be busy"


def test_the_grid_is_every_combination_once() -> None:
    assert [recipe.in_words() for recipe in grid("0,.5", "32,8,4.5")] == [
        "fp32 baseline",
        "int8 dynamic",
        "weights 4.5 bit",
        "magnitude 50 %",
        "magnitude 50 % → int8 dynamic",
        "magnitude 50 % → weights 4.5 bit",
    ]
    [pruned] = grid("0.25", "32", "ffn", 1.0, seed=3)
    assert (pruned.in_words(), pruned.seed) == ("ffn -25 % + 1 epoch", 3)
    assert len(grid("0,0", "8,8")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("sweep", "plain", "--bits", "four"),
            '--bits must be numbers separated by commas, such as 32,8,4, but got "four"',
        ),
        (
            ("sweep", "plain", "--sparsity", "half"),
            '--sparsity must be numbers separated by commas, such as 0,0.5, but got "half"',
        ),
        (("sweep", "plain", "--bits", "9"), "at sparsity 0 and bits 9, stage 1 (quantize): bits"),
        (("sweep", "plain", "--sparsity", "1.2"), "but got 1.2"),
        (("sweep", "plain", "--retrain-epochs", "-1"), "retrain_epochs"),
        (("sweep", "plain", "--retrain-epochs", "nan"), "retrain_epochs"),
        (("run", "unknown"), 'There is no model "unknown"'),
        (("run", "plain", "--recipe", "nowhere.yaml"), 'There is no recipe file "nowhere.yaml"'),
        (("run", "plain", "--batch", "0"), 'must be a whole number from 1, but got "0"'),
        (("swep", "plain"), 'did you mean "sweep"?'),
        (("run",), "required: MODEL"),
        ((), "required: COMMAND"),
        (("engine", "stpo"), 'did you mean "stop"?'),
        (("cancel", "nope"), 'There is no trial "nope"'),
        (("export", "nope", "--to", "x"), 'There is no trial "nope"'),
        (("export", "", "--to", "x"), 'There is no trial ""'),
        (("frontier", "plain"), 'no trials of "plain" yet'),
        (("tasks", "--split", "test"), "need a task"),
    ],
)
def test_bad_input_is_one_sentence_and_queues_nothing(
    toys: None, refused: Callable[..., str], store: Store, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refused(*arguments)
    assert store.trials() == []


def test_a_bad_workspace_is_one_sentence(
    toys: None, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    assert "choose a folder you may write to" in refused(
        "--workspace", str(tmp_path / "file" / "ws"), "jobs"
    )
