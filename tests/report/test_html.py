"""The report: one file that opens anywhere and says what was measured, where and how."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.html import METHOD, NOTHING_MEASURED, report_html, write_report
from tests.documents import MACHINE, document

DOCUMENTS = [document(), document(Quantize(), quality=0.955), document(PruneWeights(sparsity=0.5))]


def test_it_is_one_file_that_asks_for_nothing_else(tmp_path: Path) -> None:
    path = write_report(DOCUMENTS, tmp_path / "new" / "report.html")
    content = path.read_text(encoding="utf-8")
    body = re.sub(r"<script.*?</script>", "", content, flags=re.DOTALL)
    assert not re.search(r'(src|href)\s*=\s*["\']?https?:', body)
    assert content.count("plotly.js v") == 1
    assert len(re.findall(r"Plotly\.newPlot\(", content.split("</head>")[1])) == 2
    assert [path.name for path in path.parent.iterdir()] == ["report.html"]


def test_it_says_machine_conditions_method_and_every_model() -> None:
    body = report_html(DOCUMENTS).split("</head>")[1]
    for part in (
        "Test CPU, 2 cores, VNNI",
        "batch 1, 32 tokens, 2 threads",
        "ONNX Runtime 1.31.1",
        *(html.escape(line) for line in METHOD),
        *(html.escape(each.recipe.in_words()) for each in DOCUMENTS),
    ):
        assert part in body
    assert "95.5 % [94.0, 96.7] (-0.5 points)" in body.replace("\u00a0", " ")
    assert '<p class="answer">' in body


def test_chains_on_the_front_are_told_stage_by_stage() -> None:
    sparse = PruneWeights(sparsity=0.5), Quantize()
    chain = document(*sparse, quality=0.955, size=10_000_000, speedup=3.0)
    body = report_html([*DOCUMENTS, chain]).split("</head>")[1]
    assert body.count("<h3>") == 1
    assert html.escape(chain.recipe.in_words()) in body
    assert body.count("Plotly.newPlot(") == 3
    dominated = report_html(
        [*DOCUMENTS, document(*sparse, quality=0.9, size=95_000_000, speedup=0.5)]
    ).split("</head>")[1]
    assert "<h3>" not in dominated


def test_machines_and_models_get_chapters_of_their_own() -> None:
    elsewhere = document(
        Quantize(), machine=MACHINE.model_copy(update={"id": "beef0123beef", "cpu": "Other CPU"})
    )
    body = report_html(
        [*DOCUMENTS, elsewhere, document(model="minilm-movies", task="movies")]
    ).split("</head>")[1]
    assert body.count("<h1>") == 3
    assert "Other CPU" in body


def test_names_are_text_not_markup() -> None:
    body = report_html([document(model="<script>x</script>")]).split("</head>")[1]
    assert "<script>x" not in body


def test_nothing_measured_is_said() -> None:
    with pytest.raises(ParetoscopeError, match=re.escape(NOTHING_MEASURED)):
        report_html([])


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ParetoscopeError, match="cannot be written"):
        write_report(DOCUMENTS, tmp_path / "file" / "report.html")
