from __future__ import annotations

from pathlib import Path

import pytest

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
