"""The assumptions of the page: traffic, instance, prices, grid and device, all in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.impact.assumptions import LIMITS, Assumptions, Billing, EnergySource
from paretoscope.impact.figures import Shape
from paretoscope.impact.tables import Electricity, Instance, Power, Tables, shipped
from paretoscope.impact.wording import compact

PRESETS = (1e3, 1e5, 1e6, 1e7)
"""Requests a day of the buttons."""
BILLING: dict[Billing, str] = {
    "instances": "whole instances, all year",
    "time": "busy time only (shared)",
}
ENERGY: dict[EnergySource, str] = {
    "trial": "this measurement",
    "provider": "provider's watts per vCPU",
}
INCLUDED = "Included in the price of this instance."
DEFAULTS = Assumptions()


@dataclass(frozen=True)
class Request:
    """The assumptions, and the shape of a request to a language model."""

    at: Assumptions
    shape: Shape | None


def draw(here: Scope, tables: Tables) -> Request:
    """The controls from top to bottom; the second group is in an expander."""
    rpd = _traffic()
    shape = _shape(here)
    instance = _row("Instance", tables.instances, "im_instance", ("im_usdh", "im_vcpus", "im_pue"))
    left, right = st.columns(2)
    with left:
        price = _from_row("USD an hour", "usd_per_hour", instance, "instances", "im_usdh", "%.4f")
    with right:
        vcpus = _from_row("vCPUs", "vcpus", instance, "instances", "im_vcpus", "%.4g")
    grid = _row("Electricity grid", tables.grid, "im_grid", ("im_gkwh",))
    g_per_kwh = _from_row("gCO2e per kWh", "g_per_kwh", grid, "grid", "im_gkwh", "%.4g")
    with st.expander("More assumptions"):
        more = _more(tables, cast(Instance, instance))
    at = Assumptions(
        requests_per_day=rpd, usd_per_hour=price, vcpus=vcpus, g_per_kwh=g_per_kwh, **more
    )
    return Request(at, shape)


def _traffic() -> float:
    """Requests a day, typed or by a button."""
    rpd = url_widgets.number(
        "Requests a day",
        LIMITS["requests_per_day"],
        key="im_rpd",
        default=DEFAULTS.requests_per_day,
        step=1000.0,
        format="%.0f",
    )
    with st.container(horizontal=True, gap="xsmall"):
        for preset in PRESETS:
            st.button(
                compact(preset),
                key=f"im_preset_{preset:.0f}",
                on_click=_preset,
                args=(preset,),
                disabled=rpd == preset,
                help="Requests a day.",
            )
    return rpd


def _preset(requests: float) -> None:
    st.session_state["im_rpd"] = requests


def _shape(here: Scope) -> Shape | None:
    """Prompt and new tokens of a language model; as measured until they are changed."""
    measured = next(
        (row.document.generation for row in here.rows() if row.document.generation), None
    )
    if measured is None:
        return None
    left, right = st.columns(2)
    with left:
        prompt = _tokens("Prompt tokens", "im_prompt", measured.prompt_tokens)
    with right:
        new = _tokens("New tokens", "im_new", measured.new_tokens)
    return Shape(int(prompt), int(new))


def _tokens(label: str, key: str, default: int) -> float:
    return url_widgets.number(
        label,
        (1.0, 1e6),
        key=key,
        default=float(default),
        step=1.0,
        format="%.0f",
        help="The time to the first token grows in proportion to the prompt.",
    )


def _row(label: str, rows: Sequence[Any], key: str, forgotten: Sequence[str], **more: Any) -> Any:
    """A row of a table; another choice resets the numbers that came from it."""
    by_name = {row.name: row for row in rows}

    def described(each: str) -> str:
        return _described(by_name[each])

    name = url_widgets.option(
        label,
        list(by_name),
        key=key,
        format_func=described,
        on_change=url_widgets.remove,
        args=(forgotten,),
        **more,
    )
    return by_name[name]


def _described(row: Any) -> str:
    """ "c6i.large · AWS us-east-1, 2024-06"."""
    where = f"{row.provider} {row.region}, " if isinstance(row, Instance) else ""
    return f"{row.name} · {where}{row.as_of}".removesuffix(" · ")


def _from_row(
    label: str, field: str, row: Any, table: str, key: str, digits: str, **more: Any
) -> float:
    """A number of a table row, which may be typed over; its source is its help."""
    same = [each for each in getattr(shipped(), table) if each.name == row.name]
    return url_widgets.number(
        label,
        LIMITS[field],
        key=key,
        default=float(getattr(row, field)),
        omitted=float(getattr(same[0], field)) if same else float("nan"),
        format=digits,
        help=f"{row.source or 'No source given'}, {row.as_of or 'no date'}",
        **more,
    )


def _plain(label: str, field: str, key: str, about: str, **more: Any) -> float:
    """A number that no table has."""
    default = float(getattr(DEFAULTS, field))
    return url_widgets.number(label, LIMITS[field], key=key, default=default, help=about, **more)


def _more(tables: Tables, instance: Instance) -> dict[str, Any]:
    """Load, energy and device, by field of the assumptions."""
    load = _load()
    power = tables.provider_of(instance)
    energy = _energy(tables, instance, power)
    device = _row("Device", tables.devices, "im_device", ("im_wh",))
    battery = {
        "battery_wh": _from_row("Battery (Wh)", "battery_wh", device, "devices", "im_wh", "%.4g"),
        "device_requests": _plain(
            "Requests a day on the device", "device_requests", "im_drpd", "For the battery only."
        ),
    }
    return {**load, **energy, **battery}


def _load() -> dict[str, Any]:
    return {
        "billing": url_widgets.option(
            "Pay for",
            list(BILLING),
            key="im_billing",
            format_func=BILLING.get,
            help="Busy time is divided by the utilization.",
        ),
        "peak_factor": _plain(
            "Peak over mean", "peak_factor", "im_peak", "1 is constant traffic.", step=0.5
        ),
        "utilization": _plain(
            "Utilization at the peak",
            "utilization",
            "im_util",
            "Share of an instance that may be busy.",
            step=0.05,
        ),
        "speed": _plain(
            "Speed of a vCPU",
            "speed",
            "im_speed",
            "Relative to a thread of the machine that was measured. 1: as fast.",
            step=0.1,
        ),
    }


def _energy(tables: Tables, instance: Instance, power: Power) -> dict[str, Any]:
    return {
        **_electricity(tables, included=instance.electricity_included),
        "energy": url_widgets.option(
            "Energy from",
            list(ENERGY),
            key="im_energy",
            format_func=ENERGY.get,
            help="The provider's watts include the idle time of the instances.",
        ),
        "power_factor": _plain(
            "Power factor", "power_factor", "im_power", "Multiplies the watts.", step=0.1
        ),
        "pue": _from_row("PUE", "pue", power, "power", "im_pue", "%.3f"),
        "idle_w_per_vcpu": power.idle_w_per_vcpu,
        "busy_w_per_vcpu": power.busy_w_per_vcpu,
        "embodied_g_per_hour": _plain(
            "Embodied gCO2e an hour",
            "embodied_g_per_hour",
            "im_embodied",
            "Carbon of making an instance, per hour. 0 leaves it out.",
        ),
    }


def _electricity(tables: Tables, *, included: bool) -> dict[str, Any]:
    """The price of electricity, which counts only where the instance's price excludes it."""
    price: Electricity = _row(
        "Electricity price",
        tables.electricity,
        "im_electricity",
        ("im_usdkwh",),
        disabled=included,
        help=INCLUDED if included else None,
    )
    field, key = "usd_per_kwh", "im_usdkwh"
    usd = _from_row("USD per kWh", field, price, "electricity", key, "%.4f", disabled=included)
    return {"pays_electricity": not included, field: usd}
