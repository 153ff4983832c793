"""The encoder benchmark: scratch files, cached results, failures and expected durations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.encoders import __main__ as main
from benchmarks.encoders import peers
from benchmarks.encoders.evaluation import Options, bench_of, cached_speedup
from benchmarks.encoders.expected_minutes import Workload, expected_minutes, with_seeds
from benchmarks.peers.protocol import call_worker
from paretoscope.engine.build import Bench
from paretoscope.engine.cache import StageCache
from paretoscope.errors import ArtifactError
from paretoscope.models.tokenizer import own_tokenizer, tokenizer_json
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneWeights
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT, Workspace

STUDENT = Recipe(stages=(Distill(),))


def options(folder: Path, seeds: tuple[int, ...] = (0, 1, 2), training: float = 1.0) -> Options:
    return Options(("minilm-trec",), seeds, "validation", training, "quick", Workspace.at(folder))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench with the keys that a peer needs, and nothing to prepare."""
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


def test_scratch_files_of_a_tool_are_removed(
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


def test_the_error_of_a_tool_is_reported(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        peers, "SCRIPT", script(tmp_path / "tool.py", "sys.exit('no module named nncf')")
    )
    with pytest.raises(ArtifactError, match="NNCF on OpenVINO made no model: no module named nncf"):
        peers.make(bench, "nncf", tmp_path)


def test_a_worker_runs_in_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        tmp_path / "leaving_worker.py",
        "pathlib.Path('left.data').write_text('x')\nprint(json.dumps({'cwd':"
        " str(pathlib.Path.cwd())}))",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ran_in = Path(call_worker("leaving_worker")["cwd"])
    assert ran_in != Path.cwd() and not ran_in.exists()


def test_a_speed_up_is_measured_once(bench: Bench, tmp_path: Path) -> None:
    measured: list[int] = []

    def measure() -> tuple[Interval, bool]:
        measured.append(1)
        return Interval(value=2.5, low=2.25, high=3.0), True

    found = [
        cached_speedup(options(tmp_path), bench, key, measure)
        for key in (("a", "b"), ("a", "b"), ("a", "c"))
    ]
    assert found == [(Interval(value=2.5, low=2.25, high=3.0), True)] * 3
    assert len(measured) == 2


def test_a_seed_changes_calibration_and_not_validation(tmp_path: Path) -> None:
    benches = [bench_of(options(tmp_path), "minilm-trec", calibrated_by=seed) for seed in (0, 1, 1)]
    ref = benches[0].model_ref
    tokenizer = tokenizer_json(ref, own_tokenizer(ref), rows=30_522)
    calibration, validation = (
        [bench.evaluator.encoded(name, tokenizer).key for bench in benches]
        for name in ("calibration", "validation")
    )
    assert calibration[0] != calibration[1] == calibration[2]
    assert len(set(validation)) == 1
    assert len({len(bench.task.splits["calibration"]) for bench in benches}) == 1


def test_a_failed_section_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[int, ...]] = []

    def breaks(args: Options) -> None:
        raise ValueError("no such tool")

    def nothing(args: Options, model: str) -> Workload:
        return Workload(())

    sections: dict[str, tuple[Callable[[Options], None], Callable[[Options, str], Workload]]] = {
        "first": (breaks, nothing),
        "second": (lambda args: ran.append(args.seeds), nothing),
    }
    monkeypatch.setattr(main, "SECTIONS", sections)
    assert (
        main.main(["--only", "first,second", "--workspace", str(tmp_path), "--seeds", "3,4"]) == 1
    )
    assert ran == [(3, 4)]
    assert "FAILED  first: ValueError: no such tool" in capsys.readouterr().out


def test_a_section_that_takes_too_long_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--only", "teacher", "--workspace", str(tmp_path), "--within", "0.01"]) == 0
    assert "## teacher: skipped" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", main.SECTIONS)
def test_every_section_has_an_expected_duration(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--only", name, "--workspace", str(tmp_path), "--estimate"]) == 0
    last_line = capsys.readouterr().out.splitlines()[-1]
    assert last_line.startswith(f"about {name} ")
    assert main.SECTIONS[name][1](options(tmp_path), "minilm-trec").recipes


def test_more_work_takes_longer(tmp_path: Path) -> None:
    def takes(args: Options, **changes: Any) -> float:
        return expected_minutes(
            args, "minilm-trec", replace(Workload(with_seeds([STUDENT], args.seeds)), **changes)
        )

    baseline = takes(options(tmp_path))
    assert takes(options(tmp_path, seeds=(0,))) == pytest.approx(baseline / 3)
    assert takes(options(tmp_path, training=0.1)) < baseline
    assert takes(options(tmp_path), timed=1) > baseline
    assert takes(options(tmp_path), recipes=(Recipe(stages=(PruneWeights(),)),)) < takes(
        options(tmp_path, seeds=(0,))
    )
