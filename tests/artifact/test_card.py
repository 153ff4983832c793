"""A model card says what the document holds, in the form that the hub reads."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, Namespace
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from paretoscope.artifact.card import model_card
from paretoscope.artifact.operators import OperatorRow, OperatorTable
from paretoscope.cli.options import add_commands
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.trials.trial import TrialDocument
from tests.documents import document

STUDENT = document(Distill(layers=3), Quantize(), quality=0.948, speedup=3.9, size=17_200_000)


def front_matter(card: str) -> dict[str, Any]:
    found = re.match(r"---\n(.*?)---\n\n# ", card, re.DOTALL)
    assert found, card[:200]
    return yaml.safe_load(found[1])


def test_front_matter_is_what_the_hub_reads() -> None:
    matter = front_matter(model_card(STUDENT, licence="Apache-2.0"))
    assert matter["license"] == "apache-2.0"
    assert matter["pipeline_tag"] == "text-classification"
    assert matter["tags"][-2:] == ["distillation", "quantization"]
    (result,) = matter["model-index"][0]["results"]
    assert result["metrics"][:2] == [
        {"type": "accuracy", "name": "Accuracy: 94.8 % [93.3, 96.0]", "value": 0.948},
        {"type": "size_bytes", "name": "Size on disk: 17.2 MB", "value": 17_200_000},
    ]
    latency = result["metrics"][2]
    assert latency["type"] == "latency_p50_ms"
    assert latency["name"].endswith("batch 1, 32 tokens, 2 threads, Test CPU, 2 cores, VNNI")
    assert STUDENT.latency
    noisy = STUDENT.latency.model_copy(update={"noisy": True})
    matter = front_matter(model_card(STUDENT.model_copy(update={"latency": noisy})))
    names = [each["name"] for each in matter["model-index"][0]["results"][0]["metrics"]]
    assert [name.endswith("noisy session") for name in names] == [False, False, True, True]
    assert result["dataset"] == {"name": "trec", "type": "trec", "split": "validation"}


def test_the_hub_client_reads_card_and_model_index() -> None:
    card = model_card(STUDENT, licence="Apache-2.0", base_model="org/base")
    read: Any = ModelCard(card).data
    assert (read.base_model, read.library_name, read.license) == ("org/base", "onnx", "apache-2.0")
    assert read.to_dict()["base_model_relation"] == "quantized"
    assert read.eval_results
    found = {each.metric_type: each.metric_value for each in read.eval_results}
    assert found["accuracy"] == 0.948
    assert found["speedup"] == 3.9
    assert {each.dataset_split for each in read.eval_results} == {"validation"}


def test_the_card_has_the_table_of_operators() -> None:
    row = OperatorRow("MatMulNBits", "com.microsoft", "4-bit", 24, 6_137_856, 0.5)
    rest = OperatorRow("Gelu", "com.microsoft", "", 6, 0, 0.0)
    table = OperatorTable((row, rest), 30, 12_275_712, {"ai.onnx": 20})
    card = model_card(STUDENT, operators=table)
    assert "| MatMulNBits | 24 | 4-bit | 6,137,856 | 50.0 % |" in card
    assert "| Gelu |" not in card
    assert "30 operators, 12.3 MB of weights; 6 operators have none. Opset: ai.onnx 20." in card
    assert "## Operators" not in model_card(STUDENT)


def test_figures_stand_beside_the_baseline_with_interval_conditions_and_machine() -> None:
    card = model_card(STUDENT)
    assert "| Accuracy | 94.8 % [93.3, 96.0] | 96.0 % | -1.2 points |" in card
    assert "| Size on disk | 17.2 MB | 91.0 MB | 5.3x smaller |" in card
    assert re.search(r"\| Latency p50 \| 2\.05 ms \[.*\] \| 8\.00 ms \| 3\.9x faster \|", card)
    for said in (
        "538 examples of the validation split",
        "McNemar p = .08",
        "batch 1, 32 tokens, 2 threads",
        "Test CPU, 2 cores, VNNI",
        "01 Mar 2026",
    ):
        assert said in card


def test_a_quantile_that_the_uncompressed_model_lacks_is_explained() -> None:
    assert STUDENT.latency
    assert STUDENT.baseline
    more = STUDENT.latency.model_copy(update={"p95_ms": 2.4, "p99_ms": 2.9})
    fewer = STUDENT.baseline.latency.model_copy(update={"n": 57})
    card = model_card(
        STUDENT.model_copy(
            update={
                "latency": more,
                "baseline": STUDENT.baseline.model_copy(update={"latency": fewer}),
            }
        )
    )
    assert "| Latency p95 | 2.40 ms | – | – |" in card
    assert (
        "The 57 requests of the uncompressed model in the same time are too few for an interval of"
        " its p95 and p99." in card
    )
    both = fewer.model_copy(update={"n": 90, "p95_ms": 9.6})
    card = model_card(
        STUDENT.model_copy(
            update={
                "latency": more,
                "baseline": STUDENT.baseline.model_copy(update={"latency": both}),
            }
        )
    )
    assert "| Latency p95 | 2.40 ms | 9.60 ms | 4.0x faster |" in card
    assert "too few for an interval of its p99." in card
    assert "too few" not in model_card(STUDENT)


def test_notes_are_sentences_and_what_holds_for_all_stands_in_the_conditions() -> None:
    noted = STUDENT.model_copy(
        update={
            "notes": (
                "2 threads share 1 cores",
                "the warm-up of 1 of 6 turns did not settle within 2 %",
            )
        }
    )
    card = model_card(noted)
    assert (
        "2 threads share 1 cores. The warm-up of 1 of 6 turns did not settle within 2 %.\n" in card
    )
    assert "spinning idle threads" in card


def test_the_recipe_is_in_words_and_can_be_read_back() -> None:
    card = model_card(STUDENT)
    assert "1. Distil a student: student-3\n2. Quantize: int8 dynamic" in card
    (block,) = re.findall(r"```yaml\n(.*?)```", card, re.DOTALL)
    assert parse_recipe(yaml.safe_load(block)) == STUDENT.recipe
    assert "paretoscope run minilm-trec --recipe recipe.yaml --task trec --protocol quick" in card
    assert 'python run.py "some text"' in card


def test_where_it_comes_from_and_its_licence() -> None:
    card = model_card(STUDENT, base="MiniLM, 6 layers", source="a package", licence="MIT")
    assert "**minilm-trec** (MiniLM, 6 layers; a package)" in card
    assert "The licence of the base model (MIT) applies" in card
    unknown = model_card(STUDENT)
    assert "The licence of the base model applies" in unknown
    assert "license" not in front_matter(unknown)


def test_paths_of_a_person_do_not_leave_the_machine() -> None:
    card = model_card(
        document(
            Quantize(), model="/home/someone/secret/my-model", task="/home/someone/data/mine.csv"
        )
    )
    assert "/home" not in card
    assert "# my-model: int8 dynamic" in card
    assert "--task mine.csv" in card
    assert (
        front_matter(model_card(document(Quantize(), model="org/name@v1")))["base_model"]
        == "org/name"
    )


def test_warnings_precede_the_measurements() -> None:
    card = model_card(STUDENT.model_copy(update={"notes": ("Warning: the order is a guess.",)}))
    (line,) = [line for line in card.splitlines() if "the order is a guess" in line.lower()]
    assert line == "> **Warning:** The order is a guess."
    assert card.index(line) < card.index("## Measurements")


def parsed(line: str) -> Namespace:
    """The options of a printed command, as the command line reads them."""
    parsers: dict[str, ArgumentParser] = {}
    add_commands(lambda name, _: parsers.setdefault(name, ArgumentParser()))
    _, name, *words = shlex.split(line)
    return parsers[name].parse_args(words)


def test_the_command_has_the_options_and_conditions_that_are_not_the_default() -> None:
    assert STUDENT.latency
    options = {
        "text_column": "the text",
        "labels": ["it's", "a, b", " c"],
        "group_column": "-g",
        "max_length": 64,
        "drop_missing": True,
        "unlabelled": "/home/someone/more texts.txt",
    }
    changed = STUDENT.model_copy(
        update={
            "model": "/home/someone/my model",
            "task": "/home/someone/it's.csv",
            "data_options": options,
            "latency": STUDENT.latency.model_copy(update={"batch": 8}),
        }
    )
    card = model_card(changed)
    assert "/home" not in card
    (run,) = [line for line in card.splitlines() if line.startswith("paretoscope run")]
    request = parsed(run)
    assert (request.model, request.task) == ("./my model", "it's.csv")
    assert request.labels == options["labels"]
    assert request.unlabelled == "more texts.txt"
    for name in ("text_column", "group_column", "max_length", "drop_missing"):
        assert getattr(request, name) == options[name]
    assert (request.batch, request.sequence, request.threads) == (8, 32, 2)
    (split,) = [line for line in card.splitlines() if line.startswith("paretoscope tasks")]
    request = parsed(split)
    assert (request.task, request.split, request.to) == ("it's.csv", "validation", "examples.jsonl")
    assert request.labels == options["labels"]
    assert "--labels" not in model_card(STUDENT)
    assert "--batch" not in model_card(STUDENT)


def test_the_baseline_has_a_card_too() -> None:
    card = model_card(document())
    assert "exported without compression" in card
    assert "| Accuracy | 96.0 % [94.5, 97.2] | 96.0 % | – |" in card


@pytest.mark.parametrize(
    "gone",
    [
        "quality",
        "latency",
        "paired",
        "machine",
        "energy",
        "memory",
        "artifact",
        "baseline",
        "speedup",
        "measured_at",
    ],
)
def test_what_is_missing_is_left_out(gone: str) -> None:
    card = model_card(STUDENT.model_copy(update={gone: None}))
    assert "None" not in card
    assert front_matter(card)["library_name"] == "onnx"


def test_a_document_with_nothing_measured_says_so() -> None:
    empty = TrialDocument(
        trial_id="a",
        recipe_id="b",
        model="m",
        task="t",
        status="queued",
        recipe=STUDENT.recipe,
        protocol="quick",
    )
    assert "Nothing was measured." in model_card(empty)
