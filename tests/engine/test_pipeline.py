"""A whole trial on a tiny model and a person's own data: what comes out, what is shared, what is
left after a failure.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from paretoscope import catalog
from paretoscope.artifact.pack import written_bytes
from paretoscope.engine import build
from paretoscope.engine.build import Bench
from paretoscope.engine.pipeline import run_trial
from paretoscope.engine.progress import Steps
from paretoscope.errors import ArtifactError, ModelError
from paretoscope.measure import quality
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.tasks.load import export_split, load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.training.teacher import TEACHER_PART
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

CHAIN = parse_recipe(
    {
        "stages": [
            {"kind": "distill", "layers": 1, "epochs": 0.5},
            {"kind": "prune-structure", "target": "ffn", "ratio": 0.5},
            {"kind": "prune-weights", "sparsity": 0.5, "steps": 2, "retrain_epochs": 0.5},
            {"kind": "quantize", "scheme": "weight-only", "bits": 4, "group_size": 16},
        ]
    }
)
INT8 = parse_recipe({"stages": [{"kind": "quantize"}]})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model and a data file of 240 short texts."""
    folder = tmp_path_factory.mktemp("pipeline")
    make_tiny("bert", folder / "model")
    generator = np.random.default_rng(0)
    words = (
        "what who where when how many good bad film plot question city country name year free win"
        " call love".split()
    )
    lines = [
        f"{' '.join(generator.choice(words, size=generator.integers(3, 9)))} {number}"
        for number in range(240)
    ]
    rows = [f"{line},{'ab'[number % 2]}" for number, line in enumerate(lines)]
    (folder / "own.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    return folder


def ask(place: Path, recipe: Recipe) -> TrialRequest:
    return catalog.request(str(place / "model"), recipe, task=str(place / "own.csv"))


@pytest.fixture(scope="module")
def workspace(place: Path) -> Workspace:
    return Workspace.at(place / "workspace")


@pytest.fixture(scope="module")
def done(place: Path, workspace: Workspace) -> tuple[TrialDocument, list[Progress]]:
    seen: list[Progress] = []
    return run_trial(ask(place, CHAIN), workspace, seen.append), seen


def test_every_part_of_the_document_is_measured(done: tuple[TrialDocument, list[Progress]]) -> None:
    document, _ = done
    assert document.status == "done"
    assert (
        document.quality
        and document.baseline
        and document.paired
        and document.speedup
        and document.memory
        and document.latency
    )
    assert document.quality.low <= document.quality.value <= document.quality.high
    assert document.quality.n == document.baseline.quality.n == 36
    assert document.quality.split == "validation"
    right = document.paired.gained - document.paired.lost
    assert right == round(
        (document.quality.value - document.baseline.quality.value) * document.quality.n
    )
    assert (
        document.artifact and document.artifact.size_bytes < document.baseline.artifact.size_bytes
    )
    assert document.speedup.low <= document.speedup.value <= document.speedup.high
    assert document.theoretical_bytes is not None and document.artifact.weights_bytes is not None
    assert document.theoretical_bytes < document.artifact.weights_bytes
    assert len(document.stage_seconds) == len(CHAIN.stages)
    assert all(seconds > 0 for seconds in document.stage_seconds)


def test_progress_names_every_step_once_and_in_order(
    done: tuple[TrialDocument, list[Progress]],
) -> None:
    _, seen = done
    numbers = [progress.stage_number for progress in seen]
    assert max(numbers) == seen[0].stage_count
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    student, *cut = (stage.in_words() for stage in CHAIN.stages[:3])
    made = [
        "prepare",
        student,
        f"{student}, {TEACHER_PART}",
        *cut,
        "export",
        CHAIN.stages[3].in_words(),
    ]
    assert stages == [*made, "accuracy", WAITING, "latency"]
    assert all(progress.step <= progress.steps for progress in seen)


def test_the_artifact_says_what_it_is_and_its_hashes_hold(
    done: tuple[TrialDocument, list[Progress]],
) -> None:
    document, _ = done
    assert document.artifact
    folder = Path(document.artifact.path)
    assert set(document.artifact.files) == {
        "labels.py",
        "model.onnx",
        "tokenizer.json",
        "config.json",
        "recipe.yaml",
        "manifest.json",
        "README.md",
        "run.py",
        "self_check.py",
    }
    assert document.artifact.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert manifest["torch_difference"] <= manifest["torch_tolerance"]
    assert json.loads((folder / "config.json").read_text())["label2id"] == {"a": 0, "b": 1}
    assert "student-1" in (folder / "README.md").read_text()


def test_its_script_gives_the_measured_accuracy_again(
    done: tuple[TrialDocument, list[Progress]], place: Path, tmp_path: Path
) -> None:
    document, _ = done
    assert document.artifact and document.quality
    task = load_task(resolve_task(str(place / "own.csv")), ("a", "b"))
    export_split(task, "validation", tmp_path / "validation.jsonl")
    run = [sys.executable, str(Path(document.artifact.path) / "run.py")]
    evaluated = subprocess.run(
        [*run, "--evaluate", str(tmp_path / "validation.jsonl")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        evaluated.stdout.strip()
        == f"accuracy {document.quality.value:.4f} on {document.quality.n} examples"
    )
    said = subprocess.run(
        [*run, "what a film"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[0] in {"a", "b"}
    assert 0.5 <= float(said[1]) <= 1
    assert (
        "p50" in subprocess.run([*run, "--time"], capture_output=True, text=True, check=True).stdout
    )


def test_samples_and_predictions_are_kept(
    done: tuple[TrialDocument, list[Progress]], workspace: Workspace
) -> None:
    document, _ = done
    assert document.quality and document.latency
    with np.load(workspace.samples / f"{document.trial_id}.npz") as kept:
        assert (kept["logits"].argmax(axis=1) == kept["labels"]).mean() == pytest.approx(
            document.quality.value
        )
        samples = np.concatenate(
            [kept[name] for name in kept.files if name.startswith("candidate_turn")]
        )
    assert len(samples) == document.latency.n
    assert np.median(samples) == pytest.approx(document.latency.p50_ms)


def test_what_was_made_is_not_made_again(
    done: tuple[TrialDocument, list[Progress]],
    place: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def must_not_run(*_: object) -> None:
        raise AssertionError("made twice")

    for name in ("prepare", "export", "load_model", "apply"):
        monkeypatch.setattr(build, name, must_not_run)
    monkeypatch.setattr(quality, "evaluate", must_not_run)
    again = run_trial(ask(place, CHAIN), workspace, lambda progress: None)
    assert again.quality == done[0].quality
    assert again.stage_seconds == done[0].stage_seconds
    assert again.artifact and done[0].artifact
    assert again.artifact.sha256["model.onnx"] == done[0].artifact.sha256["model.onnx"]


def test_points_of_a_sweep_share_their_first_stages(
    place: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Path] = []
    real = build.load_model
    monkeypatch.setattr(build, "load_model", lambda folder: loaded.append(folder) or real(folder))
    for bits in (8, 4, 2):
        content = {
            "stages": [
                {"kind": "prune-weights", "sparsity": 0.3},
                {"kind": "quantize", "scheme": "weight-only", "bits": bits, "group_size": 16},
            ]
        }
        wanted = ask(place, parse_recipe(content))
        Bench(wanted, workspace, Steps(wanted.recipe, lambda progress: None)).make(wanted.recipe)
    assert len(loaded) == 1


def test_training_for_quantization_comes_before_the_export(
    place: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trained model is exported and quantized like any other, is kept, and differs from
    rounding alone in its numbers, not in its size.
    """
    trained = parse_recipe(
        {
            "stages": [
                {
                    "kind": "quantize",
                    "scheme": "weight-only",
                    "bits": 2,
                    "train_epochs": 0.5,
                    "learning_rate": 1e-3,
                }
            ]
        }
    )
    rounded = parse_recipe({"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": 2}]})
    called: list[str] = []
    carried_out = build.apply
    monkeypatch.setattr(build, "apply", lambda module: called.append(module) or carried_out(module))
    made = [
        Bench(ask(place, recipe), workspace, Steps(recipe, lambda progress: None)).make(recipe)
        for recipe in (trained, rounded, trained)
    ]
    assert called == [
        f"paretoscope.quantization.{module}" for module in ("qat", "quantize", "quantize")
    ]
    assert made[0] == made[2]
    assert made[0].facts["weights_bytes"] == made[1].facts["weights_bytes"]
    assert (made[0].folder / "model.onnx").read_bytes() != (
        made[1].folder / "model.onnx"
    ).read_bytes()


def test_the_baseline_is_its_own_reference(
    place: Path, workspace: Workspace, tmp_path: Path
) -> None:
    """A model in float16 has one too, of its float32 copy, and a note says so."""
    shutil.copytree(place / "model", tmp_path / "model")
    shutil.copy(place / "own.csv", tmp_path)
    weights = tmp_path / "model" / "model.safetensors"
    half = {name: tensor.astype(np.float16) for name, tensor in load_file(weights).items()}
    save_file(half, weights, metadata={"format": "pt"})
    document = run_trial(ask(tmp_path, Recipe()), workspace, lambda progress: None)
    assert "stored as float16" in document.notes[0]
    assert document.is_baseline
    assert document.baseline is None and document.paired is None and document.speedup is None
    assert document.recipe.in_words() == "fp32 baseline"


def test_a_stage_that_fails_leaves_nothing_half_written(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)

    def fails(*_: object) -> None:
        raise ModelError("This model cannot be exported.")

    monkeypatch.setattr(build, "export", fails)
    with pytest.raises(ModelError, match="cannot be exported"):
        run_trial(ask(place, INT8), workspace, lambda progress: None)
    assert not workspace.artifacts.exists()
    assert [
        path.name
        for path in workspace.cache.iterdir()
        if path.name.startswith(".") and path.name != ".locks"
    ] == []
    monkeypatch.undo()
    wanted = ask(place, INT8)
    assert (
        Bench(wanted, workspace, Steps(INT8, lambda progress: None)).make(INT8).folder
        / "model.onnx"
    ).is_file()


def test_a_damaged_graph_in_the_cache_is_named(place: Path, tmp_path: Path) -> None:
    wanted = ask(place, INT8)
    bench = Bench(wanted, Workspace.at(tmp_path), Steps(INT8, lambda progress: None))
    graph = bench.make(Recipe()).folder / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:500])
    with pytest.raises(ArtifactError, match=f'"{graph}" is damaged; delete the folder'):
        bench.make(INT8)
    assert [path.name for path in (tmp_path / "cache").glob(".*") if path.name != ".locks"] == []


def test_every_step_after_a_smaller_vocabulary_uses_it(
    place: Path, workspace: Workspace, tmp_path: Path
) -> None:
    cut = {"kind": "prune-structure", "target": "vocabulary", "ratio": 0.1}
    chain = parse_recipe(
        {
            "stages": [
                cut,
                {"kind": "distill", "layers": 1, "epochs": 0.5},
                {"kind": "quantize", "scheme": "int8-static"},
            ]
        }
    )
    document = run_trial(ask(place, chain), workspace, lambda progress: None)
    assert document.artifact and document.quality and document.paired
    folder = Path(document.artifact.path)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    assert rows == 149
    entries = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    assert sorted(entries.values()) == list(range(rows))
    (note,) = [note for note in document.notes if note.startswith("Vocabulary: 149 of 165 entries")]
    assert note in (folder / "README.md").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["vocabulary"]["entries"] == 149
    assert document.baseline
    assert "vocabulary" not in json.loads(
        (Path(document.baseline.artifact.path) / "manifest.json").read_text()
    )
    task = load_task(resolve_task(str(place / "own.csv")), ("a", "b"))
    export_split(task, "validation", tmp_path / "validation.jsonl")
    run = [sys.executable, str(folder / "run.py"), "--evaluate", str(tmp_path / "validation.jsonl")]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    assert said == f"accuracy {document.quality.value:.4f} on {document.quality.n} examples"


def test_a_stage_that_costs_too_much_is_tried_otherwise(place: Path, workspace: Workspace) -> None:
    stages = [{"kind": "prune-weights", "sparsity": 0.9}]
    plain = run_trial(
        ask(place, parse_recipe({"stages": stages})), workspace, lambda progress: None
    )
    document = run_trial(
        ask(place, parse_recipe({"stages": stages, "recover": {"max_drop": 0, "epochs": 0.5}})),
        workspace,
        lambda progress: None,
    )
    assert document.quality and plain.quality and plain.baseline
    assert document.quality.value >= plain.quality.value
    tried = [note for note in document.notes if note.startswith("recovering")]
    assert len(tried) == (plain.quality.value < plain.baseline.quality.value)
    assert document.recipe.recover is not None


WRITTEN = ("recipe.yaml", "manifest.json", "README.md", "run.py", "labels.py", "self_check.py")


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_a_budget_of_megabytes_holds_for_every_file_of_the_artefact(
    share: float, place: Path, tmp_path: Path
) -> None:
    """The budget lies at this share of the way between all at 2 bits and all at 8; the files of
    words are counted as a bound.
    """
    cut = {"kind": "prune-structure", "target": "ffn", "ratio": 0.5}
    few = {
        "kind": "quantize",
        "scheme": "weight-only",
        "rounding": "gptq",
        "allocation": "sensitivity",
        "calibration_examples": 16,
    }
    workspace = Workspace.at(tmp_path)
    ends: list[int] = []
    for bits in (2, 8):
        recipe = parse_recipe(
            {"stages": [cut, few | {"bits": bits, "embedding_bits": bits, "head_bits": bits}]}
        )
        made = Bench(ask(place, recipe), workspace, Steps(recipe, lambda progress: None)).make(
            recipe
        )
        ends.append(
            sum(
                (made.folder / name).stat().st_size
                for name in ("model.onnx", "tokenizer.json", "config.json")
            )
        )

    def asking(max_bytes: int) -> TrialRequest:
        return ask(place, parse_recipe({"stages": [cut, few | {"max_mb": max_bytes / 1e6}]}))

    bound = written_bytes(asking(100_000), decoder=False)
    budget = int(ends[0] + share * (ends[1] - ends[0]) + bound + 2_000)
    document = run_trial(asking(budget), workspace, lambda progress: None)
    assert document.artifact
    told = sum(document.artifact.files[name] for name in WRITTEN)
    assert 0.7 * bound < told <= bound
    assert document.artifact.size_bytes <= budget
    assert document.artifact.size_bytes > budget - (bound - told) - 2_000 - 0.3 * (
        ends[1] - ends[0]
    )
