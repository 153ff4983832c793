"""The command line: JSON alone on stdout, one sentence and exit status 2 for what a person can put
right.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from paretoscope import catalog
from paretoscope.api import measured
from paretoscope.cli import making, source
from paretoscope.cli import progress as cli_progress
from paretoscope.cli.frontier import swept
from paretoscope.cli.making import grid
from paretoscope.cli.parser import main
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.errors import ModelError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.tables.table import Row, rows
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS
from paretoscope.store.store import Store
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import Progress, TrialDocument
from paretoscope.workspace import PROJECT, Workspace
from tests import documents
from tests.engine.processes import TOY, toy, until
from tests.engine.toy_trials import document, pids

Say = Callable[..., Any]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command with --json; gives the document it prints."""

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must fail; gives its sentence."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err

    return run


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    opened = Store.open(workspace)
    yield opened
    opened.close()


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model and task name is a toy; "unknown" is not there."""

    def request(model: str, recipe: Recipe, **_: object) -> TrialRequest:
        if model == "unknown":
            raise ModelError('There is no model "unknown"; known are: toys.')
        return toy(model).model_copy(update={"recipe": recipe})

    monkeypatch.setattr(catalog, "request", request)
    for module in (measured, making):
        monkeypatch.setattr(
            module, "resolve_model", lambda name: ModelRef(name=name, kind="builtin", key=name)
        )


@pytest.fixture
def engine(workspace: Workspace, toys: None) -> Iterator[None]:
    ensure_engine(workspace, function=TOY)
    yield
    stop_engine(workspace)


def done(
    store: Store, recipe: dict[str, Any], protocol: str = "quick", **changes: Any
) -> TrialDocument:
    """A finished trial of "plain", its artefact a folder with one file."""
    request = toy("plain").model_copy(update={"recipe": parse_recipe(recipe), "protocol": protocol})
    store.queue(request)
    [claimed] = store.claim()
    made = document(request).model_copy(update=changes)
    folder = store.root / "artifacts" / request.trial_id
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    assert store.finish(claimed.trial_id, claimed.attempts, made)
    return made


def session(base_ms: float, speedup: float) -> dict[str, Any]:
    """What was timed beside a baseline that took `base_ms` just then."""
    made = documents.document(Quantize(), speedup=speedup)
    assert made.latency
    assert made.baseline
    baseline = made.baseline.model_copy(
        update={"latency": made.baseline.latency.model_copy(update={"p50_ms": base_ms})}
    )
    return {
        "latency": made.latency.model_copy(update={"p50_ms": base_ms / speedup}),
        "baseline": baseline,
        "speedup": made.speedup,
    }


INT8 = {"stages": [{"kind": "quantize"}]}
HALF = {"stages": [{"kind": "prune-weights", "sparsity": 0.5}]}
FEW = {"stages": [{"kind": "prune-weights", "sparsity": 0.9}]}


# --- run and sweep --------------------------------------------------------------------------------


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


def test_ctrl_c_leaves_the_work_to_the_engine(workspace: Workspace, store: Store) -> None:
    code = (
        "import signal; from paretoscope import catalog; from paretoscope.cli.parser import main;"
        " from tests.engine.processes import toy\nsignal.signal(signal.SIGINT,"
        " signal.default_int_handler)  # a test run in the background has it"
        " ignored\ncatalog.request = lambda model, recipe, **_: toy(model)\nraise"
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
        " toy(model).model_copy(update={'recipe': recipe})\nassert main(['run', 'plain',"
        " '--recipe', 'data/recipes/int8.yaml', '--json']) == 0\nprint([name for name in ('torch',"
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


# --- what was measured ----------------------------------------------------------------------------


def test_the_frontier_says_front_knee_and_recommendation(
    toys: None, say: Say, store: Store, refused: Callable[..., str]
) -> None:
    base, int8 = done(store, {}), done(store, INT8)
    found = say("frontier", "plain", "--x", "size_bytes")
    assert {trial["trial_id"] for trial in found["trials"]} == {base.trial_id, int8.trial_id}
    assert found["on_front"] == [int8.trial_id]
    assert found["recommendation"]["trial_id"] == int8.trial_id
    assert (found["x"], found["y"]) == ("size_bytes", "quality")
    tight = say("frontier", "plain", "--max-size-mb", "0.00001")
    assert tight["recommendation"]["trial_id"] is None
    assert "sizes" in refused("frontier", "plain", "--x", "sizes")
    assert "value for perplexity; choose from quality" in refused(
        "frontier", "plain", "--y", "perplexity"
    )


def test_rows_run_along_x_and_the_recommendation_says_by_what_it_judges(
    toys: None,
    say: Say,
    store: Store,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
) -> None:
    slow, fast = done(store, {}), done(store, INT8)
    assert fast.latency
    noisy = done(
        store, HALF, latency=fast.latency.model_copy(update={"p50_ms": 2.0, "noisy": True})
    )
    assert main(["frontier", "plain", "--x", "size_bytes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plain on toys, machine not known; batch 1, 32 tokens, 2 threads"
    assert [line.split()[0] for line in lines[2:5]] == [
        fast.trial_id,
        noisy.trial_id,
        slow.trial_id,
    ]
    assert lines[2].endswith("on the front")
    assert lines[3].endswith("on the front, noisy")
    assert any(
        line.startswith("By size and accuracy, with at most 2 points lost: take int8")
        for line in lines
    )
    judged = say(
        "frontier",
        "plain",
        "--by",
        "quality, latency_p90_ms",
        "--max-drop",
        "1",
        "--max-size-mb",
        "5",
    )["recommendation"]
    assert judged["objectives"] == ["quality", "latency_p90_ms"]
    assert judged["limits"] == ["Accuracy drop ≤ 1.00 points", "Size on disk ≤ 5.00 MB"]
    assert "sizes" in refused("frontier", "plain", "--by", "sizes")


def test_every_command_shows_a_trial_for_the_same_baseline(
    toys: None,
    say: Say,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    int8, half, _ = (
        done(store, INT8, **session(8.0, 2.0)),
        done(store, HALF, **session(12.0, 1.5)),
        done(store, FEW, **session(10.0, 1.0)),
    )
    done(store, INT8, "standard", task="another", **session(99.0, 2.0))
    monkeypatch.setitem(
        sys.modules,
        "paretoscope.engine.held_out",
        SimpleNamespace(evaluate_held_out=lambda _, store, trial_id: store.document(trial_id)),
    )
    for command in (
        ("run", "plain", "--recipe", "data/recipes/int8.yaml"),
        ("sweep", "plain", "--bits", "8"),
        ("frontier", "plain"),
        ("compare", int8.trial_id, half.trial_id),
        ("keep", int8.trial_id),
    ):
        assert main(command) == 0
        said = capsys.readouterr().out
        assert "p50 = 10.00 ms (baseline, median of 3 sessions) / speed-up" in said, command
        assert "5.00 ms" in said, command
        beside = (
            "5.00 ms (2.00x faster [1.90, 2.10]; in its session 4.00 ms measured, 8.00 ms"
            " for the baseline), batch 1"
        )
        assert (beside in said) == (command[0] in ("run", "keep")), command
    assert say("run", "plain", "--recipe", "data/recipes/int8.yaml")["latency"]["p50_ms"] == 4.0, (
        "documents have what was timed"
    )


def test_the_only_sitting_is_shown_as_it_was_timed(
    toys: None, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    done(store, INT8, **session(8.0, 2.0))
    assert main(["run", "plain", "--recipe", "data/recipes/int8.yaml"]) == 0
    said = capsys.readouterr().out
    assert "90.0 % [88.0, 92.0] (-6.0 points) of 500 examples (validation)" in said
    assert "4.00 ms (2.00x faster [1.90, 2.10]), batch 1" in said
    assert "normalized" not in said


def test_a_quick_look_is_answered_after_a_longer_one(toys: None, say: Say, store: Store) -> None:
    quick, _ = done(store, INT8), done(store, INT8, "standard")
    assert say("run", "plain", "--recipe", "data/recipes/int8.yaml")["trial_id"] == quick.trial_id


def test_a_sweep_marks_its_front_its_noise_and_what_failed() -> None:
    base, int8 = documents.document(), documents.document(Quantize(), quality=0.955)
    assert int8.latency
    noisy = documents.document(PruneWeights(), quality=0.9, speedup=1.0)
    noisy = noisy.model_copy(update={"latency": int8.latency.model_copy(update={"noisy": True})})
    failed = documents.document(PruneWeights(sparsity=0.7)).model_copy(
        update={"status": "failed", "latency": None}
    )
    lines = swept([*rows([base, int8, noisy]), Row(failed)]).splitlines()
    assert [line.split()[0] for line in lines[1:5]] == [
        each.trial_id for each in (base, int8, noisy, failed)
    ]
    assert [line.rsplit("  ", 1)[1].strip() for line in lines[1:5]] == [
        "on the front",
        "on the front",
        "noisy",
        "failed",
    ]
    assert "median of 3 sessions" in lines[5]
    assert lines[6] == "On the front: by accuracy, size and p50."


def test_until_something_is_measured_here_the_shipped_study_answers(
    toys: None,
    say: Say,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shipped = [
        documents.document(model="plain"),
        documents.document(Quantize(), model="plain"),
        documents.document(model="other"),
    ]
    monkeypatch.setattr(measured, "shipped_study", lambda: shipped)
    found = say("frontier", "plain")
    assert (found["source"], len(found["trials"])) == ("shipped study", 2)
    assert main(["frontier", "plain"]) == 0
    said = (
        "These 2 models were measured on another machine (Test CPU, 2 cores, VNNI, 01 Mar 2026);"
        " measure here with `paretoscope sweep plain`."
    )
    printed = capsys.readouterr().out
    assert printed.startswith(
        "plain on trec, Test CPU, 2 cores, VNNI; batch 1, 32 tokens, 2 threads\n"
    )
    assert said in printed
    monkeypatch.setattr(source, "fingerprint", lambda: documents.MACHINE)
    assert main(["frontier", "plain"]) == 0
    assert (
        "measured on a machine like this one (Test CPU, 2 cores, VNNI, 01 Mar 2026)"
        in capsys.readouterr().out
    )
    assert (
        say("report", "plain", "--to", str(tmp_path / "report.html"))["source"] == "shipped study"
    )
    mine = done(store, INT8)
    found = say("frontier", "plain")
    assert (found["source"], [trial["trial_id"] for trial in found["trials"]][-1]) == (
        "workspace",
        mine.trial_id,
    )


def test_the_shipped_study_is_named_beside_own_models_and_answers_when_asked(
    toys: None,
    say: Say,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
) -> None:
    mine = done(store, INT8)
    shipped = [
        documents.document(model="plain", task=mine.task),
        documents.document(Quantize(), model="plain", task=mine.task),
    ]
    monkeypatch.setattr(measured, "shipped_study", lambda: shipped)
    assert main(["frontier", "plain"]) == 0
    assert (
        "has 2 models, measured on another machine; --study shows them." in capsys.readouterr().out
    )
    found = say("frontier", "plain", "--study")
    assert (found["source"], {trial["trial_id"] for trial in found["trials"]}) == (
        "shipped study",
        {document.trial_id for document in shipped},
    )
    monkeypatch.setattr(measured, "shipped_study", list)
    assert 'The shipped study has no trials of "plain"; leave out --study.' in refused(
        "frontier", "plain", "--study"
    )


def test_the_models_own_task_goes_first_and_the_others_are_named(
    toys: None,
    say: Say,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        measured,
        "resolve_model",
        lambda name: ModelRef(name=name, kind="builtin", key=name, task="toys"),
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("text,label\n")
    mine = str(tmp_path / "mine.csv")
    on_mine = done(store, HALF, task=mine, measured_at=datetime(2026, 2, 1, tzinfo=UTC))
    assert [trial["trial_id"] for trial in say("frontier", "plain")["trials"]][
        -1
    ] == on_mine.trial_id, "the only task so far"
    own = done(store, INT8, measured_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert [trial["trial_id"] for trial in say("frontier", "plain")["trials"]][-1] == own.trial_id
    for command in (("frontier", "plain"), ("report", "plain", "--to", "report.html")):
        assert main(command) == 0
        assert capsys.readouterr().out.endswith(
            "\nOther tasks measured: mine.csv (--task mine.csv)\n"
        )
    assert main(["frontier", "plain", "--task", "mine.csv"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("plain on mine.csv, ")
    assert said.endswith("\nOther tasks measured: toys (--task toys)\n")
    monkeypatch.chdir("/")
    assert main(["frontier", "plain"]) == 0
    assert f"mine.csv (--task {mine.removeprefix('/')})" in capsys.readouterr().out


def test_other_conditions_are_counted_aside(toys: None, say: Say, store: Store) -> None:
    done(store, {}, measured_at=datetime(2026, 1, 1, tzinfo=UTC))
    small = done(store, INT8)
    assert small.latency is not None
    other = done(store, HALF, latency=small.latency.model_copy(update={"batch": 8}))
    found = say("frontier", "plain")
    assert found["elsewhere"] == 1
    assert other.trial_id not in {trial["trial_id"] for trial in found["trials"]}


def test_export_copies_a_folder_or_a_zip_and_overwrites_nothing(
    say: Say, store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    trial = done(store, INT8).trial_id
    to = tmp_path / "out"
    assert say("export", trial, "--to", str(to)) == {"path": str(to)}
    assert (to / "model.onnx").read_bytes() == b"weights"
    assert "exists already" in refused("export", trial, "--to", str(to))
    say("export", trial, "--to", str(tmp_path / "out.zip"))
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == ["out/model.onnx"]
    (store.root / "artifacts" / trial / "model.onnx").unlink()
    (store.root / "artifacts" / trial).rmdir()
    assert "make it again" in refused("export", trial, "--to", str(tmp_path / "other"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip", "workspace"]


def test_the_start_of_an_id_is_enough_where_it_is_the_only_one(
    say: Say, store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    first, second = done(store, INT8).trial_id, store.queue(toy("plain")).trial_id
    say("export", first[:4], "--to", str(tmp_path / "out"))
    assert [job["trial_id"] for job in say("cancel", second[:5], second)["trials"]] == [second]
    assert f'There is no trial "{first[:3]}"' in refused(
        "export", first[:3], "--to", str(tmp_path / "other")
    )


def test_export_of_what_is_not_done_is_refused(
    store: Store, refused: Callable[..., str], tmp_path: Path
) -> None:
    trial = store.queue(toy("plain")).trial_id
    assert "is queued and has no model" in refused("export", trial, "--to", str(tmp_path / "out"))


def test_compare_pairs_trials_by_what_they_kept(
    say: Say, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    int8, half = done(store, INT8), done(store, HALF)
    (store.root / "samples").mkdir()
    for kept, answers in ((int8, [0, 1, 1, 0]), (half, [0, 0, 1, 1])):
        logits = np.eye(2, dtype=np.float32)[answers]
        np.savez(
            store.root / "samples" / f"{kept.trial_id}.npz",
            logits=logits,
            labels=np.array([0, 1, 1, 1]),
            candidate_turn1=np.ones(3),
        )
    found = say("compare", int8.trial_id[:6], half.trial_id)
    assert [trial["trial_id"] for trial in found["trials"]] == [int8.trial_id, half.trial_id]
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["n"], pair["reason"]) == (
        int8.trial_id,
        half.trial_id,
        4,
        "",
    )
    assert {key: pair["paired"][key] for key in ("lost", "gained", "mcnemar_p", "agreement")} == {
        "lost": 1,
        "gained": 1,
        "mcnemar_p": 1.0,
        "agreement": 0.5,
    }
    assert {
        "stage": "Quantize",
        "field": "",
        "values": {int8.trial_id: "int8 dynamic", half.trial_id: "–"},
    } in found["recipe_differences"]
    assert set(found["dominates"]) == {int8.trial_id, half.trial_id}
    assert main(["compare", int8.trial_id, half.trial_id]) == 0
    assert (
        "50 % sparse vs int8: 1 of 4 lost, 1 gained, p = 1.00: no clear difference"
        in capsys.readouterr().out
    )


def test_compare_knows_the_shipped_study_which_kept_nothing(
    say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline, int8, *_ = [each for each in shipped_study() if each.model == "minilm-trec"]
    found = say("compare", int8.trial_id, baseline.trial_id)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["paired"]) == (
        baseline.trial_id,
        int8.paired and int8.paired.model_dump(),
    ), "as it was found when it was measured"
    beside = (  # as tables name it where the baseline has no trial of its own
        f"{int8.trial_id}-baseline"
    )
    found = say("compare", int8.trial_id, beside)
    assert [trial["trial_id"] for trial in found["trials"]] == [int8.trial_id, beside]
    assert found["pairs"][0]["first"] == beside


def test_what_cannot_be_compared_is_refused(store: Store, refused: Callable[..., str]) -> None:
    int8 = done(store, INT8).trial_id
    other = done(store, HALF, task="other").trial_id
    assert "needs two different trials" in refused("compare", int8, int8[:6])
    assert 'There is no trial "unknown"' in refused("compare", int8, "unknown")
    assert "Trials of different tasks cannot be compared" in refused("compare", int8, other)
    waiting = store.queue(toy("plain")).trial_id
    assert f"Trial {waiting} is queued and has nothing to compare" in refused(
        "compare", int8, waiting
    )


# --- the queue, the engine, what can be picked ----------------------------------------------------


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
