"""The figures of the map as a table, and the operators of the profile."""

from __future__ import annotations

from typing import Any

import streamlit as st

from paretoscope.dashboard.layers.content import Content
from paretoscope.dashboard.layers.rows import By, rows, summed
from paretoscope.dashboard.parts.tables import dataframe_of, table
from paretoscope.layers.profile import Profile


def draw(content: Content, by: By) -> None:
    """A row for each row of the map."""
    with st.expander("All figures as a table"):
        records = parts_table(content, by)
        dataframe_of(records, key="ly_table", alt="Bytes, time and sensitivity of every part")
    profiles = {"Operators": content.profile, "Operators, compressed": content.profile_after}
    for name, profile in profiles.items():
        if profile:
            with st.expander(name):
                _operators(profile)


def parts_table(content: Content, by: By) -> list[dict[str, Any]]:
    """The records of the table."""
    before = summed({key: float(each) for key, each in content.before.parts.items()}, by)
    after = content.after and summed(
        {key: float(each) for key, each in content.after.parts.items()}, by
    )
    profile = content.profile
    times = summed({each.part: each.ms.value for each in profile.parts}, by) if profile else {}
    faster = content.profile_after
    shrunk = summed({each.part: each.ms.value for each in faster.parts}, by) if faster else {}
    found: list[dict[str, Any]] = []
    for key, label in rows(content, by).items():
        size = before.get(key, 0.0)
        record: dict[str, Any] = {"Part": label, "Bytes": round(size)}
        record["Bytes (%)"] = round(100 * size / content.before.total, 2)
        if after:
            record["Compressed bytes"] = round(after.get(key, 0.0))
        if profile:
            value = times.get(key, 0.0)
            record["Time (ms)"] = round(value, 4)
            record["Time (%)"] = round(100 * value / profile.total_ms, 2)
        if shrunk:
            record["Compressed time (ms)"] = round(shrunk.get(key, 0.0), 4)
        found.append(record | (_losses(content, key) if by == "part" else {}))
    return found


def _losses(content: Content, name: str) -> dict[str, float]:
    """KL of a part by option."""
    scan = content.scan
    if scan is None:
        return {}
    cells = scan.by_part
    return {
        f"KL at {option.label}": float(f"{cells[name, option].kl.value:.3g}")
        for option in scan.options
        if (name, option) in cells
    }


def _operators(profile: Profile) -> None:
    total = profile.total_ms
    columns: dict[str, list[str]] = {
        "Operator": [each.operator for each in profile.operators],
        "Count": [str(each.count) for each in profile.operators],
        "Time (ms)": [f"{each.ms.value:.3g}" for each in profile.operators],
        "95 % interval": [f"{each.ms.low:.3g} to {each.ms.high:.3g}" for each in profile.operators],
        "Share": [f"{100 * each.ms.value / total:.1f} %" for each in profile.operators],
    }
    table(columns, alt="Operators of the graph with their number and time")
    slower = profile.profiled_ms.value / profile.plain_ms.value - 1
    st.caption(
        f"A request takes {profile.plain_ms.value:.3g} ms ({profile.plain_ms.low:.3g} to"
        f" {profile.plain_ms.high:.3g}) without the profiler and"
        f" {profile.profiled_ms.value:.3g} ms with it ({100 * slower:+.0f} %), which weighs most on"
        " small operators."
    )
