"""The report: one file that opens anywhere, at the answer, and states how it was measured."""

from __future__ import annotations

import html
import re
from pathlib import Path

import plotly
import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.chapter import chapters
from paretoscope.report.chapter_html import MOST_CHAINS
from paretoscope.report.html import (
    ASSETS,
    METHOD,
    MOST_BYTES,
    NOTHING_MEASURED,
    PLOTLY,
    report_html,
    write_report,
)
from paretoscope.report.plain_answer import KEEP, sentence
from paretoscope.report.points_data import decoded
from tests.documents import MACHINE, document

INT8 = document(Quantize(), quality=0.955)
SPARSE = document(PruneWeights(sparsity=0.5))
DOCUMENTS = [document(), INT8, SPARSE]


def _body(content: str) -> str:
    """The page without its scripts and data."""
    return re.sub(r"<script.*?</script>", "", content.split("</head>")[1], flags=re.DOTALL)


def _answers(content: str) -> list[str]:
    return re.findall(r'<p class="answer">(.*?)</p>', content)


def test_it_is_one_file_that_asks_for_nothing_else(tmp_path: Path) -> None:
    path = write_report(DOCUMENTS, tmp_path / "new" / "report.html")
    content = path.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)\s*=\s*["\']?(https?:|//)', _body(content))
    assert "default-src 'none'" in content
    assert content.count("plotly.js (basic - minified)") == 1
    assert [path.name for path in path.parent.iterdir()] == ["report.html"]


def test_plotly_is_the_version_of_the_installed_package() -> None:
    def version(path: Path) -> str:
        found = re.search(r"plotly\.js[^\n]* v([\d.]+)", path.read_text(encoding="utf-8")[:2000])
        assert found
        return found[1]

    package = Path(str(plotly.__file__)).parent / "package_data" / "plotly.min.js"
    assert version(PLOTLY) == version(package)
    assert "MIT License" in (ASSETS / "plotly-basic.LICENSE").read_text(encoding="utf-8")


def test_it_opens_at_the_answer_and_states_machine_conditions_and_method() -> None:
    content = report_html(DOCUMENTS)
    (chapter,) = chapters(DOCUMENTS)
    best = chapter.best
    assert best is not None
    assert _answers(content) == [html.escape(chapter.answer)]
    body = _body(content)
    assert body.index('class="answer"') < body.index('class="cards"') < body.index('class="front"')
    for part in (
        "Question classifier",
        "minilm-trec on trec",
        "Test CPU, 2 cores, VNNI",
        "batch 1, 32 tokens, 2 threads",
        "ONNX Runtime 1.31.1",
        "Measured: all 3 points",
        "Estimate, not measured: energy",
        "at most 2 points lost",
        *(html.escape(line) for line in METHOD),
    ):
        assert part in body, part


def test_the_answer_is_that_of_the_shared_model() -> None:
    (chapter,) = chapters(DOCUMENTS, [SPARSE.trial_id])
    assert chapter.best is not None
    assert chapter.best.id == INT8.trial_id
    assert _answers(report_html(DOCUMENTS, [SPARSE.trial_id])) == [
        sentence(chapter.by_id[SPARSE.trial_id])
    ]
    assert [card.row.id for card in chapter.cards] == [SPARSE.trial_id, INT8.trial_id]
    data = decoded(_data(report_html(DOCUMENTS, [SPARSE.trial_id])))["chapters"][0]
    assert [data["ids"][at] for at in data["picked"]] == [SPARSE.trial_id]


def _data(content: str) -> str:
    (found,) = re.findall(r'id="data">(.*?)</script>', content)
    return found


def test_only_the_original_is_kept() -> None:
    assert _answers(report_html([document()])) == [KEEP]


def test_a_recipe_that_was_measured_twice_is_picked_under_its_shown_trial() -> None:
    again = document(Quantize(), quality=0.956, protocol="standard")
    (chapter,) = chapters([document(), INT8, again], [INT8.trial_id])
    assert chapter.picked == (again.trial_id,)


def test_chains_are_shown_after_each_stage() -> None:
    sparse = PruneWeights(sparsity=0.5), Quantize()
    chain = document(*sparse, quality=0.955, size=10_000_000, speedup=3.0)
    body = _body(report_html([*DOCUMENTS, chain]))
    (table,) = re.findall(r"<caption>.*?</table>", body, flags=re.DOTALL)
    assert table.count("<tr>") == 1 + 3
    assert "not measured" not in table
    dominated = document(*sparse, quality=0.9, size=95_000_000, speedup=0.5)
    assert "<caption>" not in _body(report_html([*DOCUMENTS, dominated]))
    unfinished = document(Distill(layers=3), Quantize(), quality=0.958, size=9_000_000)
    assert "not measured" in _body(report_html([*DOCUMENTS, unfinished]))


def test_many_chains_are_cut_with_their_number() -> None:
    chains = [
        document(
            PruneWeights(sparsity=0.1 + at / 100),
            Quantize(),
            quality=0.9 + at / 1000,
            size=10_000_000 + at * 1_000_000,
        )
        for at in range(20)
    ]
    body = _body(report_html([document(), *chains]))
    assert body.count("<caption>") == MOST_CHAINS
    assert re.search(rf"{MOST_CHAINS} of \d+ chains", body)


def test_machines_and_models_get_chapters_of_their_own() -> None:
    elsewhere = document(
        Quantize(), machine=MACHINE.model_copy(update={"id": "beef0123beef", "cpu": "Other CPU"})
    )
    content = report_html([*DOCUMENTS, elsewhere, document(model="minilm-movies", task="movies")])
    assert len(_answers(content)) == content.count('class="chapter"') == 3
    assert len(decoded(_data(content))["chapters"]) == 3
    assert "Other CPU" in _body(content)


def test_names_are_text_not_markup() -> None:
    name = "</script><img src=x onerror=alert(1)>"
    content = report_html([document(model=name), document(Quantize(), model=name, task=name)])
    assert "<img" not in content.split("</head>")[1].split("<script>")[0]
    assert "<img src=x" not in _data(content)
    assert html.escape(name.rpartition("/")[2]) in _body(content)


def test_five_thousand_points_stay_below_two_megabytes() -> None:
    documents = [
        document(
            PruneWeights(sparsity=0.1 + at / 10_000),
            quality=0.9 + (at * 37 % 600) / 10_000,
            size=20_000_000 + at * 7919 % 70_000_000,
            speedup=1 + at * 104_729 % 5000 / 1000,
        )
        for at in range(5000)
    ]
    assert len(report_html(documents).encode()) <= MOST_BYTES


def test_nothing_measured_is_said() -> None:
    with pytest.raises(ParetoscopeError, match=re.escape(NOTHING_MEASURED)):
        report_html([])


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ParetoscopeError, match="cannot be written"):
        write_report(DOCUMENTS, tmp_path / "file" / "report.html")
