"""Models side by side: cells, bars from zero, intervals on an axis, and the HTML table."""

from __future__ import annotations

import re

from paretoscope.recipes.stages import Quantize
from paretoscope.report.side_by_side_html import NOT_MEASURED, side_by_side_html
from paretoscope.report.tables.side_by_side import side_by_side
from paretoscope.report.tables.table import rows
from paretoscope.trials.trial import Energy
from tests.documents import document

INT4 = document(Quantize(scheme="weight-only", bits=4), quality=0.90, size=18_200_000)
TABLE = rows([document(), document(Quantize(), quality=0.955), INT4])
LINES = {line.key: line for line in side_by_side(TABLE, {})}


def test_bars_begin_at_zero_and_the_largest_fills_the_axis() -> None:
    cells = LINES["size_bytes"].cells
    assert [cell.start for cell in cells] == [0, 0, 0]
    assert [round(cell.end, 3) for cell in cells] == [1.0, 0.253, 0.2]
    assert [cell.middle for cell in cells] == [None] * 3


def test_quality_is_an_interval_on_an_axis_that_is_stated() -> None:
    line = LINES["quality"]
    for cell, row in zip(line.cells, TABLE, strict=True):
        assert cell.middle is not None
        assert 0 < cell.start < cell.middle < cell.end < 1
        assert f"{cell.value} {cell.interval}" == row.number("quality")
    assert "axis 87.8 % to 97.9 %" in line.note


def test_changes_are_against_the_baseline_and_best_is_marked_once() -> None:
    assert [cell.change for cell in LINES["size_bytes"].cells] == [
        "",
        "4.0x smaller",
        "5.0x smaller",
    ]
    assert [cell.best for cell in LINES["size_bytes"].cells] == [False, False, True]
    assert not any(cell.best for cell in LINES["latency_p50_ms"].cells), "both are 2x faster"


def test_the_source_of_energy_is_stated_without_how_to_change_it() -> None:
    assert LINES["energy_j"].note.endswith("estimate: time x 15 W a core")
    source = Energy(joules_per_request=1, source="estimate: 15 W (WATTS)")
    other = INT4.model_copy(update={"energy": source})
    (line,) = [each for each in side_by_side(rows([other]), {}) if each.key == "energy_j"]
    assert line.note.endswith("estimate: 15 W")
    assert "WATTS" not in line.note


def test_metrics_that_nobody_has_are_left_out_and_others_say_so() -> None:
    assert "perplexity" not in LINES
    assert INT4.memory
    bare = rows([document(), INT4.model_copy(update={"memory": None})])
    lines = side_by_side(bare, {})
    assert side_by_side_html(lines, bare).count(NOT_MEASURED) == 1


def test_the_table_has_headers_for_screen_readers_and_escapes_names() -> None:
    named = TABLE[1].document.recipe.model_copy(update={"name": 'A & "B"'})
    table = [TABLE[0], *rows([TABLE[1].document.model_copy(update={"recipe": named})])[1:]]
    text = side_by_side_html(side_by_side(table, {}), table, dark=True)
    assert text.count('scope="col"') == len(table) == 2
    assert text.count('scope="row"') == len(side_by_side(table, {}))
    assert "A &amp; &quot;B&quot;" in text
    assert "<script" not in text
    assert re.search(r"@media\(max-width:640px\)", text)
