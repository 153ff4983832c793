"""The benchmark of encoders: what it leaves where, what it keeps when it is broken off, and how
long it says that it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.encoders import __main__ as main
from benchmarks.encoders import peers
from benchmarks.encoders.judge import Asked, bench_of, kept_speed
from benchmarks.encoders.minutes import Work, minutes, seeded
from benchmarks.peers.asking import ask
from paretoscope.engine.cache import StageCache
from paretoscope.engine.pipeline import Bench
from paretoscope.errors import ArtifactError
from paretoscope.models.pretrained import tokenizer_json
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneWeights
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT, Workspace

STUDENT = Recipe(stages=(Distill(),))


def asked(folder: Path, seeds: tuple[int, ...] = (0, 1, 2), training: float = 1.0) -> Asked:
    return Asked(("minilm-trec",), seeds, "validation", training, "quick", Workspace.at(folder))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """What a peer needs to know of one, with nothing to prepare."""
    for name in ("prepare", "export_split"):
        monkeypatch.setattr(peers, name, lambda *_: None)
    made = SimpleNamespace(
        model_ref=SimpleNamespace(key="model"),
        task=SimpleNamespace(key="task"),
        cache=StageCache(tmp_path / "cache"),
    )
    return cast(Bench, made)


def script(path: Path, lines: str) -> Path:
    path.write_text(f"import json, pathlib, sys\n{lines}\n")
    return path


def test_what_a_tool_leaves_where_it_runs_goes(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = """
pathlib.Path("sym_shape_infer_temp.onnx").write_text("left")
pathlib.Path(sys.argv[3], "model.onnx").write_text(str(pathlib.Path.cwd()))
print("chatter"); print(json.dumps({"seconds": 1.5}))"""
    monkeypatch.setattr(peers, "SCRIPT", script(tmp_path / "tool.py", leaves))
    (tmp_path / "made").mkdir()
    peers.make(bench, "ort-static", tmp_path / "made")
    ran_in = Path((tmp_path / "made" / "model.onnx").read_text())
    assert ran_in != Path.cwd() and not ran_in.exists()
    assert not (PROJECT / "sym_shape_infer_temp.onnx").exists()
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "model.onnx",
        peers.SECONDS,
    ]


def test_a_tool_that_fails_says_why(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        peers, "SCRIPT", script(tmp_path / "tool.py", "sys.exit('no module named nncf')")
    )
    with pytest.raises(ArtifactError, match="NNCF on OpenVINO made no model: no module named nncf"):
        peers.make(bench, "nncf", tmp_path)


def test_a_worker_runs_in_a_folder_that_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        tmp_path / "leaving_worker.py",
        "pathlib.Path('left.data').write_text('x')\nprint(json.dumps({'cwd':"
        " str(pathlib.Path.cwd())}))",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ran_in = Path(ask("leaving_worker")["cwd"])
    assert ran_in != Path.cwd() and not ran_in.exists()


def test_a_time_is_taken_once(bench: Bench, tmp_path: Path) -> None:
    taken: list[int] = []

    def sit() -> tuple[Interval, bool]:
        taken.append(1)
        return Interval(value=2.5, low=2.25, high=3.0), True

    found = [
        kept_speed(asked(tmp_path), bench, key, sit) for key in (("a", "b"), ("a", "b"), ("a", "c"))
    ]
    assert found == [(Interval(value=2.5, low=2.25, high=3.0), True)] * 3
    assert len(taken) == 2


def test_a_seed_draws_what_stages_calibrate_on_and_not_what_judges(tmp_path: Path) -> None:
    benches = [bench_of(asked(tmp_path), "minilm-trec", calibrated_by=seed) for seed in (0, 1, 1)]
    tokenizer = tokenizer_json(benches[0].model_ref)
    calibration, validation = (
        [bench.evaluator.encoded(name, tokenizer).key for bench in benches]
        for name in ("calibration", "validation")
    )
    assert calibration[0] != calibration[1] == calibration[2]
    assert len(set(validation)) == 1
    assert len({len(bench.task.splits["calibration"]) for bench in benches}) == 1


def test_a_section_that_breaks_off_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[int, ...]] = []

    def breaks(given: Asked) -> None:
        raise ValueError("no such tool")

    def nothing(given: Asked, model: str) -> Work:
        return Work(())

    sections: dict[str, tuple[Callable[[Asked], None], Callable[[Asked, str], Work]]] = {
        "first": (breaks, nothing),
        "second": (lambda given: ran.append(given.seeds), nothing),
    }
    monkeypatch.setattr(main, "SECTIONS", sections)
    assert (
        main.main(["--only", "first,second", "--workspace", str(tmp_path), "--seeds", "3,4"]) == 1
    )
    assert ran == [(3, 4)]
    assert "BROKEN OFF  first: ValueError: no such tool" in capsys.readouterr().out


def test_a_section_that_takes_too_long_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--only", "teacher", "--workspace", str(tmp_path), "--within", "0.01"]) == 0
    assert "## teacher: left for another run" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", main.SECTIONS)
def test_every_section_says_about_how_long_it_takes(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--only", name, "--workspace", str(tmp_path), "--estimate"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(f"about {name} ")
    assert main.SECTIONS[name][1](asked(tmp_path), "minilm-trec").recipes.__len__() > 0


def test_more_training_seeds_and_times_take_longer(tmp_path: Path) -> None:
    def takes(given: Asked, **changes: Any) -> float:
        return minutes(
            given, "minilm-trec", replace(Work(seeded([STUDENT], given.seeds)), **changes)
        )

    whole = takes(asked(tmp_path))
    assert takes(asked(tmp_path, seeds=(0,))) == pytest.approx(whole / 3)
    assert takes(asked(tmp_path, training=0.1)) < whole
    assert takes(asked(tmp_path), timed=1) > whole
    assert takes(asked(tmp_path), recipes=(Recipe(stages=(PruneWeights(),)),)) < takes(
        asked(tmp_path, seeds=(0,))
    )
