"""Savings with their ends, battery, break-even and the tornado, by hand."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from paretoscope.impact import per_year
from paretoscope.impact.assumptions import Assumptions, from_tables
from paretoscope.impact.ends import Ends
from paretoscope.impact.figures import Figures, RequestCost
from paretoscope.impact.saving import impact
from paretoscope.impact.tornado import SPEED_UP, tornado
from paretoscope.impact.wording import answer, button
from paretoscope.recipes.stages import Quantize
from paretoscope.report.tables.table import Row
from tests.documents import document

BUSY = Assumptions(
    requests_per_day=864_000, utilization=0.5, vcpus=2, usd_per_hour=0.1, g_per_kwh=500, pue=1.0
)
"""10 requests a second; one busy vCPU on each instance."""
FOUND = Figures(
    baseline=RequestCost(Ends.exact(0.4), 1, 10),
    model=RequestCost(Ends(0.2, 0.15, 0.25), 1, 10),
    energy_source="estimate: time x power",
    making_seconds=3600,
    cores=2,
)


def test_savings_and_their_ends() -> None:
    made = impact(FOUND, BUSY)
    assert (made.baseline.instances, made.model.instances) == (4, 2)
    assert made.saved("usd").value == pytest.approx(2 * 876)
    assert made.saved("usd").low == pytest.approx(876)  # 0.25 s: 3 instances
    kwh = 864_000 * 365 / 3.6e6
    saved = made.saved("kwh")
    assert (saved.value, saved.low, saved.high) == pytest.approx((2 * kwh, 1.5 * kwh, 2.5 * kwh))
    assert made.saved("kg").value == pytest.approx(kwh)


def test_battery() -> None:
    at = replace(BUSY, battery_wh=10, device_requests=900)
    battery = impact(FOUND, at).battery(FOUND.model)
    assert battery.requests.value == pytest.approx(18_000)  # 36,000 J / 2 J
    assert (battery.requests.low, battery.requests.high) == pytest.approx((14_400, 24_000))
    assert battery.share_of_day.value == pytest.approx(0.05)


def test_break_even() -> None:
    made = impact(FOUND, BUSY)
    money = made.break_even("usd")
    assert money.own == pytest.approx(0.1)  # 2 core hours on 2 vCPUs
    assert money.days
    assert money.days.value == pytest.approx(0.1 * 365 / 1752)
    assert money.days.high == pytest.approx(0.1 * 365 / 876)
    assert money.requests == pytest.approx(money.days.value * 864_000)
    assert made.break_even("kwh").own == pytest.approx(0.02)  # 2 h x 10 W
    assert made.making("kg") == pytest.approx(0.01)
    assert made.making("hours") == 2


def test_nothing_saved_is_never_repaid() -> None:
    quiet = impact(FOUND, replace(BUSY, requests_per_day=1000))
    assert quiet.break_even("usd").days is None
    doubtful = replace(FOUND, model=RequestCost(Ends(0.3, 0.2, 0.5), 1, 10))
    days = impact(doubtful, BUSY).break_even("kwh").days
    assert days
    assert days.high == float("inf")


def test_answers_name_what_is_small() -> None:
    quiet = impact(FOUND, replace(BUSY, requests_per_day=1000))
    assert "both fit on one instance" in answer(quiet)
    assert "only" in answer(quiet)
    assert "same cost" in button(quiet)
    noise = impact(replace(FOUND, within_noise=True), BUSY)
    assert "noise" in answer(noise)
    assert "$" not in answer(noise)


def test_a_slower_model_is_not_called_a_saving() -> None:
    slower = replace(FOUND, model=RequestCost(Ends(0.9, 0.8, 1.0), 1, 10))
    made = impact(slower, BUSY)
    assert "costs more" in answer(made)
    assert "pays back" not in answer(made)
    assert button(made).startswith("needs 4,380 $")


def test_the_tornado_starts_with_the_longest_bar() -> None:
    bars = tornado(FOUND, BUSY, "kwh")
    assert [bar.length for bar in bars] == sorted((bar.length for bar in bars), reverse=True)
    by_label = {bar.label: bar for bar in bars}
    saved = impact(FOUND, BUSY).saved("kwh")
    assert (by_label[SPEED_UP].at_low, by_label[SPEED_UP].at_high) == (saved.low, saved.high)
    assert by_label["Power"].at_high == pytest.approx(2 * saved.value)
    assert "Instance price" not in by_label  # it does not change energy
    assert "Instance price" in {bar.label for bar in tornado(FOUND, BUSY, "usd")}


def test_a_range_includes_the_value_itself() -> None:
    at = replace(BUSY, g_per_kwh=900)
    bar = next(bar for bar in tornado(FOUND, at, "kg") if bar.label == "Grid carbon")
    assert bar.at_high == pytest.approx(impact(FOUND, at).saved("kg").value)


def test_the_line_for_a_card_comes_at_once() -> None:
    row = Row(document(Quantize(), speedup=2.0))
    per_year(row)
    start = time.perf_counter()
    found = per_year(row)
    assert time.perf_counter() - start < 0.05
    # 8 and 4 ms at 30 W, a million requests a day, on the first instance of the tables
    assert found.kwh.value == pytest.approx(365e6 * 0.12 / 3.6e6 * from_tables().pue)
    assert found.words.endswith("at the same cost")
