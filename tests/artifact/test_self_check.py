"""An artefact compares itself with the machine that made it, also on another processor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import pytest

from paretoscope.artifact.golden import COUNT, golden_texts
from paretoscope.artifact.self_check import compare, first_run, made_here, remedy
from paretoscope.catalog import request
from paretoscope.engine.pipeline import run_trial
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import parse_recipe
from paretoscope.trials.request import Conditions
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

WORDS = "what who where when how many good bad film plot question city country name year".split()
RUNTIME: str = onnxruntime.__version__
INT8 = {"kind": "quantize"}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 artefact of a tiny model."""
    folder = tmp_path_factory.mktemp("self-check")
    make_tiny("bert", folder / "model")
    random = np.random.default_rng(0)
    rows = [
        f"{' '.join(random.choice(WORDS, size=6))} {WORDS[number % 13]},{'ab'[number % 2]}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    wanted = request(
        str(folder / "model"),
        parse_recipe({"stages": [INT8]}),
        task=str(folder / "own.csv"),
        conditions=Conditions(threads=1),
    )
    document = run_trial(wanted, Workspace(folder / "workspace"), lambda _: None)
    assert document.artifact
    return folder / "workspace" / document.artifact.path


@pytest.fixture
def copied(artifact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artifact, tmp_path / "copy"))


