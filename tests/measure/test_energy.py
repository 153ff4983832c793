"""Joules of a request, from counters or from the configured power of a core."""

from __future__ import annotations

import pytest

from paretoscope.measure import energy


def test_counted_joules_are_divided_by_the_requests() -> None:
    joules, source = energy.per_request(3.0, 60, run_ms=5.0, batch=2, threads=2)
    assert joules == pytest.approx(0.05)
    assert source == energy.RAPL


def test_the_estimate_names_its_assumption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOSCOPE_WATTS_PER_CORE", "4")
    joules, source = energy.per_request(None, 60, run_ms=5.0, batch=2, threads=2)
    assert joules == pytest.approx(0.005 * 2 * 4 / 2)
    assert source == "estimate: p50 x 2 threads x 4 W per core (PARETOSCOPE_WATTS_PER_CORE)"
