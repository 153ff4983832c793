"""Bad input from the command line: one plain sentence that names the value, exit status 2, and
nothing queued or left behind.

What `test_cli.py`, `test_own_model.py`, `test_own_data.py` and the tests of the recipe say already
is not said again here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from paretoscope.cli import making
from paretoscope.cli.parser import main
from paretoscope.store import tables
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

RECIPES = {
    "sparsity": "stages: [{kind: prune-weights, sparsity: 1.2}]",
    "bits-word": "stages: [{kind: quantize, scheme: weight-only, bits: four}]",
    "bits-9": "stages: [{kind: quantize, scheme: weight-only, bits: 9}]",
    "group": "stages: [{kind: quantize, scheme: weight-only, group_size: 0}]",
    "method": "stages: [{kind: prune-weights, method: magnitud}]",
    "field": "stages: [{kind: quantize, bit: 4}]",
    "order": "stages: [{kind: quantize}, {kind: prune-weights}]",
    "null": "stages: null",
    "list": "- quantize",
    "empty": "# only a comment\n",
    "deep": "[" * 5000,
    "student-9": "stages: [{kind: distill, layers: 9}]",
    "teacher-5": "stages: [{kind: distill, layers: 1, teacher_layers: [5]}]",
    "cut-first": (
        "stages: [{kind: prune-structure, target: layers, ratio: 0.5}, {kind: distill, layers: 2}]"
    ),
    "student": "stages: [{kind: distill, layers: 1}]",
    "ffn": "stages: [{kind: prune-structure}]",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, data and recipes, each wrong in its own way but `model` and `ok.csv`."""
    folder = tmp_path_factory.mktemp("bad")
    make_tiny("bert", folder / "model", labels=("good", "bad"))
    for name in ("pickle", "corrupt", "unknown-family", "no-tokenizer"):
        shutil.copytree(folder / "model", folder / name)
    (folder / "pickle" / "model.safetensors").rename(folder / "pickle" / "pytorch_model.bin")
    (folder / "corrupt" / "model.safetensors").write_bytes(b"not a header")
    (folder / "no-tokenizer" / "tokenizer.json").unlink()
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "unknown-family" / "config.json").write_text(
        json.dumps(config | {"model_type": "albert"})
    )
    (folder / "model.onnx").write_bytes(b"no graph")
    rows = [f"text number {number},{'good' if number % 2 else 'bad'}" for number in range(60)]
    _csv(folder / "ok.csv", rows)
    _csv(folder / "one-class.csv", [row.replace("bad", "good") for row in rows])
    _csv(folder / "ugly.csv", [*rows, "a text,ugly"])
    _csv(folder / "empty-text.csv", [*rows, ",good"])
    (folder / "latin.csv").write_bytes("text,label\nschön,good\n".encode("latin-1"))
    for name, content in RECIPES.items():
        (folder / f"{name}.yaml").write_text(content)
    (folder / "binary.yaml").write_bytes(bytes(range(256)))
    return folder


def _csv(path: Path, rows: list[str]) -> None:
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")


