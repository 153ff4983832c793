"""A year by hand: instances, hours, cost, energy and carbon, and what changes them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoscope.errors import ParetoscopeError
from paretoscope.impact.assumptions import Assumptions
from paretoscope.impact.yearly import HOURS, Yearly, yearly

ROUND = Assumptions(
    requests_per_day=864_000,  # 10 a second
    peak_factor=3,
    utilization=0.5,
    vcpus=4,
    usd_per_hour=0.2,
    g_per_kwh=500,
    pue=1.2,
)


def year(at: Assumptions, seconds: float = 0.1, threads: int = 2, watts: float = 10) -> Yearly:
    return yearly(seconds, threads, watts, at)


def test_a_year_on_whole_instances() -> None:
    found = year(ROUND)
    # 10 requests a second x 3 x 0.1 s x 2 threads = 6 vCPUs; 2 of each instance may be busy
    assert found.instances == 3
    assert found.hours == pytest.approx(864_000 * 365 * 0.2 / 3600)
    assert found.usd == pytest.approx(3 * 8760 * 0.2)
    # 1 J a request
    assert found.kwh == pytest.approx(864_000 * 365 * 1.0 / 3.6e6 * 1.2)
    assert found.kg == pytest.approx(found.kwh * 0.5)
    assert found.per_million("kwh", ROUND) == pytest.approx(1e6 / 3.6e6 * 1.2)


def test_only_busy_time_is_billed_on_a_shared_cluster() -> None:
    found = year(replace(ROUND, billing="time"))
    assert found.paid_hours == pytest.approx(found.hours / 2)
    assert found.usd == pytest.approx(found.hours / 2 * 0.2)


def test_the_providers_watts_count_idle_time_too() -> None:
    at = replace(ROUND, energy="provider", idle_w_per_vcpu=1, busy_w_per_vcpu=3)
    found = year(at)
    idle = 3 * HOURS * 4 * 1 / 1000
    assert found.kwh == pytest.approx((idle + found.hours * 2 / 1000) * 1.2)


def test_electricity_is_paid_only_where_the_price_does_not_include_it() -> None:
    own = year(replace(ROUND, usd_per_hour=0, pays_electricity=True, usd_per_kwh=0.25))
    assert own.usd == pytest.approx(own.kwh * 0.25)
    assert year(replace(ROUND, usd_per_kwh=9.0)) == year(ROUND)


def test_embodied_carbon_comes_with_paid_hours() -> None:
    more = year(replace(ROUND, embodied_g_per_hour=2)).kg - year(ROUND).kg
    assert more == pytest.approx(3 * HOURS * 2 / 1000)


@pytest.mark.parametrize(("needed", "instances"), [(0.001, 1), (2.0, 1), (2.001, 2), (4.0, 2)])
def test_instances_are_whole_and_at_least_one(needed: float, instances: int) -> None:
    at = replace(ROUND, requests_per_day=86_400 * needed, peak_factor=1)
    assert year(at, seconds=1.0, threads=1).instances == instances


@pytest.mark.parametrize("name", ["requests_per_day", "utilization", "pue", "battery_wh"])
def test_a_number_out_of_range_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(ParetoscopeError, match=f"{name} cannot be 0"):
        replace(ROUND, **{name: 0})


AMOUNT = st.floats(1e-3, 10)


@given(AMOUNT, st.integers(1, 8), st.floats(0.1, 100), st.floats(1, 1e9))
def test_doubling_the_requests_doubles_energy_and_hours(
    seconds: float, threads: int, watts: float, requests: float
) -> None:
    once = yearly(seconds, threads, watts, Assumptions(requests_per_day=requests))
    twice = yearly(seconds, threads, watts, Assumptions(requests_per_day=2 * requests))
    for measure in ("kwh", "kg", "hours"):
        assert getattr(twice, measure) == pytest.approx(2 * getattr(once, measure))
    assert once.instances <= twice.instances <= 2 * once.instances


@given(AMOUNT, AMOUNT, st.floats(1, 1e9), st.sampled_from(["trial", "provider"]))
def test_a_faster_model_never_needs_more(
    one: float, other: float, requests: float, energy: str
) -> None:
    at = Assumptions(requests_per_day=requests, energy=energy)  # type: ignore[arg-type]
    fast, slow = (yearly(each, 2, 10, at) for each in sorted((one, other)))
    for measure in ("instances", "usd", "kwh", "kg", "hours"):
        assert getattr(fast, measure) <= getattr(slow, measure) * (1 + 1e-12)


@given(AMOUNT, st.floats(1, 1e9))
def test_the_instances_carry_the_peak(seconds: float, requests: float) -> None:
    at = Assumptions(requests_per_day=requests, peak_factor=2)
    found = yearly(seconds, 2, 10, at)
    peak = requests / 86_400 * 2 * seconds * 2
    assert found.instances * at.vcpus * at.utilization >= peak * (1 - 1e-6)
