"""The command `check`: artefacts against a budget."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretoscope.catalog import request
from paretoscope.cli.parser import main
from paretoscope.engine.gate import load_budget
from paretoscope.engine.pipeline import run_trial
from paretoscope.errors import ParetoscopeError
from paretoscope.measure import latency
from paretoscope.recipes.file import parse_recipe
from paretoscope.trials.request import Conditions
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

WORDS = "what who where when how many good bad film plot question city country name year".split()


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    short = replace(latency.PLANS["quick"], turns=2, warm_up_s=0.0, least_s=0.01, most_s=0.05)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(latency.PLANS, "quick", short)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `fp32`, `int8` and `half` of one tiny model, and its data."""
    folder = tmp_path_factory.mktemp("gate")
    make_tiny("bert", folder / "model")
    random = np.random.default_rng(0)
    rows = [
        f"{' '.join(random.choice(WORDS, size=6))} {WORDS[number % 13]};{'ab'[number % 2]}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text("words;class\n" + "\n".join(rows), encoding="utf-8")
    stages: dict[str, list[dict[str, Any]]] = {
        "fp32": [],
        "int8": [{"kind": "quantize"}],
        "half": [{"kind": "prune-structure", "target": "heads", "ratio": 0.5}],
    }
    from paretoscope.tasks.ref import DataOptions

    for name, each in stages.items():
        wanted = request(
            str(folder / "model"),
            parse_recipe({"stages": each}),
            task=str(folder / "own.csv"),
            conditions=Conditions(threads=1),
            options=DataOptions(text_column="words", label_column="class"),
        )
        document = run_trial(wanted, Workspace(folder / "workspace"), lambda _: None)
        assert document.artifact
        shutil.copytree(folder / "workspace" / document.artifact.path, folder / name)
    return folder


def checked(
    place: Path, capsys: pytest.CaptureFixture[str], artifact: str, **budget: Any
) -> tuple[int, dict[str, Any]]:
    (place / "budget.yaml").write_text(json.dumps(budget), encoding="utf-8")
    names = [str(place / artifact), "--against", str(place / "fp32")]
    status = main(["check", *names, "--budget", str(place / "budget.yaml"), "--json"])
    out = capsys.readouterr().out
    return status, json.loads(out) if out else {}


def test_within_the_budget_it_ends_with_0(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = checked(
        place, capsys, "int8", max_drop=100, max_bytes=10**9, max_p50_ratio=1e3, min_agreement=0
    )
    assert (status, found["passed"]) == (0, True)
    values = {each["name"]: each for each in found["checks"]}
    assert list(values) == ["drop", "agreement", "bytes", "p50 ratio", "self-check"]
    size = sum(path.stat().st_size for path in (place / "int8").iterdir())
    assert values["bytes"]["value"] == size
    assert values["drop"]["value"] == pytest.approx(
        100 * (found["baseline"]["value"] - found["quality"]["value"])
    )
    assert values["agreement"]["value"] == found["paired"]["agreement"]


@pytest.mark.parametrize(
    ("limit", "name"), [({"max_bytes": 1000}, "bytes"), ({"max_p50_ratio": 0.001}, "p50 ratio")]
)
def test_each_limit_fails_by_itself(
    place: Path, capsys: pytest.CaptureFixture[str], limit: dict[str, float], name: str
) -> None:
    status, found = checked(place, capsys, "int8", **limit)
    assert (status, found["passed"]) == (1, False)
    assert [each["name"] for each in found["checks"] if not each["passed"]] == [name]


def test_other_answers_are_less_agreement(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = checked(place, capsys, "half", max_bytes=10**9)
    agreement = found["paired"]["agreement"]
    status, _ = checked(place, capsys, "half", min_agreement=min(1.0, agreement + 1e-9))
    assert status == (1 if agreement < 1 else 0)


def test_a_changed_file_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(place / "int8", tmp_path / "int8")
    with (tmp_path / "int8" / "model.onnx").open("ab") as file:
        file.write(b"\0")
    names = [str(tmp_path / "int8"), "--against", str(place / "fp32")]
    assert main(["check", *names, "--budget", str(place / "budget.yaml")]) == 2
    assert "model.onnx" in capsys.readouterr().err


def test_a_budget_names_all_that_is_wrong(tmp_path: Path) -> None:
    budget = tmp_path / "budget.yaml"
    budget.write_text("max_drop: -1\nmax_byte: 3\nmin_agreement: 98\n", encoding="utf-8")
    with pytest.raises(ParetoscopeError) as error:
        load_budget(budget)
    for name in ("max_drop", "max_bytes", "min_agreement"):
        assert name in str(error.value)
    for content in ("{}", "- 1", ""):
        budget.write_text(content, encoding="utf-8")
        with pytest.raises(ParetoscopeError):
            load_budget(budget)


@pytest.mark.parametrize("value", ["true", "'1'", "yes", "1e9", "[1]", ".nan"])
@pytest.mark.parametrize("name", ["max_drop", "max_bytes", "min_agreement"])
def test_a_limit_is_a_number(tmp_path: Path, name: str, value: str) -> None:
    budget = tmp_path / "budget.yaml"
    budget.write_text(f"{name}: {value}", encoding="utf-8")
    with pytest.raises(ParetoscopeError, match=name):
        load_budget(budget)


@pytest.mark.parametrize(
    "change",
    [
        {"conditions": None},
        {"conditions": {"threads": "x"}},
        {"task": None},
        {"max_length": "x"},
        {"max_length": None},
        {"sha256": None},
        {"sha256": 3},
        {"data": {"unknown": 1}},
        {"check": 3},
        {"check": {"texts": [], "ids": ["1"], "top": ["0"], "logits": ["1"], "tolerance": 1}},
    ],
)
def test_another_manifest_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    """A field with None is removed."""
    shutil.copytree(place / "int8", tmp_path / "int8")
    path = tmp_path / "int8" / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8")) | change
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
    (place / "budget.yaml").write_text("max_drop: 100", encoding="utf-8")
    names = [str(tmp_path / "int8"), "--against", str(place / "fp32")]
    assert main(["check", *names, "--budget", str(place / "budget.yaml")]) == 2
    assert "manifest.json" in capsys.readouterr().err


def test_options_of_a_data_file_need_the_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "budget.yaml").write_text("max_drop: 100", encoding="utf-8")
    names = [str(place / "int8"), "--against", str(place / "fp32"), "--label-column", "class"]
    assert main(["check", *names, "--budget", str(place / "budget.yaml")]) == 2
    assert "--task" in capsys.readouterr().err


def test_language_models_with_other_tokenizers_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [" ".join(np.random.default_rng(n).choice(WORDS, size=60)) for n in range(40)]
    (place / "own.txt").write_text("\n\n".join(texts), encoding="utf-8")
    for name in ("one", "two"):
        model = make_tiny("llama", place / f"{name}-model")
        wanted = request(
            str(model), parse_recipe({"stages": []}), task=str(place / "own.txt"),
            conditions=Conditions(threads=1),
        )  # fmt: skip
        document = run_trial(wanted, Workspace(place / "workspace"), lambda _: None)
        assert document.artifact
        shutil.copytree(place / "workspace" / document.artifact.path, place / name)
    tokenizer = place / "two" / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8") + " ", encoding="utf-8")
    path = place / "two" / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["sha256"]["tokenizer.json"] = hashlib.sha256(tokenizer.read_bytes()).hexdigest()
    path.write_text(json.dumps(content), encoding="utf-8")
    (place / "budget.yaml").write_text("max_drop: 100", encoding="utf-8")
    names = [str(place / "two"), "--against", str(place / "one")]
    assert main(["check", *names, "--budget", str(place / "budget.yaml")]) == 2
    assert "tokenizers" in capsys.readouterr().err