@pytest.fixture
def refused(
    place: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], str]:
    """Runs a command line in `place`; gives the sentence with which it is refused."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(making, "wait_for", lambda *_: pytest.fail("it was queued"))

    def run(line: str) -> str:
        before = sorted(place.rglob("*"))
        assert main(line.split(" ")) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1, "one line"
        assert re.search(r"[^.?][.?]\n$", said.err), "it ends as a sentence does"
        assert sorted(place.rglob("*")) == before
        if workspace.root.exists():
            store = Store.open(workspace)
            assert store.trials() == []
            store.close()
        return said.err

    return run


RUN = "run model --task ok.csv"
CASES = {
    "run minilm-trc": 'no model "minilm-trc"; did you mean "minilm-trec"',
    "run nowhere/ --task ok.csv": 'no folder "nowhere/"; give a folder with config.json',
    "run pickle --task ok.csv": r'pytorch_model\.bin" is a pickle file.*convert it to safetensors',
    "run corrupt --task ok.csv": "corrupt/model.safetensors.* is not a complete safetensors file",
    "run no-tokenizer --task ok.csv": "has no tokenizer; add the tokenizer.json",
    "run model.onnx --task ok.csv": '/model.onnx" is a file, but a model is a folder',
    "run model": 'model" has no default task',
    "run model --task trek": 'no task "trek"; did you mean "trec"',
    "run model --task one-class.csv": (
        'has the label "good"; a classifier needs at least two classes'
    ),
    "run model --task ugly.csv": (
        r'The label "ugly" \(line 62\) of .* is not an output of .*; its outputs are: good, bad'
    ),
    "run model --task empty-text.csv": "line 62: the text is empty",
    "run model --task latin.csv": (
        r"latin.csv\" is not utf-8: byte 14 .*--encoding, such as latin-1"
    ),
    f"{RUN} --text-column txt": 'has no text column "txt"; did you mean "text"',
    "tasks trec --text-column text": 'task "trec" has no columns .*"text"',
    f"{RUN} --sequence 129": 'The sequence length .*model" is 129, .* from 1 to 128',
    f"{RUN} --threads 100000": "The number of threads .* is 100000, .* from 1 to 1024",
    f"{RUN} --recipe sparsity.yaml": (
        r"stage 1 \(prune-weights\): sparsity should be less than 1, but got 1.2"
    ),
    f"{RUN} --recipe bits-word.yaml": (
        r'stage 1 \(quantize\): bits should be a valid number, but got "four"'
    ),
    f"{RUN} --recipe bits-9.yaml": "bits should be less than or equal to 8, but got 9",
    f"{RUN} --recipe group.yaml": "group_size must be one of 16, 32, .* but got 0",
    f"{RUN} --recipe method.yaml": r'there is no method "magnitud"; did you mean "magnitude"\?\n',
    f"{RUN} --recipe field.yaml": 'there is no field "bit"; did you mean "bits"',
    f"{RUN} --recipe order.yaml": "integers can be neither trained nor pruned further",
    f"{RUN} --recipe null.yaml": "stages should be a list, but got None",
    f"{RUN} --recipe list.yaml": r"expected fields such as .* but got \['quantize'\]",
    f"{RUN} --recipe empty.yaml": r'"empty.yaml" is empty; write "stages: \[\]" for the baseline',
    f"{RUN} --recipe deep.yaml": "is nested too deeply",
    f"{RUN} --recipe binary.yaml": '"binary.yaml" cannot be read: its byte 128 is not UTF-8',
    f"{RUN} --recipe model": '"model" cannot be read: Is a directory',
    f"{RUN} --recipe ": "cannot be read: Is a directory",
    f"{RUN} --recipe student-9.yaml": (
        "to have 9 layers, but its teacher has only 2; set layers to 2 or fewer"
    ),
    f"{RUN} --recipe teacher-5.yaml": "names layer 5, but the teacher's 2 layers are 0 to 1",
    f"{RUN} --recipe cut-first.yaml": "to have 2 layers, but its teacher has only 1",
    "run unknown-family --task ok.csv --recipe student.yaml": (
        'distillation do not support the model family "albert", only bert,'
    ),
    "run unknown-family --task ok.csv --recipe ffn.yaml": (
        'pruning and distillation do not support the model family "albert"'
    ),
    "sweep unknown-family --task ok.csv --sparsity 0,.5 --what ffn": (
        'do not support the model family "albert"'
    ),
    "sweep model --task ok.csv --bits four": '--bits must be numbers .* but got "four"',
    "sweep model --task ok.csv --sparsity nan": "sparsity should be less than 1, but got nan",
    "sweep model --task ok.csv --what head": '--what cannot be "head"; did you mean "heads"',
    "frontier model --x nonsense": 'Unknown metric "nonsense": known are: agreement,',
    "frontier model --y qualty": 'Unknown metric "qualty": did you mean "quality"',
    "report model --to report.html": 'no trials of "model" yet',
    "tasks trec --split nonsense --to out.jsonl": (
        'no split "nonsense"; known are: calibration, test, train, validation'
    ),
}


@pytest.mark.parametrize("line", CASES)
def test_one_sentence(line: str, refused: Callable[[str], str]) -> None:
    assert re.search(CASES[line], refused(line))


def test_a_workspace_from_a_newer_version(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr("paretoscope.store.tables.SCHEMA_VERSION", 99)
        Store.open(workspace).close()
    assert main(["jobs"]) == 2
    assert (
        "was written by a newer version of Paretoscope (tables 99, this version reads 1); update"
        " Paretoscope" in capsys.readouterr().err
    )


def test_a_full_disk_is_named_when_sqlite_only_says_that_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "reported: disk I/O error" in tables._sentence("disk I/O error", tmp_path)
    monkeypatch.setattr("paretoscope.store.tables.LEAST_FREE_BYTES", 1 << 60)
    assert f'The disk of the workspace "{tmp_path}" is full' in tables._sentence(
        "disk I/O error", tmp_path
    )
