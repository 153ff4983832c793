from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.measure.worker import energy


def _zone(powercap: Path, folder: str, name: str, microjoules: int, most: int = 1_000_000) -> None:
    zone = powercap / folder
    zone.mkdir(exist_ok=True)
    for file, value in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (zone / file).write_text(f"{value}\n")


def test_only_packages_are_counted_and_a_wrapped_counter_is_put_right(tmp_path: Path) -> None:
    _zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    _zone(tmp_path, "intel-rapl:0:0", "core", 5)
    _zone(tmp_path, "intel-rapl:1", "package-1", 100_000)
    _zone(tmp_path, "intel-rapl:2", "psys", 7)
    before = energy.read_counters(tmp_path)
    assert before == {"intel-rapl:0": 900_000, "intel-rapl:1": 100_000}
    _zone(tmp_path, "intel-rapl:0", "package-0", 200_000)
    _zone(tmp_path, "intel-rapl:1", "package-1", 400_000)
    assert energy.joules_between(before, energy.read_counters(tmp_path), tmp_path) == pytest.approx(
        0.3 + 0.3
    )


def test_without_counters_there_is_nothing_to_count(tmp_path: Path) -> None:
    assert energy.read_counters(tmp_path / "absent") is None
    assert energy.joules_between(None, None) is None


def test_counted_joules_are_shared_by_the_requests() -> None:
    joules, source = energy.per_request(3.0, 60, run_ms=5.0, batch=2, threads=2)
    assert joules == pytest.approx(0.05)
    assert source.startswith("RAPL")


def test_the_estimate_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(energy.WATTS_VARIABLE, "4")
    joules, source = energy.per_request(None, 60, run_ms=5.0, batch=2, threads=2)
    assert joules == pytest.approx(0.005 * 2 * 4 / 2)
    assert source == "estimate: p50 x 2 threads x 4 W per core (PARETOSCOPE_WATTS_PER_CORE)"


@pytest.mark.parametrize("given", ["much", "-1", "0", "nan"])
def test_watts_that_are_no_power_are_refused(given: str) -> None:
    with pytest.raises(ParetoscopeError, match="PARETOSCOPE_WATTS_PER_CORE"):
        energy.watts_per_core({energy.WATTS_VARIABLE: given})


def test_watts_have_a_default() -> None:
    assert energy.watts_per_core({}) == energy.WATTS_PER_CORE
