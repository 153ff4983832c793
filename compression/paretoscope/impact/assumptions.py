"""What has to be assumed beside the measurement: traffic, instance, prices, grid, device."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from paretoscope.errors import ParetoscopeError
from paretoscope.impact.tables import Device, Electricity, Grid, Instance, Tables, shipped

Billing = Literal["instances", "time"]
EnergySource = Literal["trial", "provider"]
LIMITS: dict[str, tuple[float, float]] = {
    "requests_per_day": (1, 1e12),
    "peak_factor": (1, 1000),
    "utilization": (0.01, 1),
    "speed": (0.01, 100),
    "vcpus": (0.1, 1024),
    "usd_per_hour": (0, 10_000),
    "usd_per_kwh": (0, 100),
    "g_per_kwh": (0, 10_000),
    "pue": (1, 10),
    "power_factor": (0.01, 100),
    "idle_w_per_vcpu": (0, 1000),
    "busy_w_per_vcpu": (0, 1000),
    "embodied_g_per_hour": (0, 1e6),
    "battery_wh": (0.01, 1e6),
    "device_requests": (0, 1e9),
}
"""Lowest and highest value of each number."""


@dataclass(frozen=True)
class Assumptions:
    """The inputs of the calculation.

    `peak_factor` is the busiest hour over the mean (1: constant traffic); `utilization` the share
    of an instance that may be busy at the peak; `speed` how fast a vCPU of the instance is relative
    to a thread of the machine that was measured. `billing` is whole instances that run all year, or
    only the busy time divided by the utilization, as on a shared cluster. `energy` is the trial's
    own figure for the busy time, or the provider's watts per vCPU, idle time included.
    `power_factor` multiplies the watts of either. `embodied_g_per_hour` is the carbon of making an
    instance, per hour.
    """

    requests_per_day: float = 1e6
    peak_factor: float = 1.0
    utilization: float = 0.6
    speed: float = 1.0
    vcpus: float = 2.0
    usd_per_hour: float = 0.085
    pays_electricity: bool = False
    usd_per_kwh: float = 0.0895
    g_per_kwh: float = 369.0
    pue: float = 1.135
    billing: Billing = "instances"
    energy: EnergySource = "trial"
    power_factor: float = 1.0
    idle_w_per_vcpu: float = 0.74
    busy_w_per_vcpu: float = 3.5
    embodied_g_per_hour: float = 0.0
    battery_wh: float = 52.6
    device_requests: float = 1000.0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ParetoscopeError(
                    f"{name} cannot be {getattr(self, name):g}; choose a number from {low:g} to"
                    f" {high:g}."
                )

    @property
    def requests_per_year(self) -> float:
        return 365 * self.requests_per_day

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_tables(
    tables: Tables | None = None,
    *,
    instance: str = "",
    grid: str = "",
    electricity: str = "",
    device: str = "",
) -> Assumptions:
    """The defaults with the values of table rows, each the first one unless named."""
    tables = tables or shipped()
    machine = cast(Instance, tables.named("instances", instance))
    power = tables.provider_of(machine)
    return Assumptions(
        vcpus=machine.vcpus,
        usd_per_hour=machine.usd_per_hour,
        pays_electricity=not machine.electricity_included,
        usd_per_kwh=cast(Electricity, tables.named("electricity", electricity)).usd_per_kwh,
        g_per_kwh=cast(Grid, tables.named("grid", grid)).g_per_kwh,
        pue=power.pue,
        idle_w_per_vcpu=power.idle_w_per_vcpu,
        busy_w_per_vcpu=power.busy_w_per_vcpu,
        battery_wh=cast(Device, tables.named("devices", device)).battery_wh,
    )
