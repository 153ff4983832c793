"""The metric table: numbers as a person reads them, and a name for each number that a trial
document yields.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoscope.errors import ParetoscopeError
from paretoscope.trials.metrics import METRICS, metric
from tests.documents import document


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("size_bytes", 22_900_000, "22.9 MB"),
        ("size_bytes", 1_234_500_000, "1,234 MB"),
        ("size_bytes", 512, "0.001 MB"),
        ("quality", 0.948, "94.8 %"),
        ("quality", 1.0, "100 %"),
        ("latency_p50_ms", 1.9, "1.90 ms"),
        ("latency_p50_ms", 0.01234, "0.012 ms"),
        ("speedup", 3.94, "3.94 x"),
        ("latency_p50_ms", 0, "0 ms"),
        ("size_bytes", None, "–"),
    ],
)
def test_numbers_read_as_a_person_would_write_them(
    key: str, value: float | None, shown: str
) -> None:
    assert METRICS[key].format(value) == shown


@given(st.sampled_from(sorted(METRICS)), st.floats(0, 1e12))
def test_no_number_is_ever_shown_in_exponents(key: str, value: float) -> None:
    assert "e" not in METRICS[key].number(value)


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(ParetoscopeError, match='did you mean "quality"'):
        metric("qualty")


def test_every_number_of_a_document_has_its_row() -> None:
    yielded = [value.metric for value in document().metrics()]
    assert set(yielded) <= set(METRICS)
    assert len(yielded) == len(set(yielded))
