"""The script of an artefact: what it prints, and one sentence with status 2 for a file that it
cannot score.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from paretoscope.artifact.pack import pack
from paretoscope.recipes.recipe import Recipe
from tests.measure.classifiers import VOCABULARY, write_classifier

LABELS: tuple[str, ...] = ("good", "bad", "ugly")
WORDS = "what a film it was".split()


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_classifier(tmp_path_factory.mktemp("made") / "model")
    (made / "config.json").write_text(
        json.dumps({"vocab_size": VOCABULARY, "id2label": dict(enumerate(LABELS))})
    )
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="what")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(made / "tokenizer.json"))
    folder = made.parent / "artefact"
    pack(
        made,
        folder,
        Recipe(),
        lambda _: "# card",
        {"conditions": {"threads": 1, "batch": 1, "sequence": 8}, "max_length": 64},
    )
    return folder


def test_texts_are_truncated_on_the_side_of_the_tokenizer(artefact: Path, tmp_path: Path) -> None:
    """run.py adds nothing to tokenizer.json, which has length and side of the measurement."""
    made = tmp_path / "made"
    shutil.copytree(artefact, made)
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    tokenizer.enable_truncation(100, direction="left")
    tokenizer.save(str(made / "tokenizer.json"))
    facts = {"conditions": {"threads": 1, "batch": 1, "sequence": 8}, "max_length": 2}
    pack(made, tmp_path / "left", Recipe(), lambda _: "# card", facts)
    whole, end = (run(tmp_path / "left", text).stdout for text in (" ".join(WORDS), "it was"))
    assert whole == end
    assert json.loads((tmp_path / "left" / "tokenizer.json").read_text())["truncation"] == {
        "direction": "Left",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }


def run(artefact: Path, *given: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(artefact / "run.py"), *given],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_dash_reads_a_text_a_line_from_standard_input(artefact: Path) -> None:
    said = run(artefact, "what a film", "it was")
    assert [line.split()[0] in LABELS for line in said.stdout.splitlines()] == [True, True]
    assert run(artefact, "-", typed="what a film\n\nit was\n").stdout == said.stdout


def scored(artefact: Path, path: Path, labels: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The evaluation of each word with the label that the model's answer is replaced by."""
    answers = [line.split()[0] for line in run(artefact, *WORDS).stdout.splitlines()]
    lines = [
        json.dumps({"text": word, "label": labels[answer]})
        for word, answer in zip(WORDS, answers, strict=True)
    ]
    path.write_text("\n".join([*lines, ""]))
    return run(artefact, "--evaluate", str(path))


@pytest.mark.parametrize(
    "labels",
    [LABELS, ("GOOD", "Bad", "ugly "), (0, 1, 2), ("0", "1", "2"), (0.0, 1.0, 2.0)],
    ids=str,
)
def test_examples_are_scored_with_labels_as_the_product_reads_them(
    artefact: Path, tmp_path: Path, labels: tuple[Any, ...]
) -> None:
    given = dict(zip(LABELS, labels, strict=True))
    done = scored(artefact, tmp_path / "examples.jsonl", given)
    assert done.stdout == "accuracy 1.0000 on 5 examples\n"


def test_wrong_answers_count(artefact: Path, tmp_path: Path) -> None:
    turned = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    done = scored(artefact, tmp_path / "examples.jsonl", turned)
    assert done.stdout == "accuracy 0.0000 on 5 examples\n"


def test_labels_that_are_no_output_are_refused(artefact: Path, tmp_path: Path) -> None:
    done = scored(artefact, tmp_path / "examples.jsonl", dict.fromkeys(LABELS, "none"))
    assert done.returncode == 2
    assert 'The label "none" is not an output of the model' in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "cannot be read: it is not UTF-8."),
        (b"", "has no examples."),
        (
            b'{"text": "a film", "label": "good"}\nno json',
            'Line 2 of "{path}" is not {{"text": ..., "label": ...}}.',
        ),
        (b'{"text": "a film"}', "Line 1 of"),
        (b'{"text": 3, "label": "good"}', "Line 1 of"),
        (b'{"text": "a film", "label": null}', "Line 1 of"),
        (b'{"text": "a film", "label": NaN}', "Line 1 of"),
        (b"[1]", "Line 1 of"),
    ],
)
def test_a_file_that_cannot_be_scored_is_one_sentence(
    artefact: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "examples.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = run(artefact, "--evaluate", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]  # the runtime may have said something of its own before
    assert last.startswith("run.py: ")
    assert words.format(path=path) in last


def test_evaluate_needs_a_file(artefact: Path) -> None:
    assert run(artefact, "--evaluate").stderr.endswith(
        "run.py: --evaluate takes one file of examples.\n"
    )
