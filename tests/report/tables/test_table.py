"""Rows: the measurement that counts, changes from the baseline, and the CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.csv_table import to_csv
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials.trial import Interval
from tests.documents import document

BASELINE = document()
INT8 = document(Quantize(), quality=0.955, speedup=2.0, size=23_000_000)


def test_of_two_measurements_the_longer_protocol_counts_then_the_newer() -> None:
    old, new = document(Quantize(), age=5), document(Quantize(), age=1)
    standard = document(Quantize(), protocol="standard", age=9)
    assert rows([new, old])[-1].document is new
    assert rows([standard, new])[-1].document is standard


@pytest.mark.parametrize(
    ("key", "value", "baseline", "text"),
    [
        ("quality", 0.9604, 0.96, "0.0 points"),
        ("quality", 0.97, 0.96, "+1.0 points"),
        ("energy_j", 1.0, 4.0, "4.0x less"),
        ("size_bytes", 50.0, 25.0, "2.0x larger"),
        ("size_bytes", 90.0, 91.0, ""),
        ("kl", 0.2, 0.1, ""),
        ("size_bytes", 90.0, None, ""),
    ],
)
def test_deltas(key: str, value: float, baseline: float | None, text: str) -> None:
    assert delta(key, value, baseline) == text


def test_a_number_comes_with_unit_interval_and_delta() -> None:
    row = Row(INT8)
    assert row.number_and_change("quality") == "95.5 % [94.0, 96.7] (-0.5 points)"
    assert row.number_and_change("size_bytes") == "23.0 MB (4.0x smaller)"
    assert row.number_and_change("energy_j") != "–"
    assert Row(INT8.model_copy(update={"energy": None})).number_and_change("energy_j") == "–"


def test_a_speed_that_may_be_the_baselines_is_no_change_and_a_noisy_one_is_marked() -> None:
    assert INT8.latency
    unclear = INT8.model_copy(
        update={
            "speedup": Interval(value=1.3, low=0.9, high=1.6),
            "latency": INT8.latency.model_copy(update={"noisy": True}),
        }
    )
    assert Row(INT8).number_and_change("latency_p50_ms").endswith("] (2.0x faster)")
    assert Row(unclear).number_and_change("latency_p50_ms").endswith("], noisy")
    assert Row(unclear).change("latency_p50_ms") == ""
    assert Row(unclear).change("size_bytes") == "4.0x smaller"
    assert Row(unclear).number_and_change("size_bytes") == "23.0 MB (4.0x smaller)"


def test_the_baseline_is_compared_with_nothing() -> None:
    assert Row(BASELINE).number_and_change("size_bytes") == "91.0 MB"


def test_the_csv_can_be_read_back() -> None:
    table = rows([BASELINE, INT8, document(PruneWeights(sparsity=0.5))])
    found = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(found) == 3
    int8 = found[1]
    assert float(int8["quality"]) == 0.955
    assert float(int8["quality_low"]) == pytest.approx(0.94)
    assert (int8["strategy"], int8["batch"], int8["mcnemar_p"]) == ("quantization", "1", "0.077")
    assert parse_recipe(json.loads(int8["recipe"])) == INT8.recipe


def test_a_trial_brings_its_baseline_along() -> None:
    table = rows([INT8])
    assert [row.name for row in table] == ["fp32 baseline", "int8 dynamic"]
    assert table[0].point.value("quality") == 0.96
    assert table[0].document.notes == ("Measured in turns with int8 dynamic.",)
    assert [row.id for row in rows([BASELINE, INT8])] == [BASELINE.trial_id, INT8.trial_id]
