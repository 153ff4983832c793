"""docs/adding-a-metric.md works as written: its row reaches table, CSV, point and database."""

from __future__ import annotations

import csv
import io
import re

import pytest

from paretoscope.frontier.points import point
from paretoscope.recipes.stages import Quantize
from paretoscope.report.tables.csv_table import to_csv
from paretoscope.report.tables.table import present_metrics, rows
from paretoscope.store.rows import measurement_rows
from paretoscope.trials.metrics import METRICS, Metric
from paretoscope.workspace import PROJECT
from tests.documents import document

DOCUMENT = PROJECT / "docs" / "adding-a-metric.md"
KEY = "compression_ratio"


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Metric:
    """The row of the document, added to the metric table."""
    (code,) = re.findall(
        r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    metric = eval(code, {"Metric": Metric})
    assert isinstance(metric, Metric)
    monkeypatch.setitem(METRICS, metric.key, metric)
    return metric


def test_the_row_reaches_table_csv_and_database(row: Metric) -> None:
    trial = document(Quantize(), size=22_750_000)
    table = rows([document(), trial])
    assert row.key == KEY
    assert row in present_metrics(table)
    assert [each.number(KEY) for each in table] == ["–", "4.00 x"]
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [line[KEY] for line in lines] == ["", "4.0"]
    stored = {
        each.metric: each.value for each in measurement_rows(trial) if each.role == "candidate"
    }
    assert stored[KEY] == pytest.approx(4.0)
    found = point(trial).values[KEY]
    assert found is not None
    assert found.value == pytest.approx(4.0)


def test_without_the_row_there_is_no_such_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(METRICS, KEY, raising=False)
    assert KEY not in {each.key for each in present_metrics(rows([document(Quantize())]))}


def test_the_document_is_short() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 26
