"""`frontier`: what it shows, for which machine and conditions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from paretoscope.api import measured
from paretoscope.cli import source
from paretoscope.cli.frontier import swept
from paretoscope.cli.parser import main
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.tables.table import Row, rows
from paretoscope.sources.ref import ModelRef
from paretoscope.store.store import Store
from tests import documents
from tests.cli.test_verbs import Say
from tests.cli.trials import FEW, HALF, INT8, done, session


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
        SimpleNamespace(evaluate_held_out=lambda _, store, trial_id, *__: store.document(trial_id)),
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