def run(
    folder: Path, *arguments: str, cpu: str = "", cache: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """run.py of an artefact, on the processor `cpu` of QEMU if it is given."""
    code = (
        f"import runpy, sys; sys.path[:0] = [{sysconfig.get_path('purelib')!r}, {str(folder)!r}];"
        f" sys.argv = ['run.py', *{list(arguments)!r}];"
        f" runpy.run_path({str(folder / 'run.py')!r}, run_name='__main__')"
    )
    emulator = ["qemu-x86_64", "-cpu", cpu] if cpu else []
    return subprocess.run(
        [*emulator, os.path.realpath(sys.executable), "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "XDG_CACHE_HOME": str(cache or folder.parent / "cache")},
    )


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def change(folder: Path, **fields: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest(folder) | fields), encoding="utf-8")


def test_the_manifest_has_golden_texts_and_they_agree_here(copied: Path) -> None:
    golden = manifest(copied)["check"]
    assert len(golden["texts"]) == len(set(golden["texts"])) == COUNT
    assert golden["int8"] is True
    done = run(copied, "--check")
    assert done.returncode == 0, done.stderr
    assert f"{COUNT} of {COUNT} answers agree" in done.stdout
    assert done.stderr == ""


def test_other_logits_are_a_warning_and_a_failed_check(copied: Path) -> None:
    golden = manifest(copied)["check"]
    golden["logits"][3] = " ".join("9.0" for _ in golden["logits"][3].split())
    change(copied, check=golden)
    done = run(copied, "--check")
    assert done.returncode == 1
    assert "WARNING" in done.stderr


def test_only_the_first_run_on_another_machine_checks(copied: Path) -> None:
    golden = manifest(copied)["check"]
    golden["logits"][0] = " ".join("9.0" for _ in golden["logits"][0].split())
    machine = manifest(copied)["machine"]
    change(copied, check=golden)
    assert "WARNING" not in run(copied, "a good film").stderr  # made on this machine
    change(copied, check=golden, machine=machine | {"flags": ["avx2"]})
    first, second = (run(copied, "a good film") for _ in range(2))
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    assert "WARNING" in first.stderr
    assert second.stderr == ""


@pytest.mark.skipif(
    shutil.which("qemu-x86_64") is None or "avx512_vnni" not in fingerprint().flags,
    reason="needs qemu-user and a processor with VNNI, whose instructions QEMU leaves out",
)
def test_a_processor_without_vnni_is_told_apart_and_exact_sums_agree(copied: Path) -> None:
    """QEMU's Haswell has AVX2 and no VNNI; the differences are those of real hardware."""
    golden = manifest(copied)["check"]
    change(copied, check=golden | {"tolerance": 1e-6})
    other = run(copied, "--check", cpu="Haswell")
    assert other.returncode == 1
    assert "largest difference" in other.stdout
    exact = run(copied, "--exact", "--check", cpu="Haswell")

    def difference(done: subprocess.CompletedProcess[str]) -> float:
        return float(done.stdout.split("logit ")[1].split()[0])

    assert difference(exact) < difference(other)


def test_differences_are_counted_over_texts_tokens_and_answers() -> None:
    golden = {
        "texts": ["a", "b"],
        "ids": ["1 2", "1 3"],
        "top": ["0 1", "1 0"],
        "logits": ["2.0 1.0", "4.0 0.0"],
        "tolerance": 0.1,
    }
    answers = {2: [2.0, 1.0], 3: [4.3, 4.2]}
    found = compare(
        golden,
        lambda ids: np.array(answers[ids[-1]]),
        lambda text: [1, 2] if text == "a" else [1, 4],
    )
    assert found["largest_difference"] == pytest.approx(4.3)
    assert found["tolerance"] == pytest.approx(0.4)
    assert (found["agree"], found["other_tokens"], found["within"]) == (1, 1, False)


def test_the_remedy_fits_the_cause(artifact: Path) -> None:
    made, same = manifest(artifact), {"other_tokens": 0}
    assert made_here(made, RUNTIME)
    assert not made_here(made, "0.1")
    assert "tokenizers" in remedy(made, {"other_tokens": 2}, RUNTIME, exact=False)
    if any("vnni" in flag for flag in fingerprint().flags):
        assert "onnxruntime" in remedy(made, same, "0.1", exact=False)
    else:
        assert "VNNI" in remedy(made, same, RUNTIME, exact=False)


def test_golden_texts_are_the_same_for_the_same_tokenizer(artifact: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(artifact / "tokenizer.json"))
    assert (
        golden_texts(tokenizer) == golden_texts(tokenizer) == manifest(artifact)["check"]["texts"]
    )


def test_answers_that_are_not_a_number_are_beyond_the_tolerance(artifact: Path) -> None:
    golden = manifest(artifact)["check"]
    ids = {
        text: [int(word) for word in row.split()]
        for text, row in zip(golden["texts"], golden["ids"], strict=True)
    }
    found = compare(golden, lambda _: np.full(2, np.nan), lambda text: ids[text])
    assert np.isnan(found["largest_difference"])
    assert not found["within"]


@pytest.mark.parametrize("arguments", [("--exact", "--check"), ("--check", "--exact")])
def test_exact_may_stand_anywhere(copied: Path, arguments: tuple[str, ...]) -> None:
    done = run(copied, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert run(copied, "--exact", "good film").stdout == run(copied, "good film", "--exact").stdout


@pytest.mark.parametrize(
    "arguments", [("--chek",), ("--check", "good film"), ("--time", "2"), ("--evaluate",)]
)
def test_an_unknown_option_is_no_text(copied: Path, arguments: tuple[str, ...]) -> None:
    done = run(copied, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("run.py: ")
    assert done.stderr.count("\n") == 1


def test_without_golden_inputs_the_check_is_refused(copied: Path) -> None:
    content = manifest(copied)
    del content["check"]
    (copied / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    done = run(copied, "--check")
    assert done.returncode == 2
    assert done.stderr.startswith("run.py: ")
    assert run(copied, "good film").returncode == 0


@pytest.mark.parametrize("error", [RuntimeError, PermissionError])
def test_the_first_run_needs_no_cache(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """As for a user without a home folder, or with one that cannot be read."""

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home" if error is RuntimeError else "exists", fails)
    runs: list[int] = []

    def compared() -> dict[str, Any]:
        runs.append(1)
        return {"within": True}

    first_run(manifest(artifact), "another runtime", compared)
    assert runs == [1]
